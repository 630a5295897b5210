"""Queue overhead on ElasticMQ: our worker beside the Python peers, each in its own process, interleaved.

CPU counts from the first message handled until the queue is empty, so that starting up is in nobody's figure.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import environment, measure
from bench.consumers.handler import recorded
from bench.envelopes import envelope, taskiq_envelope
from bench.figures import Figure, Row, spread
from local.engines import elasticmq
from local.engines.base import start
from local.install import Say
from local.paths import ROOT
from local.process import free_port
from local.provision import clients
from shared import topology

LIMIT_CPU_S = 4.5  # per 10,000: the bar of this row
_LIMIT_S = 240.0
_GRACE_S = 20.0
_BATCH = 10
_OURS = "ours"


@dataclass(frozen=True, slots=True)
class Consumer:
    """One contestant: how it is started and what its messages look like."""

    name: str
    argv: Sequence[str]
    body: Callable[[int], str] = envelope


@dataclass(frozen=True, slots=True)
class Drain:
    """One repetition of one contestant."""

    cpu_10k: float
    rate: float
    rss_mb: float
    missing: int
    doubled: int
    left: int
    starting_cpu_s: float


def contestants(peers: Path) -> tuple[Consumer, ...]:
    """Ours and the peers in their documented fastest setting (bench/consumers says which)."""
    python = str(peers / "python")
    taskiq = [python, "-m", "taskiq", "worker", "bench.consumers.peer_taskiq:broker"]
    taskiq += ["--workers", "1", "--no-parse", "--log-level", "WARNING"]
    return (
        Consumer(_OURS, [sys.executable, "-m", "bench.consumers.ours"]),
        Consumer("sqs-workers", [python, "-m", "bench.consumers.peer_sqs_workers"]),
        Consumer("taskiq", taskiq, taskiq_envelope),
    )


def run(messages: int, repetitions: int, say: Say) -> Row:
    """Drain `messages` with each contestant, `repetitions` times in turn."""
    row = Row("queue", counts={"messages a drain": messages, "repetitions": repetitions})
    began, before = time.monotonic(), measure.load()
    everyone = contestants(environment.install(say))
    drains: dict[str, list[Drain]] = {one.name: [] for one in everyone}
    with _server() as url:
        for turn in range(repetitions):
            for one in (*everyone[turn % len(everyone) :], *everyone[: turn % len(everyone)]):
                drain = _drained(one, url, f"r{turn}", messages)
                say(f"{one.name} {turn + 1}/{repetitions}: {drain.cpu_10k:.2f} CPU s/10k, {drain.rate:.0f}/s")
                drains[one.name].append(drain)
    row.seconds, row.load = time.monotonic() - began, (before, measure.load())
    judge(row, drains)
    return row


def judge(row: Row, drains: Mapping[str, Sequence[Drain]]) -> None:
    """Figures, and what voids them: anything missing or left anywhere."""
    for name, each in drains.items():
        limit = LIMIT_CPU_S if name == _OURS else None
        row.figures += [
            spread(f"{name}: CPU per 10,000", [drain.cpu_10k for drain in each], "CPU s", limit),
            spread(f"{name}: rate", [drain.rate for drain in each], "msg/s"),
            spread(f"{name}: RSS", [drain.rss_mb for drain in each], "MB"),
        ]
        row.series[name] = [(turn + 1.0, drain.cpu_10k) for turn, drain in enumerate(each)]
        row.counts[f"{name} drains"] = len(each)
    row.figures.append(_ahead(drains))
    total = {
        what: sum(getattr(drain, what) for each in drains.values() for drain in each)
        for what in ("missing", "doubled", "left")
    }
    row.audit = f"{total['missing']} missing, {total['doubled']} doubled, {total['left']} left in the queue"
    if total["missing"] or total["left"]:
        row.voids.append(row.audit)


def _ahead(drains: Mapping[str, Sequence[Drain]]) -> Figure:
    """Our cost as a share of the cheapest peer's, over the medians: below 1 is ahead of every one."""
    cost = {name: spread("", [drain.cpu_10k for drain in each], "").value for name, each in drains.items()}
    peers = {name: value for name, value in cost.items() if name != _OURS}
    best = min(peers, key=lambda name: peers[name])
    return Figure("ours / cheapest peer", cost[_OURS] / peers[best], "x", 1.0, f"cheapest peer: {best}")


@contextmanager
def _server() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="cdmx-bench-"))
    elasticmq.install()
    server = start(elasticmq, free_port(), folder)
    try:
        yield server.url
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _drained(one: Consumer, server: str, turn: str, messages: int) -> Drain:
    """Fill a fresh queue, let the contestant empty it, stop it, count."""
    sqs = clients(server)("sqs")
    prefix = f"{one.name.replace('-', '')}-{turn}-"
    visibility = str(topology.queue("ingest").visibility_s)
    sqs.create_queue(QueueName=f"{prefix}ingest-dlq")
    queue = sqs.create_queue(QueueName=f"{prefix}ingest", Attributes={"VisibilityTimeout": visibility})
    url = queue["QueueUrl"]
    _fill(sqs, url, one.body, messages)
    with tempfile.TemporaryDirectory(prefix="cdmx-bench-") as folder:
        record = Path(folder) / "record"
        record.touch()
        settings = {
            "BENCH_RECORD": str(record),
            "BENCH_QUEUE": f"{prefix}ingest",
            "BENCH_QUEUE_URL": url,
            "CDMX_PREFIX": prefix,
        }
        with _process(one, settings | _aws(server), Path(folder)) as pid:
            drain = _watched(pid, record, messages, lambda: _depth(sqs, url))
    sqs.delete_queue(QueueUrl=url)
    return drain


def _fill(sqs: Any, url: str, body: Callable[[int], str], messages: int) -> None:
    for first in range(0, messages, _BATCH):
        numbers = range(first, min(messages, first + _BATCH))
        entries = [{"Id": str(number), "MessageBody": body(number)} for number in numbers]
        answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
        if answer.get("Failed"):
            raise RuntimeError(f"filling the queue failed: {answer['Failed'][0]}")


def _depth(sqs: Any, url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


def _aws(server: str) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL_SQS": server,
    }


@contextmanager
def _process(one: Consumer, settings: Mapping[str, str], folder: Path) -> Iterator[int]:
    """The contestant in a session of its own; its whole group is gone when this ends."""
    known = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own command lines
            one.argv,
            env={**known, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **settings},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=ROOT,
            start_new_session=True,
        )
    try:
        yield process.pid
    except RuntimeError as error:
        raise RuntimeError(f"{one.name}: {error}\n{(folder / 'log').read_text()[-1500:]}") from error
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _watched(pid: int, record: Path, messages: int, depth: Callable[[], int]) -> Drain:
    """Read CPU at the first message and when the queue is empty. Raises RuntimeError where nothing moves."""
    deadline = time.monotonic() + _LIMIT_S
    _until(lambda: _count(record) > 0, deadline, 0.002)
    began, first, start_usage = time.monotonic(), _count(record), measure.Usage.of(pid)
    _until(lambda: _count(record) >= messages, deadline, 0.02)
    handled_s = time.monotonic() - began
    emptied = time.monotonic() + _GRACE_S
    while depth() and time.monotonic() < emptied:
        time.sleep(0.05)
    usage, found = measure.Usage.of(pid), recorded(str(record))
    work = max(1, messages - first)
    return Drain(
        cpu_10k=(usage.cpu_s - start_usage.cpu_s) / work * 10_000,
        rate=work / handled_s,
        rss_mb=usage.rss / measure.MB,
        missing=messages - len(set(found)),
        doubled=len(found) - len(set(found)),
        left=depth(),
        starting_cpu_s=start_usage.cpu_s,
    )


def _until(done: Callable[[], bool], deadline: float, pause_s: float) -> None:
    while not done():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not done within {_LIMIT_S:.0f} s")
        time.sleep(pause_s)


def _count(record: Path) -> int:
    return record.stat().st_size // 8
