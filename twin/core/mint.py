"""Identifiers of the outside world, minted from a seeded generator."""

import base64
import string
import uuid
from dataclasses import dataclass
from random import Random

_IN_MARK, _OUT_MARK = 0x12, 0x11  # as in real wamids of received and of sent messages
_ALNUM = string.ascii_uppercase + string.digits


def wamid(party: str, hex_id: str, *, outgoing: bool) -> str:
    """A message id as WhatsApp builds it: base64 of bytes that contain the person's number in clear."""
    who, what = party.encode(), hex_id.encode()
    mark = _OUT_MARK if outgoing else _IN_MARK
    raw = b"\x1c\x18" + bytes([len(who)]) + who + b"\x15\x02\x00" + bytes([mark])
    return "wamid." + base64.b64encode(raw + b"\x18" + bytes([len(what)]) + what + b"\x00").decode()


@dataclass(frozen=True, slots=True)
class Mint:
    """Makes ids, nonces and small choices; the same generator state makes the same world."""

    rng: Random

    def wamid(self, party: str, *, outgoing: bool) -> str:
        """A fresh message id of a person."""
        return wamid(party, self.hex(18 if outgoing else 20).upper(), outgoing=outgoing)

    def hex(self, digits: int) -> str:
        """Random hex digits."""
        return f"{self.rng.getrandbits(4 * digits):0{digits}x}"

    def digits(self, count: int) -> str:
        """Random digits, the first not 0."""
        return str(self.rng.randrange(10 ** (count - 1), 10**count))

    def uuid(self) -> str:
        """A version 4 UUID, the form of AWS's messageId."""
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def nonce(self) -> str:
        """48 bits that occur in one text, caption, file or name only."""
        return self.hex(12)

    def user_id(self, country: str) -> str:
        """A business-scoped user id: `CC.` and at most 128 letters and digits."""
        return f"{country}.{self.digits(20)}"

    def alnum(self, count: int) -> str:
        """Capital letters and digits."""
        return "".join(self.rng.choice(_ALNUM) for _ in range(count))

    def between(self, low: int, high: int) -> int:
        """A whole number in [low, high]."""
        return self.rng.randint(low, high)

    def chance(self, rate: float) -> bool:
        """True with this probability."""
        return self.rng.random() < rate
