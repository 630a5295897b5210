"""W3C trace context carried from message to message, and spans as JSON lines.

Span names and attributes hold our ids and facts only. Without a sink spans are not recorded, but the context
is still carried on, so that a later stage may record.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, Status, StatusCode, TraceFlags

from shared.clock import Clock
from shared.ids import Ids
from shared.observability import minted

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
        self._ids = ids
        self._tracer = None if sink is None else _recording(service, ids, sink)

    @contextmanager
    def span(self, name: str, parent: str | None = None, **facts: str | int) -> Iterator[Span]:
        """A span around the block; `parent` is a traceparent, by default the surrounding span."""
        span = self._begin(name, context(parent), facts)
        token = attach(trace.set_span_in_context(span))
        try:
            yield span
        except Exception as error:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
        finally:
            detach(token)
            span.end(self._clock.now_ns())

    def _begin(self, name: str, parent: Context | None, facts: Mapping[str, str | int]) -> Span:
        if self._tracer is None:
            return NonRecordingSpan(_carried(trace.get_current_span(parent).get_span_context(), self._ids))
        return self._tracer.start_span(
            name, parent, attributes=facts or None, start_time=self._clock.now_ns()
        )

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


def _carried(parent: SpanContext, ids: Ids) -> SpanContext:
    """A child of `parent`, or a new root, not sampled; whether its trace id is random stays (W3C level 2)."""
    trace_id = parent.trace_id if parent.is_valid else minted.trace_id(ids)
    flags = TraceFlags(parent.trace_flags & TraceFlags.RANDOM_TRACE_ID)
    return SpanContext(trace_id, minted.span_id(ids), is_remote=False, trace_flags=flags)


def _recording(service: str, ids: Ids, sink: Sink) -> trace.Tracer:
    from shared.observability import spans  # noqa: PLC0415 - the SDK takes 2 MB that only debug needs

    return spans.tracer(service, ids, sink)
