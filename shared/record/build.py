"""The record put together: one call for every composition root."""

from dataclasses import dataclass

from shared.clock import Clock
from shared.ids import Ids
from shared.objects.port import Objects
from shared.record.accounts import Accounts
from shared.record.changes import Changes
from shared.record.connect import ConnectRows
from shared.record.holds import Holds
from shared.record.keep import Keeper
from shared.record.outbound import Outbound
from shared.record.parting import Parting
from shared.record.people import People
from shared.record.reader import Reader
from shared.record.sealing import Sealing
from shared.record.statuses import Statuses
from shared.store.port import Store
from shared.vault.keys import ContactKeys
from shared.vault.pepper import Pepper
from shared.vault.port import KeyService

RETENTION_DAYS = 400  # R3 asks for at least 90; config `retention` may say otherwise


@dataclass(frozen=True, slots=True)
class Record:
    """Everything that reads or writes the record, over one set of ports."""

    keeper: Keeper
    statuses: Statuses
    accounts: Accounts
    outbound: Outbound
    reader: Reader
    people: People
    parting: Parting
    sealing: Sealing
    changes: Changes
    connect: ConnectRows


def build(
    store: Store,
    raw: Objects,
    key_service: KeyService,
    pepper: Pepper,
    clock: Clock,
    ids: Ids,
    *,
    service: str,
    retention_days: int = RETENTION_DAYS,
) -> Record:
    """The record of one process.

    `raw` is the raw bucket, where large sealed content goes; `service` names the partition of `due` whose
    outbox carries the events that no queue message would bring again.
    """
    keys = ContactKeys(key_service, store, clock)
    sealing = Sealing(keys, raw, ids.bytes)
    people = People(store, keys, sealing, pepper, clock, ids, service)
    statuses = Statuses(store, people, sealing, clock, ids)
    reader = Reader(store, people, sealing)
    return Record(
        keeper=Keeper(store, people, sealing, statuses, clock, ids, retention_days),
        statuses=statuses,
        accounts=Accounts(store, people, keys, sealing, clock, ids),
        outbound=Outbound(store, reader, sealing, clock, ids, service, retention_days),
        reader=reader,
        people=people,
        parting=Parting(store, people, clock, ids, service),
        sealing=sealing,
        changes=Changes(store, sealing, Holds(store, people, clock, ids, service), ids),
        connect=ConnectRows(store, keys, sealing, ids),
    )
