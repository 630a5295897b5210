"""Whose an item is: what does not belong to our accounts, numbers and Connect instance is quarantined."""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.whatsapp.item import AnyItem, ConnectItem, MetaItem, UnknownItem, WitnessItem

FOREIGN_WABA = "foreign_waba"
FOREIGN_NUMBER = "foreign_number"
FOREIGN_INSTANCE = "foreign_instance"


@dataclass(frozen=True, slots=True)
class Ours:
    """What is ours; an empty set means that nothing is known of that kind, so that nothing is foreign.

    Attributes:
        wabas: WhatsApp Business Account ids. numbers: Meta's phone number ids. instances: Connect's ids.
    """

    wabas: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    instances: frozenset[str] = frozenset()

    @classmethod
    def of(cls, wabas: Iterable[str], numbers: Iterable[str], instances: Iterable[str] = ()) -> "Ours":
        """The sets of settings."""
        return cls(frozenset(wabas), frozenset(numbers), frozenset(instances))

    def foreign(self, item: AnyItem) -> str | None:
        """Why an item is not ours; None where it is."""
        if isinstance(item, ConnectItem):
            return FOREIGN_INSTANCE if _outside(item.instance_id, self.instances) else None
        if isinstance(item, WitnessItem):
            detail = item.event.detail
            return self._meta(detail.waba_id, detail.origination_phone_number_id) if detail else None
        if isinstance(item, UnknownItem):
            return self._meta(item.waba_id, None)
        return self._meta(item.waba_id, item.pnid) if isinstance(item, MetaItem) else None

    def number(self, pnid: str | None) -> str | None:
        """The number an item concerns; the only one we have where the payload does not say."""
        if pnid is not None or len(self.numbers) != 1:
            return pnid
        return next(iter(self.numbers))

    def _meta(self, waba: str | None, pnid: str | None) -> str | None:
        if _outside(waba, self.wabas):
            return FOREIGN_WABA
        return FOREIGN_NUMBER if _outside(pnid, self.numbers) else None


def _outside(value: str | None, known: frozenset[str]) -> bool:
    return value is not None and bool(known) and value not in known
