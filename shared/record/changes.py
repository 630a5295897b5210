"""What the desk does with the first wording of an edited message and with a deleted one: keep, hide or erase.

`config`, pk "settings", sk "changes" says it; without it everything is kept, which is what a newsroom needs for
evidence. `hide`: agents and editors see the last wording, or only that something was deleted; admins see all.
`erase`: nobody does, and ingest takes the content out of the record; the keeper (services/ingest/keeper/withdrawn.py)
takes away what lies elsewhere once a day: files, what was read out of them, large contents, the archived envelopes.
What a legal hold covers is only hidden, and marked, so that the keeper takes it back once no hold stands any more.

A message, or what stands beside it, then says:
    withdrawn   its content is gone. `files_go`: its files go too, for it was deleted. `gone_ref`: large content to be deleted
    take_back   edit | revoke: a hold covers it, it is whole
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from shared.ids import Ids
from shared.record.commit import commit
from shared.record.holds import Holds
from shared.record.sealing import Sealing
from shared.record.waits import Place, children_of
from shared.store.port import Attr, Check, ConditionFailedError, Item, Op, Store, Update
from shared.vault.port import KeyDestroyedError

Word = Literal["keep", "hide", "erase"]
SETTING = ("config", "settings", "changes")
GONE = "Mensaje eliminado"
DONE = "unarchived"  # the keeper has taken it back everywhere
_CONTENT = ("sealed", "sealed_ref", "take_back", DONE)


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

    def __init__(self, store: Store, sealing: Sealing, holds: Holds, ids: Ids) -> None:
        self._store = store
        self._sealing = sealing
        self._holds = holds
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
            for each in _withdrawn(place, children, revoked="revoke" in kinds):
                await self.take_back(each, revoked="revoke" in kinds)
        if word != "keep" and "revoke" in kinds:
            await self._cover(place)

    async def take_back(self, place: Place, *, revoked: bool) -> None:
        """Take a message's content out of the record, and mark its files where it was deleted; under a hold only mark it."""
        item = await self._store.get("messages", place.pk, place.sk)
        if item is None:
            return
        held = (await self._holds.held()).by(item.get("contact_id", ""), place.pk)
        if held is not None or not await self._emptied(item, revoked=revoked):
            # Without a new revision: nothing of it looks different.
            mark = {"take_back": "revoke" if revoked else "edit"}
            new = Attr("pk").exists() & _not_yet(revoked=revoked)
            await self._once([Update("messages", place.pk, place.sk, set=mark, condition=new)])

    async def _emptied(self, item: Item, *, revoked: bool) -> bool:
        """False where somebody holds its thread just now."""
        said = {"withdrawn": True, **({"files_go": True} if revoked else {})}
        said |= {"gone_ref": item["sealed_ref"]} if "sealed_ref" in item else {}
        emptied = Update(
            "messages",
            item["pk"],
            item["sk"],
            set=said,
            add={"rev": 1},
            remove=_CONTENT,
            condition=Attr("pk").exists() & _not_yet(revoked=revoked),
        )
        free = Check("conversations", item["pk"], "-", Attr("held").not_exists())
        try:
            await commit(self._store, self._ids, [emptied, free])
        except ConditionFailedError as error:
            return 0 in error.failed  # done before
        return True

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


def _not_yet(*, revoked: bool) -> Any:
    return Attr("files_go" if revoked else "withdrawn").not_exists()


def _withdrawn(place: Place, children: Sequence[Item], *, revoked: bool) -> list[Place]:
    """The message, its variants, and its edits: all of them once it is deleted, else all but the last."""
    variants = [Place(each["pk"], each["sk"]) for each in children if each.get("kind") == "variant"]
    edits = sorted(
        (Place(each["at_pk"], each["at_sk"]) for each in children if each.get("kind") == "edit"),
        key=lambda each: each.sk,
    )
    return [place, *variants, *(edits if revoked else edits[:-1])]
