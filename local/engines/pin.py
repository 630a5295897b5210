"""`python -m local.engines.pin`: writes local/checksums.txt from what Maven Central delivers today.

Run when a version changes, and read the difference before committing it.
"""

from local.engines import dynamodb_local, elasticmq, maven, opensearch
from local.paths import CHECKSUMS, TOOLS

_HEADER = "# sha256 and name of each file from Maven Central; written by `make checksums`, checked at installation\n"


def main() -> None:
    """Fetch all, unverified, and write the digests."""
    wanted = [*opensearch.COORDINATES, elasticmq.ARTIFACT, dynamodb_local.ARTIFACT]
    found = maven.fetch(wanted, TOOLS, pins=None)
    digests = {path.name: maven.sha256(path) for paths in found.values() for path in paths}
    maven.discard(found)
    CHECKSUMS.write_text(_HEADER + "".join(f"{digests[name]}  {name}\n" for name in sorted(digests)))


if __name__ == "__main__":
    main()
