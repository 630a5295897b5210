"""What the endpoints work with; stands on `app.state.desk`."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Request

from services.desk.account import AccountView
from services.desk.audit import AuditLog
from services.desk.hub import Hub
from services.desk.inbox import Inbox
from services.desk.live import Live
from services.desk.log import DeskLog
from services.desk.names import Names
from services.desk.replies import Replies
from services.desk.rules import Rules
from services.desk.transcripts import Transcripts
from services.desk.uploads import Uploads
from services.desk.view import Renderer
from shared.clock import Clock
from shared.objects.port import Objects
from shared.record.reader import Reader


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything behind the API. `connected(agent_id)` counts a live client while it is entered."""

    reader: Reader
    renderer: Renderer
    inbox: Inbox
    replies: Replies
    uploads: Uploads
    transcripts: Transcripts
    names: Names
    rules: Rules
    log: DeskLog
    hub: Hub
    live: Live
    account: AccountView
    audit: AuditLog
    raw: Objects
    clock: Clock
    connected: Callable[[str], AbstractContextManager[None]]


async def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.desk
    return parts


Desk = Annotated[Parts, Depends(_parts)]
ConversationId = Annotated[str, Path(pattern=r"^c_[a-z2-7]{26}$")]
MessageIdPath = Annotated[str, Path(pattern=r"^[ioh]_[a-z2-7]{26}$")]
RuleId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
