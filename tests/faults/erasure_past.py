"""Yesterday's history of the person who will be erased: an exported chat with a photo, as a phone hands it over."""

import io
import random
import uuid
import zipfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from PIL import Image

NAMED = "Xolocotzintzinapan"  # one word that nobody else says
US = "Redacción"


@dataclass(frozen=True, slots=True)
class Past:
    """An export.

    Attributes:
        path: the ZIP. words: how `cdmx import` is asked. nonces: what its lines say. sha256: of its photo.
    """

    path: Path
    words: tuple[str, ...]
    nonces: tuple[str, ...]
    sha256: str


def exported(folder: Path, number: str, chance: random.Random) -> Past:
    """A chat of March 2024 with somebody whose number the newsroom knows."""
    nonces = tuple(uuid.UUID(int=chance.getrandbits(128)).hex[:12] for _ in range(3))
    photo, name = _photo(chance), "IMG-20240313-WA0001.jpg"
    lines = [
        *(f"13/03/24, 12:0{minute} p. m. - {NAMED}: se oye ~{each}" for minute, each in enumerate(nonces)),
        f"13/03/24, 12:10 p. m. - {US}: gracias, ya lo vemos",
        f"13/03/24, 12:11 p. m. - {NAMED}: {name} (archivo adjunto)",
    ]
    path = folder / f"Chat de WhatsApp con {NAMED}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("_chat.txt", "\n".join(lines) + "\n")
        archive.writestr(name, photo)
    words = ("import", str(path), "--me", US, "--map", f"{NAMED}=+{number}", "--day-first", "--json")
    return Past(path, words, nonces, sha256(photo).hexdigest())


def _photo(chance: random.Random) -> bytes:
    picture, out = Image.frombytes("RGB", (96, 96), chance.randbytes(96 * 96 * 3)), io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    return out.getvalue()
