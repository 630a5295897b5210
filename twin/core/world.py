"""The outside world as one object: customers and Meta on one side, the business on the other.

Nothing here reads a clock or does I/O: whoever drives it says what time it is (ns since the epoch), commits
a step's rows and items before anything else happens, and takes what is due with `fire`. The same seed, the
same acts and the same instants make the same world, to the byte.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from twin.core import inbound, sending
from twin.core.faults import Fault
from twin.core.mint import Mint
from twin.core.model import Account, Customer, File, Firing, Item, Media, Row, Step, seeded
from twin.core.outbox import Outbox
from twin.core.payloads import MEDIA_LIFE_NS, BadSayError, Say
from twin.core.people import person
from twin.core.rules import Template, upload_problem
from twin.core.state import State

TEMPLATES = {
    ("aviso_redaccion", "es_MX"): Template(1, "utility"),
    ("seguimiento_nota", "es_MX"): Template(2, "utility"),
    ("boletin_semanal", "es_MX"): Template(1, "marketing"),
    ("plantilla_pausada", "es_MX"): Template(0, "utility", "PAUSED"),
}


class MediaGoneError(Exception):
    """No such media: never there, deleted, or older than 30 days."""


class World:
    """One WhatsApp business account and everybody who writes to it.

    Args:
        account: the account and its number.
        seed: everything random follows from it.
        customers: how many people exist from the start.
    """

    def __init__(self, account: Account, seed: int | str = 0, customers: int = 24) -> None:
        self.state = State(account, Mint(seeded("world", seed)), templates=dict(TEMPLATES))
        self.outbox = Outbox(self.state)
        people = Mint(seeded("people", account.waba_id))
        for index in range(customers):
            self.state.add(person(index, people))

    @property
    def account(self) -> Account:
        """The business account."""
        return self.state.account

    @property
    def customers(self) -> dict[str, Customer]:
        """Everybody, by the twin's id of them."""
        return self.state.customers

    @property
    def violations(self) -> dict[str, int]:
        """How often each rule was broken: Meta's code or EUM Social's exception -> count."""
        return self.state.violations

    def add_customer(self, customer: Customer) -> Step:
        """Somebody new, or somebody changed."""
        self.state.add(customer)
        return Step(customers=(customer,))

    def customer_says(self, customer_id: str, say: Say, now: int) -> Step:
        """A customer does something; `say` is {type, text, ...}. Raises BadSayError."""
        return self._queue(inbound.customer_says(self.state, self.state.customer(customer_id), say, now))

    def customer_reads(self, customer_id: str, now: int) -> Step:
        """A customer opens the chat."""
        return self._queue(sending.read_now(self.state, self.state.customer(customer_id), now))

    def set_reads(self, customer_id: str, *, reads: bool) -> Step:
        """Whether a customer opens by themselves what they get."""
        return self.add_customer(replace(self.state.customer(customer_id), reads=reads))

    def account_event(self, field: str, value: dict[str, Any], now: int) -> Step:
        """Meta says something about the account, a template, a person's preferences."""
        return self._queue(inbound.account_event(self.state, field, value, now))

    def send(self, phone_id: str, blob: bytes, now: int, version: str = "v24.0") -> Step:
        """The business sends; the step's answer is EUM Social's."""
        return self._queue(sending.send(self.state, phone_id, blob, version, now))

    def answered(self, step: Step, now: int) -> Row:
        """The row to commit after the answer to a send has gone out."""
        return sending.answered(step, now)

    def media(self, media_id: str, now: int) -> Media:
        """A file by its media id. Raises MediaGoneError."""
        media = self.state.media.get(media_id)
        if media is None or media.expires <= now:
            raise MediaGoneError(media_id)
        return media

    def upload(self, file: File, now: int) -> Step:
        """The business uploads a file. Raises BadSayError where no message could carry it."""
        problem = upload_problem(file)
        if problem:
            raise BadSayError(problem)
        media = Media(self.state.mint.digits(16), file, now + MEDIA_LIFE_NS)
        self.state.media[media.id] = media
        return Step(media=(media,))

    def delete_media(self, media_id: str, now: int) -> None:
        """The business deletes a file. Raises MediaGoneError."""
        del self.state.media[self.media(media_id, now).id]

    def set_fault(self, fault: Fault) -> None:
        """Put a fault in force; rate 0 ends it."""
        self.state.faults.set(fault)

    def fire(self, now: int) -> list[Firing]:
        """What leaves now. Commit each one's rows and queued items first, remove its `done` after."""
        fired = self.outbox.fire(now)
        for firing in fired:
            for row in firing.rows:
                self.state.remember(row)
        return fired

    def next_at(self) -> int | None:
        """When the next thing leaves, ns; None when nothing waits."""
        return self.outbox.next_at()

    def restore(
        self,
        customers: Iterable[Customer],
        media: Iterable[Media],
        rows: Iterable[Row],
        items: Iterable[Item],
    ) -> None:
        """Go on from a kept history: people, files, what happened, and what had not left yet."""
        for customer in customers:
            self.state.add(customer)
        self.state.media |= {one.id: one for one in media}
        told = list(rows)
        for row in reversed(told):  # the last change first: people are kept as they are now
            self.state.formerly(row)
        for row in told:
            self.state.remember(row)
        for item in items:
            self.outbox.push(item)

    def _queue(self, step: Step) -> Step:
        for item in step.queued:
            self.outbox.push(item)
        return step


__all__ = ["BadSayError", "MediaGoneError", "World"]
