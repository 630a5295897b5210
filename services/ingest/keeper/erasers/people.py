"""Who the person was: their data keys, the aliases that know them again, what their preferences said."""

from services.ingest.keeper.rows import SEALED, aliases_of, partition, unsealed, written
from shared.record.erasure import Outcome
from shared.record.ledger import Subject
from shared.store.port import Attr, Store, Update
from shared.vault.keys import ContactKeys


class KeysEraser:
    """The person's data keys: from here on nothing sealed under them can be opened."""

    place = "contact_keys"

    def __init__(self, store: Store, keys: ContactKeys) -> None:
        self._store = store
        self._keys = keys

    async def erase(self, subject: Subject) -> Outcome:
        """Destroy each."""
        count = 0
        for contact_id in subject.contact_ids:
            known = await self._store.get("contact_keys", contact_id)
            count += "wrapped" in (known or {})
            await self._keys.destroy(contact_id)
        return Outcome(count)


class AliasesEraser:
    """The ledger's half in the tables: every alias of the person knows when they were erased."""

    place = "aliases"

    def __init__(self, store: Store) -> None:
        self._store = store

    async def erase(self, subject: Subject) -> Outcome:
        """Stamp each, those that a race added since included."""
        late = [item["pk"] async for item in aliases_of(self._store, subject)]
        marks = [await self._stamp(key, subject) for key in dict.fromkeys([*subject.aliases, *late])]
        return Outcome(sum(marks))

    async def _stamp(self, key: str, subject: Subject) -> bool:
        later = Attr("erased_at").not_exists() | Attr("erased_at").lt(subject.erased_at)
        stamp = Update("aliases", key, "-", set={"erased_at": subject.erased_at}, condition=later)
        return await written(self._store, stamp)


class PolicyEraser:
    """What their preferences said; that they want nothing more stays, as a fact about an id."""

    place = "policy"

    def __init__(self, store: Store) -> None:
        self._store = store

    async def erase(self, subject: Subject) -> Outcome:
        """Clean each event."""
        count = 0
        for contact_id in subject.contact_ids:
            for kind in ("OPTOUT", "OPTIN"):
                async for row in partition(self._store, "policy", f"{kind}#{contact_id}"):
                    if any(name in row for name in SEALED):
                        count += await written(self._store, unsealed("policy", row))
        return Outcome(count)
