"""JSON lines on stdout, with what is known of the message in hand and without what must not leave.

An exception is logged by its classes and the places it passed, never by its text: a validation error quotes
what it refused, and that may be a person's words.
"""

import logging
import sys
import traceback
from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any, TextIO, cast

import orjson
import structlog
from structlog.typing import FilteringBoundLogger, Processor

from shared.clock import Clock
from shared.errors import Poison, StopAndPage
from shared.observability.redaction import redact

EventDict = MutableMapping[str, Any]
Logger = FilteringBoundLogger
_FRAMES = 12
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
# Numbers under these endings are times and sizes of ours, not telephones.
_MEASURES = ("_ms", "_ns", "_s", "_bytes", "count")


def _unwatched(rule: str) -> None:
    del rule


def build(
    service: str,
    level: str,
    clock: Clock,
    *,
    out: TextIO | None = None,
    redacted: Callable[[str], None] = _unwatched,
) -> Logger:
    """A service's logger.

    Args:
        service: stands in every line.
        level: debug, info, warning or error.
        clock: of the lines' `at`.
        out: where the lines go; stdout where not said.
        redacted: told the rule at each redaction, to be counted.
    """
    logger = structlog.wrap_logger(
        structlog.WriteLogger(out or sys.stdout),
        processors=processors(service, clock, redacted),
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        cache_logger_on_first_use=True,
    )
    return cast("Logger", logger.bind())


def processors(service: str, clock: Clock, redacted: Callable[[str], None] = _unwatched) -> list[Processor]:
    """From a call to a JSON line."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _stamp(service, clock),
        _explain,
        _redaction(redacted),
        _render,
    ]


def bind(**known: str) -> None:
    """Add what a handler learned (correlation, message_id) to every further line of this message's task."""
    structlog.contextvars.bind_contextvars(**known)


def adopt_libraries(log: Logger) -> None:
    """Send the libraries' warnings through the same pipe. Process-wide: for composition roots only."""
    root = logging.getLogger()
    root.handlers[:] = [_Adopted(log)]
    root.setLevel(logging.WARNING)


class _Adopted(logging.Handler):
    """A library's record as a line of ours: its template, without the values it was filled with."""

    def __init__(self, log: Logger) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.log(
            record.levelno,
            "library",
            library=record.name,
            said=str(record.msg),
            exc_info=record.exc_info or None,
        )


def _stamp(service: str, clock: Clock) -> Processor:
    def stamp(_logger: Any, _method: str, event: EventDict) -> EventDict:
        moment = datetime.fromtimestamp(clock.now_ms() / 1000, UTC)
        event["at"] = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        event["service"] = service
        return event

    return stamp


def _explain(_logger: Any, _method: str, event: EventDict) -> EventDict:
    found = event.pop("exc_info", None)
    error = sys.exc_info()[1] if found is True else found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event["error"] = _classes(error)
        event["passed"] = _places(error)
        if isinstance(error, Poison | StopAndPage):
            event["detail"] = str(error)  # free of content by contract
    return event


def _classes(error: BaseException) -> list[str]:
    """The error's class and those of its causes."""
    classes: list[str] = []
    current: BaseException | None = error
    while current is not None and len(classes) < _FRAMES:
        classes.append(type(current).__name__)
        current = current.__cause__ or current.__context__
    return classes


def _places(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return [f"{'/'.join(frame.filename.rsplit('/', 3)[-3:])}:{frame.lineno} {frame.name}" for frame in frames]


def _redaction(redacted: Callable[[str], None]) -> Processor:
    def clean(value: Any, key: str) -> Any:
        if isinstance(value, dict):
            return {clean(name, ""): clean(inner, str(name)) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [clean(inner, key) for inner in value]
        if isinstance(value, bool | float) or value is None:
            return value
        if isinstance(value, int) and (key.endswith(_MEASURES) or abs(value) < 10**9):
            return value
        text, struck = redact(str(value))
        for rule in struck:
            redacted(rule)
        return text if struck or not isinstance(value, int) else value

    def process(_logger: Any, _method: str, event: EventDict) -> EventDict:
        return {key: clean(value, key) for key, value in event.items()}

    return process


def _render(_logger: Any, _method: str, event: EventDict) -> str:
    return orjson.dumps(event, option=orjson.OPT_NON_STR_KEYS).decode()
