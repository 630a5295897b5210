"""Java programs from Maven Central through `mvn`, each file checked against local/checksums.txt.

The local repository is our own (`.tools/m2`), so that a damaged file in it can be removed and fetched again
without touching anybody else's.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from local import trouble
from local.install import need, run
from local.paths import CHECKSUMS

_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
_WITHOUT_MAVEN = (
    "no se pueden traer OpenSearch, ElasticMQ ni DynamoDB Local",
    "OpenSearch, ElasticMQ and DynamoDB Local cannot be fetched",
)
_WITHOUT_JAVA = (
    "no arrancan OpenSearch, ElasticMQ ni DynamoDB Local",
    "OpenSearch, ElasticMQ and DynamoDB Local do not start",
)


def _project(artifact: str, body: str) -> str:
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        f"<groupId>local</groupId><artifactId>{artifact}</artifactId><version>1</version>"
        f"<packaging>pom</packaging>{body}</project>"
    )


def _dependency(coordinate: str) -> str:
    group, artifact, version, kind = coordinate.split(":")
    return (
        f"<dependencies><dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>"
        f"<version>{version}</version><type>{kind}</type></dependency></dependencies>"
    )


def pinned() -> dict[str, str]:
    """File name to digest, as committed."""
    lines = CHECKSUMS.read_text().splitlines() if CHECKSUMS.exists() else []
    return {name: digest for digest, name in (line.split() for line in lines if line and line[0] != "#")}


def fetch(coordinates: Sequence[str], tools: Path, pins: Mapping[str, str] | None) -> dict[str, list[Path]]:
    """Bring each coordinate with its run-time dependencies.

    Args:
        coordinates: `group:artifact:version:type`.
        tools: where the local repository stands.
        pins: digest of each file; None takes whatever comes.

    Returns:
        For each coordinate its files, in a temporary folder that the caller moves or removes.
    """
    mvn = need("mvn", _WITHOUT_MAVEN, "maven")
    need("java", _WITHOUT_JAVA, "openjdk-17-jdk-headless")
    work = Path(tempfile.mkdtemp(prefix="maven-", dir=tools))
    names = {coordinate: coordinate.split(":")[1] for coordinate in coordinates}
    (work / "pom.xml").write_text(
        _project(
            "all", "<modules>" + "".join(f"<module>{name}</module>" for name in names.values()) + "</modules>"
        )
    )
    for coordinate, name in names.items():
        (work / name).mkdir()
        (work / name / "pom.xml").write_text(_project(name, _dependency(coordinate)))
    repository = f"-Dmaven.repo.local={tools / 'm2'}"
    run(
        [
            mvn,
            "-B",
            "-q",
            repository,
            _COPY,
            "-DincludeScope=runtime",
            "-DoutputDirectory=${project.basedir}/out",
        ],
        work,
    )
    found = {coordinate: sorted((work / name / "out").iterdir()) for coordinate, name in names.items()}
    if pins is not None:
        _verify([path for paths in found.values() for path in paths], tools / "m2", pins)
    return found


def discard(found: dict[str, list[Path]]) -> None:
    """Remove the temporary folder of a `fetch`."""
    for paths in found.values():
        shutil.rmtree(paths[0].parents[2], ignore_errors=True)


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _verify(paths: Sequence[Path], repository: Path, pins: Mapping[str, str]) -> None:
    wrong = sorted({path.name for path in paths if pins.get(path.name) != sha256(path)})
    if not wrong:
        return
    for damaged in [path for path in repository.rglob("*") if path.name in wrong]:
        shutil.rmtree(damaged.parent)
    raise trouble.half_download(", ".join(wrong), repository)


def java(minimum: int) -> Path | None:
    """A Java of at least that version on this machine, else None."""
    homes = [Path(home) for home in (os.environ.get("JAVA_HOME"),) if home]
    homes += sorted(Path("/usr/lib/jvm").glob("*")) if Path("/usr/lib/jvm").is_dir() else []
    on_path = shutil.which("java")
    candidates = [*([Path(on_path)] if on_path else []), *(home / "bin" / "java" for home in homes)]
    return next((path for path in candidates if path.exists() and version(path) >= minimum), None)


def version(binary: Path) -> int:
    """Feature version of a Java, 0 where it does not run."""
    try:
        answer = subprocess.run([binary, "-version"], capture_output=True, text=True, check=False, timeout=30)  # noqa: S603 - our own words
    except OSError:
        return 0
    match = re.search(r'version "(\d+)', answer.stderr)
    return int(match.group(1)) if match else 0


def need_java() -> Path:
    """Any Java >= 17. Raises Trouble."""
    found = java(17)
    if found is None:
        raise trouble.tool_missing("java", _WITHOUT_JAVA, "openjdk-17-jdk-headless")
    return found
