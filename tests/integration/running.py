"""One of our processes on real engines, for the tests of a single worker."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.paths import ROOT
from local.provision import Provisioned
from tests.unit.ingest.desk import WABA
from tests.unit.record.world import PNID

_POLL_S = 0.1
_LONGEST_S = 120


def environment(endpoint: str, made: Provisioned, **more: str) -> dict[str, str]:
    """What a worker of ours needs to find these engines."""
    return {
        **os.environ,
        "AWS_ENDPOINT_URL": endpoint,
        "CDMX_ENV": "test",
        "CDMX_PREFIX": made.naming.prefix,
        "CDMX_ACCOUNT": made.account,
        "CDMX_WABAS": WABA,
        "CDMX_NUMBERS": f"{PNID}=phone-number-id-1",
        **more,
    }


@contextmanager
def running(module: str, env: dict[str, str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The process, stopped by its own pid; it must drain and end by itself."""
    argv = [sys.executable, "-m", module]
    with log.open("wb") as out:
        process = subprocess.Popen(argv, cwd=ROOT, env=env, stdout=out, stderr=out)  # noqa: S603 - our own module
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0, log.read_text()


def cdmx(env: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    """The operators' command, to its end."""
    argv = [sys.executable, "-m", "ops", *words]
    return subprocess.run(  # noqa: S603 - our own command
        argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=_LONGEST_S, check=False
    )


def until(what: Callable[[], Any], seconds: float = 30.0) -> Any:
    """What a look gives once it is true: servers in other processes are polled. Raises AssertionError."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(_POLL_S)
    raise AssertionError("it did not happen in time")
