"""Everything the outside world remembers, and how a row of the history becomes memory.

The live path and a restart use the same `remember`, so that a twin started again goes on where it stopped.
"""

import json
from dataclasses import dataclass, field, replace
from typing import Literal

from twin.core.faults import Faults
from twin.core.mint import Mint
from twin.core.model import MS, Account, Customer, Media, Row
from twin.core.payloads import OPENS_NO_WINDOW, BadSayError
from twin.core.rules import API_RATE, THROUGHPUT, Meter, Pair, Template

_MEXICAN_MOBILE = 13  # digits of 521 and ten more, the form of accounts from before 2019


def canonical(number: str) -> str:
    """A number without the 1 that old Mexican accounts keep after 52.

    Source: developers.facebook.com/docs/whatsapp/cloud-api/reference/phone-numbers (Brazil and Mexico).
    """
    old_mexican = number.startswith("521") and len(number) == _MEXICAN_MOBILE
    return "52" + number[3:] if old_mexican else number


@dataclass(frozen=True, slots=True)
class Known:
    """A message the world can refer to: whose, which way, which kind, which attempt of the business."""

    customer_id: str
    direction: Literal["in", "out"]
    type: str
    attempt: str = ""


@dataclass(slots=True)
class State:
    """Memory of one world. `unread` holds, for each customer, the messages shown and not yet opened."""

    account: Account
    mint: Mint
    faults: Faults = field(default_factory=Faults)
    customers: dict[str, Customer] = field(default_factory=dict)
    media: dict[str, Media] = field(default_factory=dict)
    templates: dict[tuple[str, str], Template] = field(default_factory=dict)
    pairs: dict[str, Pair] = field(default_factory=dict)
    messages: dict[str, Known] = field(default_factory=dict)
    unread: dict[str, list[str]] = field(default_factory=dict)
    violations: dict[str, int] = field(default_factory=dict)
    throughput: Meter = field(default_factory=lambda: Meter(THROUGHPUT))
    calls: Meter = field(default_factory=lambda: Meter(API_RATE))
    _by_number: dict[str, str] = field(default_factory=dict)

    def customer(self, customer_id: str) -> Customer:
        """A customer by the twin's own id. Raises BadSayError."""
        try:
            return self.customers[customer_id]
        except KeyError:
            raise BadSayError(f"customer: {customer_id!r} does not exist; add them first") from None

    def add(self, customer: Customer) -> None:
        """Let a customer exist, or change them."""
        self.customers[customer.id] = customer
        self._by_number[canonical(customer.wa_id)] = customer.id
        self._by_number[customer.user_id] = customer.id

    def find(self, to: str, user_id: str) -> Customer | None:
        """Whom an address means; `to` wins over `recipient`, 521 and 52 mean the same person."""
        found = self._by_number.get(canonical(to) if to else user_id)
        return self.customers.get(found) if found else None

    def pair(self, customer_id: str) -> Pair:
        """Standing of a customer with the number."""
        return self.pairs.setdefault(customer_id, Pair())

    def row(self, kind: str, phase: str, now: int, customer: Customer | None, **parts: object) -> Row:
        """A row of the history about somebody."""
        who = {"wa_id": "", "user_id": ""}
        if customer is not None:
            who = {"wa_id": "" if customer.hidden else customer.wa_id, "user_id": customer.user_id}
        base = {"at": now // MS, "kind": kind, "phase": phase, "pnid": self.account.pnid}
        return Row(**(base | who | parts))  # type: ignore[arg-type] # names are checked by Row itself

    def remember(self, row: Row) -> None:
        """Let a row have its lasting effect. Rows without one are ignored."""
        if row.kind == "written" and row.wamid:
            self._heard(row)
        elif row.kind == "written":
            self._account(row)
        elif row.kind == "handed_over" and row.phase == "ok":
            self._sent(row)
        elif row.kind == "violation":
            self.violations[row.code] = self.violations.get(row.code, 0) + 1
        elif row.kind == "shown":
            self._shown(row)
        elif row.kind == "status" and row.type in {"read", "played"}:
            self._opened(row)

    def formerly(self, row: Row) -> None:
        """Let a kept change of number or user id lead from the old ones to whoever has the new ones."""
        system = (
            json.loads(row.body).get("system", {}) if row.kind == "written" and row.type == "system" else {}
        )
        now = self.find(system.get("wa_id", ""), system.get("user_id", ""))
        if now is not None:
            for old in filter(None, (row.wa_id and canonical(row.wa_id), row.user_id)):
                self._by_number.setdefault(old, now.id)

    def _heard(self, row: Row) -> None:
        customer = self._of(row)
        if customer is None:
            return
        said = json.loads(row.body)
        self.messages[row.wamid] = Known(customer.id, "in", row.type)
        self.throughput.add(row.at * MS)
        if said.get("type") not in OPENS_NO_WINDOW:
            self.pair(customer.id).heard(row.at * MS, ad="referral" in said)

    def _sent(self, row: Row) -> None:
        customer = self._of(row)
        if customer is None:
            return
        self.messages[row.wamid] = Known(customer.id, "out", row.type, row.attempt)
        self.throughput.add(row.at * MS)
        self.pair(customer.id).sent(row.at * MS)

    def _shown(self, row: Row) -> None:
        customer = self._of(row)
        if customer is not None and row.wamid and not customer.reads:
            self.unread.setdefault(customer.id, []).append(row.wamid)

    def _opened(self, row: Row) -> None:
        customer = self._of(row)
        waiting = self.unread.get(customer.id, []) if customer is not None else []
        if row.wamid in waiting:
            waiting.remove(row.wamid)

    def _account(self, row: Row) -> None:
        for preference in json.loads(row.body).get("user_preferences", []) if row.body else []:
            customer = self.find(str(preference.get("wa_id", "")), "")
            if customer is not None:
                self.pair(customer.id).stopped = preference.get("value") == "stop"

    def _of(self, row: Row) -> Customer | None:
        return self.find(row.wa_id, row.user_id)

    def moved(self, customer: Customer, system: dict[str, str]) -> Customer:
        """The customer after a system message of a new number or a new user id; the old ones still find them."""
        new = replace(
            customer,
            wa_id=system.get("wa_id", customer.wa_id),
            user_id=system.get("user_id", customer.user_id),
        )
        self.add(new)
        return new
