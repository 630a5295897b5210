"""Fixtures for every test: the engines, and AWS settings that cannot reach a real account."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from local.provision import Provisioned, clients, provision
from local.system import System
from tests import engines, skips

ACCOUNT = "000000000000"
LONGEST_ID = 80  # characters
pytest_plugins = ["pytester"]

_FAKE_AWS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}

# One machine's luck must not decide what lands: CI draws the same examples each time, developers new ones.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")

_BROKER = pytest.StashKey[tuple["subprocess.Popen[bytes]", Path]]()


def pytest_configure(config: pytest.Config) -> None:
    """The controller alone starts the broker; workers inherit its address."""
    for name, value in _FAKE_AWS.items():
        os.environ[name] = value
    if not hasattr(config, "workerinput"):
        config.stash[_BROKER] = engines.launch_broker()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Long values are numbered, not spelled: pytest-xdist asks that workers agree on ids, signed URLs differ in each."""
    return argname if isinstance(val, str | bytes) and len(val) > LONGEST_ID else None


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close the broker's input, wait until it stopped what it started."""
    if _BROKER not in config.stash:
        return
    process, state = config.stash[_BROKER]
    if process.stdin is not None:
        process.stdin.close()
    process.wait(90)
    shutil.rmtree(state, ignore_errors=True)


def _skipped(config: pytest.Config) -> list[str]:
    """Ids of the skipped tests, from the reports of all workers."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    reports = reporter.stats.get("skipped", []) if reporter is not None else []
    return [report.nodeid for report in reports]


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A skip that no line of allowed_skips.toml allows fails the run."""
    if not hasattr(session.config, "workerinput") and skips.unexpected(_skipped(session.config)):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which."""
    for test in skips.unexpected(_skipped(config)):
        terminalreporter.write_line(f"not allowed to be skipped: {test}", red=True)


@pytest.fixture(scope="session")
def ministack() -> str:
    """Address of SNS, SQS, DynamoDB, S3, KMS, Secrets Manager and EventBridge."""
    return engines.url_of("ministack")


@pytest.fixture(scope="session")
def elasticmq() -> str:
    """Address of the second SQS."""
    return engines.url_of("elasticmq")


@pytest.fixture(scope="session")
def dynamodb_local() -> str:
    """Address of the second DynamoDB."""
    return engines.url_of("dynamodb_local")


@pytest.fixture(scope="session")
def opensearch() -> str:
    """Address of OpenSearch."""
    return engines.url_of("opensearch")


@pytest.fixture(scope="session")
def versitygw() -> str:
    """Address of the second S3; keys in local.engines.versitygw."""
    return engines.url_of("versitygw")


@pytest.fixture
def prefix() -> str:
    """A prefix of this test's own for every resource it makes."""
    return engines.unique_prefix()


@pytest.fixture
def provisioned(ministack: str, prefix: str) -> Provisioned:
    """Everything the topology declares, under this test's prefix, in account 000000000000."""
    return provision(clients(ministack), prefix, ACCOUNT, os.urandom(32))


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    """The whole system as processes, on free ports, for all tests of one worker.

    Mark what uses it `pytest.mark.xdist_group("system")`, so that one worker runs it all and starts it once.
    """
    whole = System()
    asyncio.run(whole.start())
    yield whole
    asyncio.run(whole.stop())
