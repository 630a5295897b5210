"""`make compose-check`: docker-compose.yml in the eyes of compose-go, the Compose Specification's own parser."""

import sys
from pathlib import Path

from local import trouble
from local.compose.file import FILE, read
from local.install import Say, ensure, need, recipe, run, silent
from local.paths import ROOT, TOOLS

NAME = "compose-go"
_MODULE = "github.com/compose-spec/compose-go/v2/cmd@v2.16.2"
_WITHOUT = ("no corre `make compose-check`", "`make compose-check` does not run")


def install(tools: Path = TOOLS, say: Say = silent) -> None:
    """Built by Go from its module."""

    def build(folder: Path) -> None:
        say("compose-go: se compila con Go / built with Go")
        run([need("go", _WITHOUT, "golang"), "install", _MODULE], tools, {"GOBIN": str(folder)})

    ensure(tools / NAME, recipe(_MODULE), build, say)


def check(path: Path = FILE, tools: Path = TOOLS) -> None:
    """Raises Trouble with the parser's words where the file is wrong."""
    run([tools / NAME / "cmd", str(path)], ROOT)


def main() -> None:
    """Install the parser, check the file."""
    TOOLS.mkdir(parents=True, exist_ok=True)
    try:
        install(say=lambda line: print(f"· {line}", flush=True))
        check()
    except trouble.Trouble as problem:
        sys.exit(str(problem))
    print(f"compose-check: {FILE.name}, {len(read()['services'])} services, valid")


if __name__ == "__main__":
    main()
