"""botocore's service models as the process keeps them: plain dicts, their documentation empty.

botocore parses its JSON into `OrderedDict`s and keeps every operation's prose for as long as the client lives
(docs/decisions/0006-memory.md has the figures). A call needs neither. Nor does it need the endpoints of services
that we never call (docs/decisions/0011-latency.md).
"""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from aiobotocore.session import AioSession, get_session
from botocore.loaders import JSONFileLoader

_OPEN: dict[str, Callable[[str, str], IO[bytes]]] = {".json": open, ".json.gz": gzip.open}  # type: ignore[dict-item] # overloads

_SERVICES = frozenset(
    {"dynamodb", "kms", "s3", "secretsmanager", "sns", "social-messaging", "sqs", "sts", "transcribe"}
)


class ModelFiles(JSONFileLoader):
    """What botocore's own loader reads, smaller; an object keeps the order of its file."""

    def load_file(self, file_path: str) -> Any:
        """The data of `file_path`, which comes without its suffix; None where there is no such file."""
        for suffix, opened in _OPEN.items():
            if Path(file_path + suffix).is_file():
                with opened(file_path + suffix, "rb") as file:
                    return json.load(file, object_hook=_undocumented)
        return None


def session() -> AioSession:
    """The process's one SDK session: its clients share the models it has read."""
    made = get_session()
    made.get_component("data_loader").file_loader = ModelFiles()
    return made


def _undocumented(found: dict[str, Any]) -> dict[str, Any]:
    """With empty prose; S3's context parameters cannot be built without the key.

    A member that is called `documentation` is an object, no text, and stays.
    """
    if isinstance(found.get("documentation"), str):
        found["documentation"] = ""
    if "regionRegex" in found and "services" in found:
        found["services"] = {name: kept for name, kept in found["services"].items() if _ours(name, kept)}
    return found


def _ours(name: str, service: dict[str, Any]) -> bool:
    """Whether to keep a service of a partition of `endpoints.json`: 4 MB for three hundred of them.

    One that is not there is found by its rule set, at the partition's usual address for the region
    (botocore/regions.py, DEFAULT_SERVICE_DATA); a global one has no region to be found by.
    """
    return name in _SERVICES or "partitionEndpoint" in service
