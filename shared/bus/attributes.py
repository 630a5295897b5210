"""SNS message attributes of a desk event: what subscriptions filter on (CONTRACTS s.4)."""

from collections.abc import Mapping

from shared.events.model import EVENT, Event, Recorded, UploadCompleted


def body(event: Event) -> str:
    """The event as JSON, without members that have no value."""
    return EVENT.dump_json(event, exclude_none=True).decode()


def attributes(event: Event) -> dict[str, str]:
    """The type always; direction, source, has_media and traceparent where the event has them."""
    named = {
        "type": event.type,
        "direction": getattr(event.data, "direction", None),
        "source": getattr(event.data, "source", None),
        "has_media": _has_media(event),
        "traceparent": event.traceparent,
    }
    return {name: value for name, value in named.items() if value is not None}


def _has_media(event: Event) -> str | None:
    if isinstance(event.data, UploadCompleted):
        return "true"  # SNS takes one subscription of a queue, and the media queue's asks for this attribute
    return str(bool(event.data.media)).lower() if isinstance(event.data, Recorded) else None


def matches(policy: Mapping[str, list[str]] | None, found: Mapping[str, str]) -> bool:
    """Whether attributes pass a subscription's filter policy (SNS's exact string matching)."""
    return policy is None or all(found.get(name) in allowed for name, allowed in policy.items())
