"""The customer service window: when free-form messages may be sent, and what opens it.

Source: Meta, "Service messages" (WhatsApp Business Platform): a message or call of the user starts a 24 h
timer, another one starts it again. A click-to-WhatsApp ad's free entry point lasts 72 h but is a matter of
price only: free-form messages still need the 24 h window (Meta, "Pricing").
"""

DAY_MS = 24 * 3600 * 1000
FREE_ENTRY_MS = 3 * DAY_MS
MARGIN_MS = 60_000  # our clock, Meta's clock and the road between them

# What a customer sends on purpose. Left out on the safe side: reactions, edits and revokes (Meta does not
# say that they count), system notices (nobody sent them), and types we cannot name.
OPENING_TYPES = frozenset(
    {
        "text",
        "image",
        "video",
        "audio",
        "document",
        "sticker",
        "location",
        "contacts",
        "interactive",
        "button",
        "order",
        "request_welcome",
    }
)


def opens_window(message_type: str, *, direction: str, source: str) -> bool:
    """Whether a message starts the window: only content that a customer sent, never an import."""
    return direction == "in" and source != "import" and message_type in OPENING_TYPES


def window_ends_at(ts_s: int | None, arrival_ms: int) -> int:
    """End of the window (ms) that a message opens: the earlier of Meta's time and its arrival, + 24 h - 60 s."""
    return _start(ts_s, arrival_ms) + DAY_MS - MARGIN_MS


def free_entry_ends_at(ts_s: int | None, arrival_ms: int) -> int:
    """End (ms) of the free entry point that an ad's first message may open; price only, no licence to send."""
    return _start(ts_s, arrival_ms) + FREE_ENTRY_MS - MARGIN_MS


def _start(ts_s: int | None, arrival_ms: int) -> int:
    return arrival_ms if ts_s is None else min(ts_s * 1000, arrival_ms)
