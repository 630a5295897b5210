"""Trace context: carried, minted from the injected source, never with an error's words."""

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.observability.trace import Tracing, context
from sim.clock import VirtualClock
from tests.unit.queue.worlds import ids, virtually

PARENT = f"00-{'a' * 32}-{'b' * 16}-01"


def _tracing(seed: int = 0) -> tuple[Tracing, list[Mapping[str, Any]]]:
    lines: list[Mapping[str, Any]] = []
    return Tracing("ingest", ids(seed), VirtualClock(), lines.append), lines


def test_a_span_continues_its_message_and_is_carried_on() -> None:
    async def world() -> None:
        tracing, lines = _tracing()
        assert tracing.traceparent() is None
        with tracing.span("handle", PARENT, receive=2):
            carried = tracing.traceparent()
            with tracing.span("store"):
                await asyncio.sleep(0.5)
        store, handle = lines
        assert carried is not None
        assert carried == f"00-{'a' * 32}-{handle['span_id']}-01"
        assert (handle["parent_id"], handle["facts"]) == ("b" * 16, {"receive": 2})
        assert (store["parent_id"], store["took_ns"]) == (handle["span_id"], 500_000_000)
        assert store["trace_id"] == "a" * 32

    virtually(world())


def test_without_a_sink_the_context_is_still_carried() -> None:
    async def world() -> None:
        tracing = Tracing("ingest", ids(), VirtualClock())
        with tracing.span("handle", PARENT):
            carried = tracing.traceparent()
        assert carried is not None
        assert carried.startswith(f"00-{'a' * 32}-")
        assert carried.endswith("-00")

    virtually(world())


def test_without_a_sink_spans_nest_and_a_root_gets_a_trace_of_its_own() -> None:
    async def world() -> tuple[str | None, str | None]:
        tracing = Tracing("ingest", ids(), VirtualClock())
        with tracing.span("handle"):
            outer = tracing.traceparent()
            with tracing.span("store"):
                return outer, tracing.traceparent()

    outer, inner = virtually(world())
    assert outer is not None
    assert inner is not None
    assert outer[:36] == inner[:36]  # one trace
    assert outer != inner
    assert (outer, inner) == virtually(world())


def test_whether_the_trace_id_is_random_is_carried_on_and_sampled_is_not() -> None:
    async def world() -> str | None:
        tracing = Tracing("ingest", ids(), VirtualClock())
        with tracing.span("handle", f"00-{'a' * 32}-{'b' * 16}-03"):
            return tracing.traceparent()

    assert (virtually(world()) or "").endswith("-02")


def test_the_sdk_is_not_loaded_where_nothing_is_recorded() -> None:
    code = (
        "import sys, shared.service; print(any(name.startswith('opentelemetry.sdk') for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    assert done.stdout.strip() == "False"


def test_a_failed_span_names_the_class_only() -> None:
    async def world() -> None:
        tracing, lines = _tracing()
        with pytest.raises(ValueError, match="María"), tracing.span("handle"):
            raise ValueError("María")
        assert lines[0]["failed"] == "ValueError"
        assert "María" not in repr(lines)

    virtually(world())


def test_ids_come_from_the_injected_source() -> None:
    async def world() -> list[Mapping[str, Any]]:
        tracing, lines = _tracing(7)
        with tracing.span("handle"):
            pass
        return lines

    assert virtually(world()) == virtually(world())


@given(st.one_of(st.none(), st.text(max_size=60), st.from_regex(r"00-[0-9a-f]{0,33}-[0-9a-g]{16}-0[01]")))
def test_no_malformed_traceparent_raises(text: str | None) -> None:
    context(text)


@pytest.mark.parametrize(
    "bad", [f"00-{'0' * 32}-{'b' * 16}-01", f"00-{'a' * 32}-{'0' * 16}-01", "00", "x-y-z-w"]
)
def test_a_bad_parent_is_no_parent(bad: str) -> None:
    assert context(bad) is None
