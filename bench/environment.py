"""The peers' own virtual environment, from its hashed requirement file."""

import sys
from pathlib import Path

from local.install import Say, ensure, environment, recipe, silent
from local.paths import REQUIREMENTS, TOOLS

LOCK = REQUIREMENTS / "bench-peers.txt"


def install(say: Say = silent, tools: Path = TOOLS) -> Path:
    """Have it; answers its folder of programs. Raises Trouble."""

    def build(folder: Path) -> None:
        say("peers: entorno propio desde PyPI / own environment from PyPI")
        environment(folder, LOCK)

    ensure(tools / "bench", recipe(sys.version, LOCK), build, say)
    return tools / "bench" / "bin"
