"""Calls offered to or made by our number: kept and shown, never answered.

Source: Meta, Calling API, webhooks of field `calls` (2026-06).
"""

from pydantic import Field

from shared.whatsapp.parts import Context, MetaError
from shared.whatsapp.wire import AliasedWire, Id, Number, Stamp, Wire


class CallSession(Wire):
    """Session description (RFC 8866) of a call."""

    sdp: str | None = None
    sdp_type: str | None = None


class Call(AliasedWire):
    """One element of `calls`; `id` is a `wacid`, times are seconds since the epoch, `duration` seconds."""

    id: Id | None = None
    from_: Id | None = Field(default=None, alias="from")
    from_user_id: Id | None = None
    from_parent_user_id: Id | None = None
    to: Id | None = None
    to_user_id: Id | None = None
    to_parent_user_id: Id | None = None
    event: str | None = None
    direction: str | None = None
    status: str | list[str] | None = None
    timestamp: Stamp | None = None
    start_time: Stamp | None = None
    end_time: Stamp | None = None
    duration: Number | str | None = None
    session: CallSession | None = None
    context: Context | None = None
    cta_payload: str | None = None
    deeplink_payload: str | None = None
    biz_opaque_callback_data: str | None = None
    errors: list[MetaError] | None = None
