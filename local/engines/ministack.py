"""ministack: SNS, SQS, DynamoDB, S3, KMS, Secrets Manager and EventBridge in one process.

In its own virtual environment, because it pins another botocore than aiobotocore does. Its defaults listen
on every interface (BIND_HOST, and an MQTT listener of its IoT service): both are closed here. It saves its
state only when it ends by SIGTERM.
"""

import os
import sys
from pathlib import Path

from local.install import Say, ensure, environment, recipe, silent
from local.paths import REQUIREMENTS, TOOLS
from local.process import Server

NAME = "ministack"
READY_S = 60.0
_LOCK = REQUIREMENTS / "ministack.txt"


def install(tools: Path = TOOLS, say: Say = silent) -> None:
    """A virtual environment from the hashed requirement file."""

    def build(folder: Path) -> None:
        say("ministack: entorno propio desde PyPI / own environment from PyPI")
        environment(folder, _LOCK)

    ensure(tools / NAME, recipe(sys.version, _LOCK), build, say)


def server(port: int, data: Path, tools: Path = TOOLS) -> Server:
    """State in `data` comes back, and is saved there at SIGTERM."""
    temporary = data / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return Server(
        name=NAME,
        argv=[str(tools / NAME / "bin" / "python"), "-m", "ministack"],
        url=f"http://127.0.0.1:{port}",
        health="/_ministack/health",
        env={
            **keep,
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "IOT_MTLS_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_REGION": "us-east-1",
            "PERSIST_STATE": "1",
            "S3_DATA_DIR": str(data / "s3"),
            "S3_PERSIST": "1",
            "SFTP_ENABLED": "0",
            "STATE_DIR": str(data / "state"),
            "TMPDIR": str(temporary),
        },
        log=data / "ministack.log",
        grace_s=60.0,
    )
