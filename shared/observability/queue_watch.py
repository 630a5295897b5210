"""What a queue's worker reports, as metrics, log lines and spans."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from shared.clock import Clock
from shared.observability.logging import Logger, bind
from shared.observability.metrics import Metrics
from shared.observability.trace import Tracing
from shared.queue.parking import first_seen_ms, traceparent
from shared.queue.port import Message
from shared.queue.verdict import Outcome


class QueueWatch:
    """Watches one worker; metric children are looked up once, for this is the hot path."""

    def __init__(self, queue: str, metrics: Metrics, log: Logger, tracing: Tracing, clock: Clock) -> None:
        self._queue = queue
        self._log = log.bind(queue=queue)
        self._tracing = tracing
        self._clock = clock
        self._received = metrics.queue_messages_received_total.labels(queue)
        outcomes: tuple[Outcome, ...] = ("ok", "retry", "poison", "lost_lease")
        self._handled = {one: metrics.queue_messages_handled_total.labels(queue, one) for one in outcomes}
        self._in_flight = metrics.queue_in_flight.labels(queue)
        self._age = metrics.queue_message_age_seconds.labels(queue)
        self._oldest = metrics.queue_oldest_seconds.labels(queue)
        self._seconds = metrics.queue_handle_seconds.labels(queue)
        self._parked = metrics.queue_dlq_total

    def received(self, messages: Sequence[Message]) -> None:
        """Counts, and ages since first sent."""
        if not messages:
            self._oldest.set(0)
            return
        now = self._clock.now_ms()
        ages = [max(0, now - first_seen_ms(message)) / 1000 for message in messages]
        self._received.inc(len(messages))
        for age in ages:
            self._age.observe(age)
        self._oldest.set(max(ages))

    def in_flight(self, count: int) -> None:
        """Messages held right now."""
        self._in_flight.set(count)

    @contextmanager
    def handling(self, message: Message) -> Iterator[None]:
        """Log context and span of one message; each runs in a task of its own, so nothing is unbound."""
        bind(queue=self._queue, delivery=message.id)
        with self._tracing.span(
            f"{self._queue} handle", traceparent(message), delivery=message.id, receive=message.receive_count
        ):
            yield

    def settled(
        self, message: Message, outcome: Outcome, reason: str, seconds: float, error: BaseException | None
    ) -> None:
        """Counts it; what did not go well is logged."""
        self._handled[outcome].inc()
        self._seconds.observe(seconds)
        if outcome == "ok":
            return
        say = self._log.error if outcome == "poison" else self._log.warning if error else self._log.info
        say(
            "message " + outcome,
            reason=reason,
            delivery=message.id,
            receive=message.receive_count,
            exc_info=error,
        )

    def parked(self, message: Message, reason: str) -> None:
        """Counts by reason."""
        del message
        self._parked.labels(self._queue, reason).inc()

    def trouble(self, call: str, error: BaseException) -> None:
        """A call to the queue failed; the worker goes on."""
        self._log.warning("queue call failed", call=call, exc_info=error)
