"""EUM Social's EventBridge events: best effort, no content, no wamid - a second signal, never a source.

Source: AWS End User Messaging Social user guide, "Monitoring with Amazon EventBridge".
"""

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from shared.whatsapp.parts import MetaError
from shared.whatsapp.wire import AliasedWire, Id, Stamp


class WitnessDetail(AliasedWire):
    """Which message, by AWS's own id (not the wamid), and what became of it."""

    model_config = ConfigDict(alias_generator=to_camel)

    waba_id: Id | None = None
    origination_phone_number: str | None = None
    origination_phone_number_id: Id | None = None
    message_id: Id | None = None
    status: str | None = None
    event_timestamp: Stamp | None = None
    errors: list[MetaError] | None = None


class Witness(AliasedWire):
    """EventBridge event of source `aws.social-messaging`."""

    version: str | None = None
    id: Id | None = None
    detail_type: str | None = Field(default=None, alias="detail-type")
    source: str | None = None
    account: str | None = None
    time: str | None = None
    region: str | None = None
    resources: list[str] | None = None
    detail: WitnessDetail | None = None
