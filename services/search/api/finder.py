"""Answering a search: names resolved, the engine asked within its time, hits checked against the record."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from services.search.port import Found, Hit, Index, IndexTimeoutError, Query
from services.search.query import Parsed
from services.search.words import forms
from shared.record.changes import SETTING, policy_of
from shared.record.people import People
from shared.record.waits import Place, kinds_beside
from shared.store.port import Item, Store
from shared.vault.pepper import Pepper

FULL_S = 1.0  # with CHEAP_S and the way home it stays below the 2 s of R6
CHEAP_S = 0.4
Mode = Literal["full", "fuzzy", "cheap"]


@dataclass(frozen=True, slots=True)
class Answer:
    """Hits whose messages still stand, with the alias of who they came from.

    Attributes:
        mode: full; fuzzy = nothing was found as typed, these forgive typing errors; cheap = there was no time
            for stems, ranking and highlights. A further page goes on in the same mode.
        partial: not every shard answered in time.
    """

    hits: Sequence[tuple[Hit, str | None]]
    total: int
    exact: bool
    after: Sequence[Any] | None
    mode: Mode
    partial: bool


class Finder:
    """Runs parsed questions."""

    def __init__(self, index: Index, store: Store, people: People, pepper: Pepper) -> None:
        self._index = index
        self._store = store
        self._people = people
        self._pepper = pepper

    async def find(
        self,
        parsed: Parsed,
        limit: int,
        after: Sequence[Any] | None = None,
        mode: Mode = "full",
        *,
        cleared: bool = False,
    ) -> Answer:
        """One page, the first or the one behind `after`. Raises IndexUnavailableError.

        `cleared`: the caller sees what the policy of edited and deleted messages only hides.
        """
        policy = policy_of(await self._store.get(*SETTING))
        query = replace(
            await self._resolved(parsed),
            former=not policy.hides_edited(cleared=cleared),
            revoked=not policy.hides_revoked(cleared=cleared),
        )
        if after is not None:
            found = await self._index.search(_in_mode(query, mode), limit, after, FULL_S)
        else:
            mode, found = await self._first(query, limit)
        hits = await self._standing(found.hits, query)
        total = found.total - len(found.hits) + len(hits)
        return Answer(hits, total, found.exact, found.after, mode, found.partial)

    async def _first(self, query: Query, limit: int) -> tuple[Mode, Found]:
        """The first page in the first mode that serves: full, forgiving where that found nothing, cheap when late."""
        try:
            found = await self._index.search(query, limit, None, FULL_S)
        except IndexTimeoutError:
            return "cheap", await self._index.search(_in_mode(query, "cheap"), limit, None, CHEAP_S)
        if found.hits or not _words(query):
            return "full", found
        forgiven = await self._index.search(_in_mode(query, "fuzzy"), limit, None, CHEAP_S)
        return ("fuzzy", forgiven) if forgiven.hits else ("full", found)

    async def _resolved(self, parsed: Parsed) -> Query:
        query = parsed.query
        if parsed.names:
            threads = [each for name in parsed.names for each in await self._index.resolve(name)]
            within = query.conversation_ids
            chosen = [each for each in dict.fromkeys(threads) if within is None or each in within]
            query = replace(query, conversation_ids=tuple(chosen), directions=("in",))
        if query.phones:
            query = replace(query, owned=tuple(await self._owned(query.phones)))
        return query

    async def _owned(self, phones: Sequence[str]) -> list[str]:
        """Threads of the people with exactly these numbers; only their HMACs are looked up."""
        national = [forms(phone)[-1] for phone in phones]
        mexican = [f"{code}{number}" for number in national for code in ("52", "521")]
        spellings = dict.fromkeys([*phones, *mexican])
        kinds: tuple[Literal["phone", "waid"], ...] = ("phone", "waid")
        keys = [("aliases", self._pepper.alias(kind, each), "-") for kind in kinds for each in spellings]
        owners = dict.fromkeys(item["contact_id"] for item in (await self._store.get_many(keys)).values())
        found = [root["pk"] for owner in owners if (root := await self._people.root(owner)) is not None]
        roots = dict.fromkeys(found)
        return [each["sk"] for root in roots for each in await self._people.conversations(root)]

    async def _standing(self, hits: Sequence[Hit], query: Query) -> list[tuple[Hit, str | None]]:
        """Hits the record still vouches for: the index may lag behind it by seconds."""
        places = {
            hit.facts["message_id"]: (hit.facts["conversation_id"], hit.facts["order_key"]) for hit in hits
        }
        keys = [("messages", *place) for place in places.values()]
        keys += [("conversations", each, "-") for each in dict.fromkeys(pk for pk, _ in places.values())]
        keys += [
            ("contacts", each, "-") for each in dict.fromkeys(hit.facts["contact_id"] for hit in hits) if each
        ]
        items = await self._store.get_many(keys) if keys else {}
        standing = [hit for hit in hits if _stands(hit, items)]
        return [(hit, _alias(hit, items)) for hit in standing if await self._untouched(hit, items, query)]

    async def _untouched(self, hit: Hit, items: "_Items", query: Query) -> bool:
        """Whether what was found is not what its author took back since it was indexed, as far as that is hidden."""
        place = Place(hit.facts["conversation_id"], hit.facts["order_key"])
        message = items[("messages", place.pk, place.sk)]
        if (query.former and query.revoked) or message["rev"] == hit.facts["rev"]:
            return True
        kinds = await kinds_beside(self._store, place)
        return not (("edit" in kinds and not query.former) or ("revoke" in kinds and not query.revoked))


_Items = dict[tuple[str, str, str], Item]


def _stands(hit: Hit, items: _Items) -> bool:
    facts = hit.facts
    message = items.get(("messages", facts["conversation_id"], facts["order_key"]))
    if message is None or message.get("erased"):
        return False
    around = (("conversations", facts["conversation_id"], "-"), ("contacts", facts["contact_id"], "-"))
    return not any(items.get(key, {}).get("protected") or items.get(key, {}).get("erased") for key in around)


def _alias(hit: Hit, items: _Items) -> str | None:
    alias = items.get(("contacts", hit.facts["contact_id"], "-"), {}).get("alias")
    return alias if isinstance(alias, str) else None


def _words(query: Query) -> tuple[str, ...]:
    return (*query.words, query.prefix) if query.prefix is not None else query.words


def _in_mode(query: Query, mode: Mode) -> Query:
    if mode == "fuzzy":  # only words can be mistyped, and an unfinished one is a word then
        return replace(query, words=_words(query), prefix=None, fuzzy=True)
    return replace(query, cheap=mode == "cheap")
