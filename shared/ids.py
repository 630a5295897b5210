"""Every identifier of the system: the derived ones as pure functions, the minted ones from `Ids`.

Derived ids make a redelivery, an overlapping import or a second worker arrive at the same key, which is
what turns at-least-once delivery into once-in-effect. wamids decode to phone numbers, so no id that leaves
the sealed record contains one: it is hashed first.
"""

import base64
import hashlib
import secrets
from collections.abc import Callable

from ulid import ULID

from shared.clock import Clock

_ID_CHARS = 26  # 130 bits: no collision to be expected in any newsroom's lifetime
SKEW_FUTURE_S = 5 * 60
SKEW_PAST_S = 8 * 24 * 3600  # Meta retries a webhook for up to 7 days


def _digest(*parts: str) -> str:
    """Base32 of a SHA-256 over length-prefixed parts, so that no two part lists can collide by joining."""
    joined = b"".join(f"{len(part)}:".encode() + part.encode("utf-8", "surrogatepass") for part in parts)
    return base64.b32encode(hashlib.sha256(joined).digest()[:20]).decode().lower()[:_ID_CHARS]


def conversation_id(pnid: str, party: str) -> str:
    """Id of the thread between one of our numbers and a contact_id or group id at first contact."""
    return "c_" + _digest(pnid, party)


def received_id(pnid: str, wamid: str) -> str:
    """message_id of a received message; also the key under which any wamid, ours too, is looked up."""
    return "i_" + _digest(pnid, wamid)


def imported_id(pnid: str, party: str, minute: int, sender: str, content: str, ordinal: int) -> str:
    """message_id of an imported message: the same line of any export of a chat makes the same id.

    Args:
        pnid: our number.
        party: contact_id or group id.
        minute: since the epoch, for Android prints no seconds.
        sender: who wrote it, as the chat tells people apart.
        content: hash of what it says.
        ordinal: place among equals, from 0.
    """
    return "h_" + _digest(pnid, party, str(minute), sender, content, str(ordinal))


def connect_id(instance: str, contact: str, item_id: str) -> str:
    """Row id of a chat item or contact event of Amazon Connect."""
    return "k_" + _digest(instance, contact, item_id)


def desk_id(agent_id: str, idempotency_key: str) -> str:
    """message_id of a message written at the desk: the same request always makes the same message."""
    return "o_" + _digest(agent_id, idempotency_key)


def upload_id(agent_id: str, idempotency_key: str) -> str:
    """Id of a file an agent uploads: the same request always makes the same upload."""
    return "u_" + _digest(agent_id, idempotency_key)


def attempt_id(message_id: str, attempt: int) -> str:
    """The n-th attempt to send a message; it is the whole of `biz_opaque_callback_data`."""
    return f"{message_id}.{attempt}"


def parse_attempt(value: str) -> tuple[str, int] | None:
    """Split an attempt id; None for anything that is not one of ours."""
    message, dot, number = value.rpartition(".")
    if not dot or not message.startswith("o_") or not number.isascii() or not number.isdigit():
        return None
    return message, int(number)


def raw_id(envelope: bytes) -> str:
    """Id of an archived envelope: its content's hash. It is the `correlation` of all that follows."""
    return hashlib.sha256(envelope).hexdigest()[:32]


def order_key(ts_s: int | None, arrival_ns: int, message_id: str) -> str:
    """Position of a message in its conversation, fixed at the first write.

    Args:
        ts_s: Meta's timestamp in seconds; None where it is missing.
        arrival_ns: when EUM Social published it, in ns, plus the item's position in the envelope.
        message_id: breaks the remaining ties.
    """
    arrival_s = arrival_ns // 1_000_000_000
    plausible = ts_s is not None and arrival_s - SKEW_PAST_S <= ts_s <= arrival_s + SKEW_FUTURE_S
    seconds = ts_s if plausible and ts_s is not None else arrival_s
    return f"{seconds:010d}.{arrival_ns:020d}.{message_id[-6:]}"


def imported_key(ts_s: int, place: int, message_id: str) -> str:
    """Position of an imported message: its time as in the file, its place in its minute, its id."""
    return f"{ts_s:010d}.{place:020d}.{message_id[-6:]}"


def arrival_ms(key: str) -> int:
    """The arrival that an order_key carries, in ms since the epoch."""
    return int(key.split(".")[1]) // 1_000_000


class Ids:
    """Mints what cannot be derived; the simulator passes a seeded source of bytes.

    Args:
        clock: gives ULIDs their time.
        token_bytes: n -> n random bytes.
    """

    def __init__(self, clock: Clock, token_bytes: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._clock = clock
        self._bytes = token_bytes

    def ulid(self) -> str:
        """A new ULID (26 characters, sorts by time)."""
        return str(ULID(self._clock.now_ms().to_bytes(6, "big") + self._bytes(10)))

    def contact_id(self) -> str:
        """A new contact's id, minted once in its life."""
        return "p_" + self.ulid()

    def token(self) -> str:
        """32 hex characters, for request tokens and lease owners."""
        return self._bytes(16).hex()

    def bytes(self, count: int) -> bytes:
        """Random bytes, for nonces and keys."""
        return self._bytes(count)

    def uniform(self, low: float, high: float) -> float:
        """A number in [low, high), for jitter."""
        return low + (high - low) * int.from_bytes(self._bytes(7), "big") / (1 << 56)
