"""What the policy says of edited and deleted messages, on every road by which the desk shows a message."""

from typing import Any

import pytest

from services.desk.log import Entry
from services.desk.models import LiveEvent
from shared.events.model import Event
from shared.http.principal import Principal, Role
from shared.record.reader import View
from shared.store.port import Put
from tests.unit.desk.test_desk_conversations import get
from tests.unit.desk.world import World
from tests.unit.record.world import NOON_MS, text
from tests.unit.search.test_indexer import edit, revoke

FIRST, SECOND, LAST = "primera palabra", "segunda palabra", "palabra final"
SEES = [
    ("keep", "agent", True),
    ("keep", "admin", True),
    ("hide", "agent", False),
    ("hide", "editor", False),
    ("hide", "admin", True),
    ("erase", "agent", False),
    ("erase", "admin", False),
]


class Story:
    """A message, edited twice and, if so, deleted; told by every road."""

    def __init__(self) -> None:
        self.w = World()
        self.ids: list[str] = []
        self.events: list[Event] = []

    async def tell(self, *, deleted: bool, **words: str) -> "Story":
        said = [
            text("wamid.1", FIRST),
            edit("wamid.2", "wamid.1", SECOND),
            edit("wamid.3", "wamid.1", LAST, NOON_MS + 2000),
            *([revoke("wamid.4", "wamid.1")] if deleted else []),
        ]
        for each in said:
            kept = await self.w.keep(each)
            self.ids.append(kept.item_id)
            self.events += kept.events
        await self.w.store.write(Put("config", {"pk": "settings", "sk": "changes", "version": 1, **words}))
        return self

    async def everywhere(self, role: Role) -> str:
        """All that a caller gets to see of it."""
        w, cid = self.w, (await self.w.item(self.ids[0]))["pk"]
        answers: list[Any] = [await get(w, f"/v1/conversations/{cid}/messages", role)]
        answers += [await get(w, "/v1/conversations", role), await get(w, f"/v1/conversations/{cid}", role)]
        answers += [await get(w, f"/v1/messages/{each}", role) for each in self.ids]
        caller = Principal("x", frozenset({role}), 2_000_000_000)
        entries = [Entry(n, event) for n, event in enumerate(self.events, 1)]
        live: list[LiveEvent] = await w.parts.live.render(entries, caller)
        return str([*answers, *(each.model_dump() for each in live)])


@pytest.mark.parametrize(("word", "role", "sees"), SEES)
async def test_a_deleted_message_and_all_its_wordings(word: str, role: Role, *, sees: bool) -> None:
    story = await Story().tell(deleted=True, revoked=word)
    shown = await story.everywhere(role)
    for wording in (FIRST, SECOND, LAST):
        assert (wording in shown) is sees, wording
    assert "revoked_at" in shown


@pytest.mark.parametrize(("word", "role", "sees"), SEES)
async def test_earlier_wordings_of_an_edited_message(word: str, role: Role, *, sees: bool) -> None:
    story = await Story().tell(deleted=False, edited=word)
    shown = await story.everywhere(role)
    for wording in (FIRST, SECOND):
        assert (wording in shown) is sees, wording
    assert LAST in shown, "what it says now is everybody's"


async def test_an_edit_of_a_message_nobody_knows_stands_by_itself() -> None:
    w = World()
    kept = await w.keep(edit("wamid.2", "wamid.1", SECOND))
    await w.store.write(Put("config", {"pk": "settings", "sk": "changes", "version": 1, "edited": "hide"}))
    view = await w.record.reader.get_message(kept.item_id)
    assert isinstance(view, View)
    assert SECOND in str(await get(w, f"/v1/messages/{kept.item_id}"))
