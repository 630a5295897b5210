"""Meta's rules for a number, as a pure decision over what has happened: who may be sent what, when.

Sources (developers.facebook.com/docs/whatsapp): messaging window - pricing and messages/send-messages;
pair rate and throughput - cloud-api/overview and /throughput; media - cloud-api/reference/media;
codes - cloud-api/support/error-codes.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from twin.core.model import SECOND, File
from twin.core.outgoing import Outgoing

WINDOW_NS = 24 * 3600 * SECOND
ENTRY_POINT_NS = 72 * 3600 * SECOND  # a conversation begun by an ad that was answered in its window
PAIR_BURST = 45
PAIR_REFILL_NS = 6 * SECOND
THROUGHPUT = 80  # messages in and out, each second, of a number
API_RATE = 1000  # SendWhatsAppMessage a second: EUM Social's quotas page

MB = 1024 * 1024
_OFFICE = "application/vnd.openxmlformats-officedocument."
SIZES: Mapping[str, Mapping[str, int]] = {
    "audio": dict.fromkeys(("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"), 16 * MB),
    "document": dict.fromkeys(
        (
            "text/plain",
            "application/pdf",
            "application/vnd.ms-excel",
            "application/msword",
            "application/vnd.ms-powerpoint",
            f"{_OFFICE}spreadsheetml.sheet",
            f"{_OFFICE}wordprocessingml.document",
            f"{_OFFICE}presentationml.presentation",
        ),
        100 * MB,
    ),
    "image": dict.fromkeys(("image/jpeg", "image/png"), 5 * MB),
    "sticker": {"image/webp": 500 * 1024},  # animated; a still one at most 100 KB
    "video": dict.fromkeys(("video/mp4", "video/3gpp"), 16 * MB),
}
STILL_STICKER = 100 * 1024
_ANIMATION = 0x02  # RFC 9649: the flag of VP8X

TITLES: Mapping[int, str] = {
    100: "Invalid parameter",
    130429: "Rate limit hit",
    131008: "Required parameter is missing",
    131009: "Parameter value is not valid",
    131021: "Recipient cannot be sender",
    131026: "Message undeliverable",
    131031: "Account has been locked",
    131047: "Re-engagement message",
    131050: "User has stopped marketing messages",
    131053: "Media upload error",
    131056: "(Business Account, Consumer Account) pair rate limit hit",
    132000: "Number of parameters does not match the expected number of params",
    132001: "Template name does not exist in the translation",
    132015: "Template is Paused",
}
DETAILS: Mapping[int, str] = {
    130429: "Cloud API message throughput has been reached.",
    131021: "Sender and recipient phone number is the same.",
    131026: "Message Undeliverable.",
    131031: "The account has been locked.",
    131047: "More than 24 hours have passed since the customer last replied to this number.",
    131050: "The customer has chosen to stop receiving marketing messages.",
    131056: "Too many messages sent from this number to the same customer in a short time.",
}
# What a careful sender can always avoid; 131026 and an account's lock are nobody's breach.
VIOLATIONS = frozenset(TITLES) - {131026, 131031}


@dataclass(frozen=True, slots=True)
class Template:
    """A registered template: its category, how many body parameters, whether it may be sent now."""

    parameters: int
    category: str = "utility"
    status: str = "APPROVED"


@dataclass(slots=True)
class Pair:
    """Standing of one customer with one number.

    Attributes:
        said_at: last thing the customer said. ad_at: when they came through an ad. answered_ad: in time.
        tokens: messages that may go at once. at: when `tokens` was true. stopped: marketing refused.
    """

    said_at: int | None = None
    ad_at: int | None = None
    answered_ad: bool = False
    tokens: float = float(PAIR_BURST)
    at: int = 0
    stopped: bool = False

    def heard(self, now: int, *, ad: bool) -> None:
        """The customer said something: the window restarts."""
        self.said_at = now
        if ad:
            self.ad_at, self.answered_ad = now, False

    def free_entry(self, now: int) -> bool:
        """Whether the ad's free entry point is open."""
        return self.answered_ad and self.ad_at is not None and now < self.ad_at + ENTRY_POINT_NS

    def window_open(self, now: int) -> bool:
        """Whether free-form messages may go."""
        recent = self.said_at is not None and now < self.said_at + WINDOW_NS
        return recent or self.free_entry(now)

    def available(self, now: int) -> float:
        """Tokens of the pair's bucket: 45 at most, one more each 6 s."""
        return min(float(PAIR_BURST), self.tokens + max(0, now - self.at) / PAIR_REFILL_NS)

    def sent(self, now: int) -> None:
        """A message went to them."""
        self.tokens, self.at = self.available(now) - 1, max(self.at, now)
        if self.ad_at is not None and now < self.ad_at + WINDOW_NS:
            self.answered_ad = True


@dataclass(slots=True)
class Meter:
    """Counts events of the last second."""

    limit: int
    _times: deque[int] = field(default_factory=deque)

    def count(self, now: int) -> int:
        """How many there were in the second before now."""
        while self._times and self._times[0] <= now - SECOND:
            self._times.popleft()
        return len(self._times)

    def full(self, now: int) -> bool:
        """Whether one more would be too many."""
        return self.count(now) >= self.limit

    def add(self, now: int) -> None:
        """One more."""
        self._times.append(now)


def media_problem(kind: str, file: File | None) -> str:
    """What is wrong with a file for this type of message, or nothing."""
    if file is None:
        return "media id: unknown, expired or uploaded for another number"
    mime = file.mime.partition(";")[0].strip().lower()
    limit = SIZES[kind].get(mime)
    if limit is None:
        return f"{kind}: {mime} is not supported"
    if kind == "sticker" and not _moves(file.data):
        limit = STILL_STICKER
    return f"{kind}: larger than {limit} bytes" if len(file.data) > limit else ""


def upload_problem(file: File) -> str:
    """What is wrong with an upload: no type of message takes it, or none of this size."""
    problems = [media_problem(kind, file) for kind in SIZES]
    return "" if "" in problems else max(problems, key=lambda text: "larger" in text)


def _moves(data: bytes) -> bool:
    return data[12:16] == b"VP8X" and len(data) > 20 and bool(data[20] & _ANIMATION)  # noqa: PLR2004 - offsets of RFC 9649


def template_problem(send: Outgoing, known: Mapping[tuple[str, str], Template], pair: Pair) -> int:
    """Meta's code for a template that may not go, or 0."""
    if send.template is None:
        return 0
    name, language, count = send.template
    template = known.get((name, language))
    if template is None:
        return 132001
    if template.status != "APPROVED":
        return 132015
    if template.category == "marketing" and pair.stopped:
        return 131050
    return 0 if template.parameters == count else 132000


def refusal(
    send: Outgoing,
    now: int,
    pair: Pair,
    meter: Meter,
    templates: Mapping[tuple[str, str], Template],
    file: File | None,
) -> tuple[int, str]:
    """Why Meta would not deliver this: (code, details); (0, "") where nothing stands against it."""
    if send.problem:
        return send.problem, send.detail
    media = media_problem(send.type, file) if send.media_id else ""
    if media:
        return 131053, media
    code = template_problem(send, templates, pair)
    if not code and send.template is None and not pair.window_open(now):
        code = 131047
    if not code and meter.full(now):
        code = 130429
    if not code and pair.available(now) < 1:
        code = 131056
    return code, DETAILS.get(code, TITLES.get(code, ""))


def category(
    send: Outgoing, now: int, pair: Pair, templates: Mapping[tuple[str, str], Template]
) -> tuple[str, str]:
    """What Meta charges it as: (category, type). Source: developers.facebook.com/docs/whatsapp/pricing."""
    kind = "service"
    if send.template is not None:
        kind = templates[send.template[:2]].category
    if pair.free_entry(now):
        return kind, "free_entry_point"
    return kind, "regular" if kind != "service" else "free_customer_service"
