"""Spans that are recorded: OpenTelemetry's SDK, each finished span handed to a sink.

Imported only where spans are recorded: the SDK takes 2 MB of every process (docs/decisions/0006-memory.md).
"""

from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import StatusCode, Tracer

from shared.ids import Ids
from shared.observability import minted


def tracer(service: str, ids: Ids, sink: Callable[[Mapping[str, Any]], None]) -> Tracer:
    """A tracer whose finished spans go to `sink` as mappings."""
    provider = TracerProvider(
        sampler=ALWAYS_ON,
        resource=Resource({"service.name": service}),
        shutdown_on_exit=False,
        id_generator=_Minted(ids),
    )
    provider.add_span_processor(_Lines(sink))
    return provider.get_tracer(service)


class _Minted(IdGenerator):
    """Ids from the injected source."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def generate_span_id(self) -> int:
        return minted.span_id(self._ids)

    def generate_trace_id(self) -> int:
        return minted.trace_id(self._ids)


class _Lines(SpanProcessor):
    """Hands each finished span to the sink."""

    def __init__(self, sink: Callable[[Mapping[str, Any]], None]) -> None:
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
