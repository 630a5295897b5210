"""W3C trace context carried from message to message, and spans as JSON lines.

Span names and attributes hold our ids and facts only. Without a sink spans are not recorded, but the context
is still carried on, so that a later stage may record.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, Status, StatusCode, TraceFlags

from shared.clock import Clock
from shared.ids import Ids

Sink = Callable[[Mapping[str, Any]], None]
_PARTS = 4
_TRACE_CHARS = 32
_SPAN_CHARS = 16


class Tracing:
    """The spans of one process.

    Args:
        service: its name.
        ids: of traces and spans; a seeded source makes them reproducible.
        clock: of their begin and end.
        sink: takes a finished span as a mapping; None = nothing is recorded.
    """

    def __init__(self, service: str, ids: Ids, clock: Clock, sink: Sink | None = None) -> None:
        self._clock = clock
        provider = TracerProvider(
            sampler=ALWAYS_ON if sink else ALWAYS_OFF,
            resource=Resource({"service.name": service}),
            shutdown_on_exit=False,
            id_generator=_Minted(ids),
        )
        if sink is not None:
            provider.add_span_processor(_Lines(sink))
        self._tracer = provider.get_tracer(service)

    @contextmanager
    def span(self, name: str, parent: str | None = None, **facts: str | int) -> Iterator[Span]:
        """A span around the block; `parent` is a traceparent, by default the surrounding span."""
        span = self._tracer.start_span(
            name, context(parent), attributes=facts or None, start_time=self._clock.now_ns()
        )
        token = attach(trace.set_span_in_context(span))
        try:
            yield span
        except Exception as error:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
        finally:
            detach(token)
            span.end(self._clock.now_ns())

    @staticmethod
    def traceparent() -> str | None:
        """The surrounding span as a traceparent, for what is sent on; None outside of any span."""
        found = trace.get_current_span().get_span_context()
        if not found.is_valid:
            return None
        return f"00-{found.trace_id:032x}-{found.span_id:016x}-{found.trace_flags:02x}"


def context(traceparent: str | None) -> Context | None:
    """The context a traceparent names; None for none or a malformed one (W3C Trace Context s.3.2.2)."""
    parts = (traceparent or "").split("-")
    if len(parts) < _PARTS or parts[0] != "00":
        return None
    _, trace_id, span_id, flags = parts[:_PARTS]
    if len(trace_id) != _TRACE_CHARS or len(span_id) != _SPAN_CHARS:
        return None
    try:
        found = SpanContext(
            int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16))
        )
    except ValueError:
        return None
    return trace.set_span_in_context(NonRecordingSpan(found), Context()) if found.is_valid else None


class _Minted(IdGenerator):
    """Ids from the injected source; all zeros are invalid by the standard."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def generate_span_id(self) -> int:
        return int.from_bytes(self._ids.bytes(8), "big") or 1

    def generate_trace_id(self) -> int:
        return int.from_bytes(self._ids.bytes(16), "big") or 1


class _Lines(SpanProcessor):
    """Hands each finished span to the sink."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def on_end(self, span: ReadableSpan) -> None:
        found = span.get_span_context()
        begun, ended = span.start_time or 0, span.end_time or 0
        self._sink(
            {
                "span": span.name,
                "trace_id": f"{found.trace_id:032x}" if found else "",
                "span_id": f"{found.span_id:016x}" if found else "",
                "parent_id": f"{span.parent.span_id:016x}" if span.parent else None,
                "start_ns": begun,
                "took_ns": ended - begun,
                "failed": span.status.description if span.status.status_code is StatusCode.ERROR else None,
                "facts": dict(span.attributes or {}),
            }
        )
