"""Every metric of the product, declared once (CONTRACTS s.10), in a registry that is passed in.

A metric exists from its first use on: a service exports what it measures, not zeros of what others do.
Labels are ours and few; a person, an id or free text is never one.
"""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar, overload

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

NAMESPACE = "cdmx"
LABELS = frozenset(
    (
        "service",
        "queue",
        "type",
        "outcome",
        "destination",
        "direction",
        "code",
        "template",
        "reason",
        "dependency",
        "stage",
        "field",
        "state",
        "rule",
        "item",
        "number",
    )
)
# Around the figures that decide: delivery < 3 s (R4), download < 5 s (R5), search < 2 s (R6).
_SECONDS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1, 1.5, 2, 3, 5, 10, 30, 60, 300, 1800)
_QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 300)

M = TypeVar("M")


class Declared(Generic[M]):
    """A metric's declaration: a descriptor that makes it in its owner's registry at the first use."""

    def __init__(self, make: Callable[[str, CollectorRegistry], M], labels: Sequence[str]) -> None:
        unknown = [label for label in labels if label not in LABELS]
        if unknown:
            raise ValueError(f"metric labels {unknown} are none of the allowed ones")
        self.name = ""
        self._make = make
        self.labels = tuple(labels)

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, owner: None, kind: type) -> "Declared[M]": ...
    @overload
    def __get__(self, owner: "Metrics", kind: type) -> M: ...
    def __get__(self, owner: "Metrics | None", kind: type) -> "Declared[M] | M":
        if owner is None:
            return self
        # Kept in the instance under the same name, which Python then finds first.
        made = owner.__dict__[self.name] = self._make(self.name, owner.registry)
        return made


def _counter(text: str, *labels: str) -> Declared[Counter]:
    return Declared(lambda name, to: Counter(name, text, labels, namespace=NAMESPACE, registry=to), labels)


def _gauge(text: str, *labels: str) -> Declared[Gauge]:
    return Declared(lambda name, to: Gauge(name, text, labels, namespace=NAMESPACE, registry=to), labels)


def _histogram(text: str, *labels: str, buckets: Sequence[float] = _SECONDS) -> Declared[Histogram]:
    return Declared(
        lambda name, to: Histogram(name, text, labels, namespace=NAMESPACE, registry=to, buckets=buckets),
        labels,
    )


class Metrics:
    """The metrics of one process.

    Args:
        registry: where they live; the ops server exports it.
    """

    queue_messages_received_total = _counter("Messages received, repeats included", "queue")
    queue_messages_handled_total = _counter("Receives that ended, by how", "queue", "outcome")
    queue_in_flight = _gauge("Messages held at this moment", "queue")
    queue_message_age_seconds = _histogram("Age of a message when received, since first sent", "queue")
    queue_handle_seconds = _histogram("Time a handler took", "queue", buckets=_QUICK)
    queue_dlq_total = _counter("Messages parked in the dead-letter queue", "queue", "reason")
    queue_depth = _gauge("Visible messages, approximate", "queue")
    queue_oldest_seconds = _gauge(
        "Age of the oldest message of the last receive; 0 = nothing waited", "queue"
    )
    breaker_open = _gauge("1 while a dependency's breaker is open", "dependency")
    ledger_gap_messages = _gauge("Messages that one stage has and the next lacks", "stage")
    late_messages_total = _counter("Messages that came behind their conversation's cursor")
    conflicts_total = _counter("One wamid with two contents")
    unknown_total = _counter("Values no model knows, kept as they are", "field")
    delivery_seconds = _histogram("EUM arrival to desk_log; release to handed over", "direction")
    forward_seconds = _histogram("EUM arrival to a destination's answer", "destination")
    media_ready_seconds = _histogram("EUM arrival to a usable medium", "type")
    media_outcomes_total = _counter("Media by how they ended", "outcome")
    search_seconds = _histogram("A search request's time", buckets=_QUICK)
    search_visible_seconds = _histogram("EUM arrival to searchable")
    download_seconds = _histogram("A download's time as an agent has it")
    sends_total = _counter("Sends by state reached", "state")
    send_refused_total = _counter("Sends the policy guard refused", "rule")
    violations_total = _counter("Violations Meta reported", "code")
    days_since_violation = _gauge("Whole days since the last violation")
    window_lapsed_unanswered_total = _counter("Service windows that closed without an answer")
    number_quality = _gauge("Meta's quality rating: 3 green, 2 yellow, 1 red, 0 unknown", "number")
    template_state = _gauge("1 = approved, 0 = anything else", "template")
    canary_seconds = _histogram("The canary message's round trip")
    canary_failures_total = _counter("Canary messages that did not come back")
    cost_usd = _gauge("Cost of the month so far", "item")
    cost_forecast_usd = _gauge("Forecast of the month's cost")
    agents_online = _gauge("Agents with a live connection")
    live_clients = _gauge("Live connections")
    log_redactions_total = _counter(
        "Personal data or secrets caught on their way into a log: defects", "rule"
    )

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry


def declared() -> dict[str, tuple[str, ...]]:
    """Every metric's exported name and labels, for dashboards, alerts and docs."""
    found = {name: value for name, value in vars(Metrics).items() if isinstance(value, Declared)}
    return {f"{NAMESPACE}_{name}": value.labels for name, value in found.items()}
