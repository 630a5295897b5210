"""Facts that come in lists: preferences, BSUIDs, leads, groups, what the Business app synchronizes.

Source: Meta, webhooks reference, one page per field (2026-06), and the Groups API's webhooks.
"""

from shared.whatsapp.messages import AnyMessage
from shared.whatsapp.parts import MetaError
from shared.whatsapp.wire import Code, Id, Number, Scalar, Stamp, Wire


class UserPreference(Wire):
    """One element of `user_preferences`: marketing messages stopped, resumed or signed up for."""

    wa_id: Id | None = None
    user_id: Id | None = None
    parent_user_id: Id | None = None
    detail: str | None = None
    category: str | None = None
    value: str | None = None
    signup_id: str | None = None
    timestamp: Stamp | None = None


class IdPair(Wire):
    """A BSUID before and after."""

    previous: Id | None = None
    current: Id | None = None


class UserIdUpdate(Wire):
    """One element of `user_id_update` (announced, no longer subscribable; kept)."""

    wa_id: Id | None = None
    detail: str | None = None
    user_id: IdPair | None = None
    parent_user_id: IdPair | None = None
    timestamp: Stamp | None = None


class Purchase(Wire):
    """Money of an automatic event."""

    currency: str | None = None
    value: Scalar | None = None


class AutomaticEvent(Wire):
    """One element of `automatic_events`: a lead or purchase Meta saw in the chat."""

    id: Id | None = None
    event_name: str | None = None
    timestamp: Stamp | None = None
    ctwa_clid: str | None = None
    custom_data: Purchase | None = None


class SyncedContact(Wire):
    """Entry of the Business app's address book."""

    full_name: str | None = None
    first_name: str | None = None
    phone_number: str | None = None


class SyncMoment(Wire):
    """When an entry was synchronized."""

    timestamp: Stamp | None = None
    version: Code | None = None


class StateSync(Wire):
    """One element of `smb_app_state_sync`."""

    type: str | None = None
    contact: SyncedContact | None = None
    action: str | None = None
    metadata: SyncMoment | None = None


class HistoryPhase(Wire):
    """Which part of a history synchronization."""

    phase: Number | str | None = None
    chunk_order: Number | str | None = None
    progress: Number | str | None = None


class ThreadContext(Wire):
    """Whose thread."""

    wa_id: Id | None = None
    user_id: Id | None = None
    username: str | None = None


class Thread(Wire):
    """A conversation of the Business app."""

    id: Id | None = None
    context: ThreadContext | None = None
    messages: list[AnyMessage] | None = None


class HistoryChunk(Wire):
    """One element of `history`."""

    metadata: HistoryPhase | None = None
    threads: list[Thread] | None = None
    errors: list[MetaError] | None = None


class Participant(Wire):
    """A member of a group, by what was asked for and whom it named."""

    input: str | None = None
    wa_id: Id | None = None
    user_id: Id | None = None
    parent_user_id: Id | None = None
    username: str | None = None
    errors: list[MetaError] | None = None


class GroupSetting(Wire):
    """Outcome of changing a group's picture, subject or description."""

    text: str | None = None
    mime_type: str | None = None
    sha256: str | None = None
    update_successful: bool | None = None
    errors: list[MetaError] | None = None


class GroupEvent(Wire):
    """One element of `groups` in the four `group_*_update` fields."""

    group_id: Id | None = None
    type: str | None = None
    timestamp: Stamp | None = None
    request_id: str | None = None
    subject: str | None = None
    description: str | None = None
    invite_link: str | None = None
    join_approval_mode: str | None = None
    reason: str | None = None
    initiated_by: str | None = None
    join_request_id: str | None = None
    wa_id: Id | None = None
    user_id: Id | None = None
    parent_user_id: Id | None = None
    added_participants: list[Participant] | None = None
    removed_participants: list[Participant] | None = None
    failed_participants: list[Participant] | None = None
    profile_picture: GroupSetting | None = None
    group_subject: GroupSetting | None = None
    group_description: GroupSetting | None = None
    errors: list[MetaError] | None = None


LISTS: dict[str, type[Wire]] = {
    "user_preferences": UserPreference,
    "user_id_update": UserIdUpdate,
    "automatic_events": AutomaticEvent,
    "state_sync": StateSync,
    "history": HistoryChunk,
    "groups": GroupEvent,
}
"""Members of a value that list facts, each kept by itself."""
