"""The emulator's container: ministack as a child whose state is dropped if it died without saving it.

ministack saves only on SIGTERM. `unsaved` tells the one-shot services that everything must be made and filled again.
"""

import os
import signal
import subprocess
import sys

from local import recovery
from local.paths import STATE

FOLDER = STATE / "emulator"
UNSAVED = FOLDER / "unsaved"


def main() -> None:
    """Run it until it ends; SIGTERM is handed on."""
    os.umask(0o077)
    (FOLDER / "tmp").mkdir(parents=True, exist_ok=True)
    if recovery.forget_unsaved(FOLDER):
        UNSAVED.touch()
    recovery.mark_running(FOLDER)
    child = subprocess.Popen([sys.executable, "-m", "ministack"])
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: child.terminate())
    sys.exit(child.wait())


if __name__ == "__main__":
    main()
