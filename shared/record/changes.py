"""What the desk does with the first wording of an edited message and with a deleted one: keep, hide or erase.

`config`, pk "settings", sk "changes" says it; without it everything is kept, which is what a newsroom needs for
evidence. `hide`: agents and editors see the last wording, or only that something was deleted; admins see all.
`erase`: nobody does, and ingest takes the content out of the record; the archived envelopes stay until the keeper
rewrites them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from shared.ids import Ids
from shared.record.commit import commit
from shared.record.sealing import Sealing
from shared.record.waits import Place, children_of
from shared.store.port import Attr, ConditionFailedError, Item, Op, Store, Update
from shared.vault.port import KeyDestroyedError

Word = Literal["keep", "hide", "erase"]
SETTING = ("config", "settings", "changes")
GONE = "Mensaje eliminado"
_CONTENT = ("sealed", "sealed_ref")


@dataclass(frozen=True, slots=True)
class Policy:
    """What becomes of what a person took back."""

    edited: Word = "keep"
    revoked: Word = "keep"

    def hides_edited(self, *, cleared: bool) -> bool:
        """Whether earlier wordings are not for a caller; `cleared`: who sees what is only hidden."""
        return hides(self.edited, cleared=cleared)

    def hides_revoked(self, *, cleared: bool) -> bool:
        """The same of what was deleted."""
        return hides(self.revoked, cleared=cleared)

    @property
    def keeps_all(self) -> bool:
        """Whether there is nothing to do."""
        return self.edited == self.revoked == "keep"


def hides(word: Word, *, cleared: bool) -> bool:
    """Whether a word of the policy keeps something from a caller."""
    return word == "erase" or (word == "hide" and not cleared)


def policy_of(item: Item | None) -> Policy:
    """The policy of a settings item; what it does not say, or says in words nobody knows, is kept."""
    said = item or {}
    return Policy(_word(said.get("edited")), _word(said.get("revoked")))


def _word(given: Any) -> Word:
    known: dict[Any, Word] = {word: word for word in get_args(Word)}
    return known.get(given, "keep")


class Changes:
    """Carries the policy out in the record, once for each message that was edited or deleted."""

    def __init__(self, store: Store, sealing: Sealing, ids: Ids) -> None:
        self._store = store
        self._sealing = sealing
        self._ids = ids

    async def apply(self, place: Place) -> None:
        """Take out of the record what the policy says, and out of the inbox what is hidden; again is no error."""
        policy = policy_of(await self._store.get(*SETTING))
        if policy.keeps_all:
            return
        children = await children_of(self._store, place)
        kinds = {child.get("kind") for child in children}
        word = policy.revoked if "revoke" in kinds else policy.edited if "edit" in kinds else "keep"
        if word == "erase":
            await self._empty(_withdrawn(place, children, revoked="revoke" in kinds))
        if word != "keep" and "revoke" in kinds:
            await self._cover(place)

    async def _empty(self, places: Sequence[Place]) -> None:
        for place in places:
            there = Attr("pk").exists() & Attr("withdrawn").not_exists()
            op = Update(
                "messages",
                place.pk,
                place.sk,
                set={"withdrawn": True},
                add={"rev": 1},
                remove=_CONTENT,
                condition=there,
            )
            await self._once([op])

    async def _cover(self, place: Place) -> None:
        """The inbox says that the newest message was deleted, and no more."""
        conversation = await self._store.get("conversations", place.pk)
        if conversation is None or conversation.get("preview_order_key") != place.sk:
            return
        shown: dict[str, Any] = {"text": GONE, "type": "revoke", "direction": "in"}
        try:
            blob = await self._sealing.blob(conversation["preview_key_id"], shown, "conversations", place.pk)
        except KeyDestroyedError:
            return
        same = Attr("preview_order_key").eq(place.sk)
        await self._once(
            [Update("conversations", place.pk, "-", set={"preview": blob}, add={"rev": 1}, condition=same)]
        )

    async def _once(self, ops: list[Op]) -> None:
        try:
            await commit(self._store, self._ids, ops)
        except ConditionFailedError:
            return  # done before, or newer news stands there


def _withdrawn(place: Place, children: Sequence[Item], *, revoked: bool) -> list[Place]:
    """The message, its variants, and its edits: all of them once it is deleted, else all but the last."""
    variants = [Place(each["pk"], each["sk"]) for each in children if each.get("kind") == "variant"]
    edits = sorted(
        (Place(each["at_pk"], each["at_sk"]) for each in children if each.get("kind") == "edit"),
        key=lambda each: each.sk,
    )
    return [place, *variants, *(edits if revoked else edits[:-1])]
