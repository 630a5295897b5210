"""versitygw: a second S3 that checks signatures, refuses anonymous access and small parts."""

import os
from pathlib import Path

from local.install import Say, ensure, need, recipe, run, silent
from local.paths import TOOLS
from local.process import Server

NAME = "versitygw"
READY_S = 30.0
ACCESS_KEY = "localroot"  # letters and digits: DynamoDB Local takes no others
SECRET_KEY = "local-root-secret"  # noqa: S105 - of a throw-away server on loopback
_MODULE = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
_WITHOUT = ("no corre `make test-engines`", "`make test-engines` does not run")


def install(tools: Path = TOOLS, say: Say = silent) -> None:
    """Built by Go from its module; takes minutes the first time."""

    def build(folder: Path) -> None:
        say("versitygw: se compila con Go, tarda minutos / built with Go, takes minutes")
        run([need("go", _WITHOUT, "golang"), "install", _MODULE], tools, {"GOBIN": str(folder)})

    ensure(tools / NAME, recipe(_MODULE), build, say)


def server(port: int, data: Path, tools: Path = TOOLS) -> Server:
    """Over a folder."""
    (data / "objects").mkdir(parents=True, exist_ok=True)
    return Server(
        name=NAME,
        argv=[
            str(tools / NAME / "versitygw"),
            "--port",
            f"127.0.0.1:{port}",
            "--health",
            "/health",
            "posix",
            str(data / "objects"),
        ],
        url=f"http://127.0.0.1:{port}",
        health="/health",
        env={"PATH": os.environ["PATH"], "ROOT_ACCESS_KEY": ACCESS_KEY, "ROOT_SECRET_KEY": SECRET_KEY},
        log=data / "versitygw.log",
    )
