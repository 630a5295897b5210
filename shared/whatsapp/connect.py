"""Amazon Connect: chat streaming messages and contact events.

Sources: Amazon Connect administrator guide, "Enable real-time chat message streaming" (SNS payload) and
"Amazon Connect contact events". Both are archived and kept as rows; the record's truth is WhatsApp's.
"""

from typing import Any

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel, to_pascal

from shared.whatsapp.wire import AliasedWire, Id, Number


class _Pascal(AliasedWire):
    model_config = ConfigDict(alias_generator=to_pascal)


class Attachment(_Pascal):
    """A file of a chat; its content is fetched by id."""

    attachment_id: Id | None = None
    attachment_name: str | None = None
    content_type: str | None = None
    status: str | None = None


class Receipt(_Pascal):
    """Who has got or read a chat message."""

    delivered_timestamp: str | None = None
    read_timestamp: str | None = None
    recipient_participant_id: Id | None = None


class ReceiptMetadata(_Pascal):
    """Receipts of a chat message."""

    message_id: Id | None = None
    receipts: list[Receipt] | None = None


class ChatMessage(_Pascal):
    """A message, event or attachment of a chat; `absolute_time` (RFC 3339) is its arrival."""

    absolute_time: str | None = None
    content: str | None = None
    content_type: str | None = None
    id: Id | None = None
    type: str | None = None
    participant_id: Id | None = None
    display_name: str | None = None
    participant_role: str | None = None
    initial_contact_id: Id | None = None
    contact_id: Id | None = None
    related_contact_id: Id | None = None
    attachments: list[Attachment] | None = None
    message_metadata: ReceiptMetadata | None = None


class _Camel(AliasedWire):
    model_config = ConfigDict(alias_generator=to_camel)


class QueueInfo(_Camel):
    """The queue a contact waits in."""

    queue_arn: str | None = None
    queue_type: str | None = None
    enqueue_timestamp: str | None = None


class AgentInfo(_Camel):
    """The agent who took a contact."""

    agent_arn: str | None = None
    connected_to_agent_timestamp: str | None = None
    agent_initiated_hold_duration: Number | None = None
    customer_hold_duration: Number | None = None
    after_contact_work_duration: Number | None = None
    after_contact_work_start_timestamp: str | None = None
    after_contact_work_end_timestamp: str | None = None
    accepted_by_agent_timestamp: str | None = None
    number_of_pauses: Number | None = None
    hierarchy_groups: dict[str, Any] | None = None


class StepExpiry(_Camel):
    """How long a routing step lasts."""

    duration_in_seconds: Number | None = None
    expiry_timestamp: str | None = None


class AttributeCondition(_Camel):
    """The proficiency a routing step asks for."""

    name: str | None = None
    value: str | None = None
    proficiency_level: Number | None = None
    comparison_operator: str | None = None


class StepExpression(_Camel):
    """What a routing step asks for: one condition, or several joined."""

    attribute_condition: AttributeCondition | None = None
    and_expression: "list[StepExpression] | None" = None
    or_expression: "list[StepExpression] | None" = None


class RoutingStep(_Camel):
    """A step of a contact's routing."""

    expiry: StepExpiry | None = None
    expression: StepExpression | None = None
    status: str | None = None


class RoutingCriteria(_Camel):
    """Whom a contact is offered to, step by step."""

    steps: list[RoutingStep] | None = None
    activation_timestamp: str | None = None
    index: Number | None = None


class Endpoint(_Camel):
    """An end of a contact."""

    type: str | None = None
    address: str | None = None
    display_name: str | None = None


class ContactDetail(_Camel):
    """What happened to a contact."""

    event_type: str | None = None
    contact_id: Id | None = None
    initial_contact_id: Id | None = None
    previous_contact_id: Id | None = None
    related_contact_id: Id | None = None
    channel: str | None = None
    instance_arn: str | None = None
    initiation_method: str | None = None
    initiation_timestamp: str | None = None
    connected_to_system_timestamp: str | None = None
    disconnect_timestamp: str | None = None
    disconnect_reason: str | None = None
    queue_info: QueueInfo | None = None
    agent_info: AgentInfo | None = None
    routing_criteria: RoutingCriteria | None = None
    updated_properties: list[str] | None = None
    tags: dict[str, Any] | None = None
    attributes: dict[str, Any] | None = None
    segment_attributes: dict[str, Any] | None = None
    scheduled_timestamp: str | None = None
    last_update_timestamp: str | None = None
    customer_id: str | None = None
    customer_endpoint: Endpoint | None = None
    system_endpoint: Endpoint | None = None
    chat_metrics: dict[str, Any] | None = None
    global_resiliency_metadata: dict[str, Any] | None = None


class ContactEvent(AliasedWire):
    """EventBridge event of source `aws.connect`; best effort, may repeat."""

    version: str | None = None
    id: Id | None = None
    detail_type: str | None = Field(default=None, alias="detail-type")
    source: str | None = None
    account: str | None = None
    time: str | None = None
    region: str | None = None
    resources: list[str] | None = None
    detail: ContactDetail | None = None


_OPEN = frozenset({"tags", "attributes", "segmentAttributes", "hierarchyGroups", "chatMetrics"})


def camel_keys(value: Any) -> Any:
    """Keys with a small first letter: the documented samples mix `ContactId` and `contactId`.

    Objects whose keys are data (tags, attributes) are left alone.
    """
    if isinstance(value, list):
        return [camel_keys(element) for element in value]
    if not isinstance(value, dict):
        return value
    small = {name[:1].lower() + name[1:]: member for name, member in value.items()}
    return {name: member if name in _OPEN else camel_keys(member) for name, member in small.items()}


def instance_id(detail: ContactDetail | None) -> str | None:
    """The Connect instance of an event: the last part of its ARN."""
    arn = detail.instance_arn if detail else None
    return arn.rpartition("/")[2] if arn else None
