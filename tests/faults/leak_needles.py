"""What must not stand where it has no business: numbers, names, nonces, wamids, tokens, secrets, signatures."""

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from tests.faults.newsroom import Newsroom

Needles = Mapping[str, frozenset[bytes]]
LEAST = 8  # bytes: what is shorter stands in many places by chance
_NATIONAL = 10  # digits of a Mexican number, whatever stands before them


async def gather(room: Newsroom) -> Needles:
    """Kind -> every needle of the run, in each form in which it could be written."""
    rows = await room.history()
    people = await room.customers()
    bodies = [json.loads(row["body"]) for row in rows if row["kind"] == "written"]
    cards = [card for body in bodies for card in body.get("contacts", ()) if isinstance(card, dict)]
    kept = room.system.secrets
    found: dict[str, Iterable[str]] = {
        "number": _numbers([each["wa_id"] for each in people], rows, cards),
        "name": [*(p["name"] for p in people), *(p["username"] for p in people), *_card_names(cards)],
        "nonce": [*(row["nonce"] for row in rows), *(text.rpartition("~")[2] for text in room.acks.values())],
        "wamid": [part for row in rows if row["wamid"] for part in (row["wamid"], row["wamid"][6:])],
        "user id": [row["user_id"] for row in rows],
        "token": [part for token in room.tokens.values() for part in (token, token.rpartition(".")[2])],
        "secret": [
            *kept.clients.values(),
            *kept.cookie_keys,
            *_binary(kept.pepper),
            *(secret.removeprefix("whsec_") for secret in room.secrets.values()),
        ],
        "signed URL": _signatures(rows),
    }
    return {kind: frozenset(_forms(texts)) for kind, texts in found.items()}


def _numbers(known: Iterable[str], rows: Iterable[Mapping[str, Any]], cards: Iterable[Any]) -> set[str]:
    """The digits that every way of writing a number ends in."""
    phones = [phone["wa_id"] for card in cards for phone in card.get("phones", ())]
    return {number[-_NATIONAL:] for number in (*known, *phones, *(row["wa_id"] for row in rows)) if number}


def _card_names(cards: Iterable[Mapping[str, Any]]) -> list[str]:
    return [card["name"]["formatted_name"] for card in cards]


def _binary(secret: bytes) -> tuple[str, str]:
    return secret.hex(), base64.b64encode(secret).decode()


def _signatures(rows: Iterable[Mapping[str, Any]]) -> set[str]:
    """The signatures of the signed URLs that destinations got, and what each such URL has in it."""
    urls = [
        medium["url"]
        for row in rows
        if row["kind"] == "received"
        for medium in json.loads(row["body"])["data"].get("media", ())
        if "url" in medium
    ]
    asked = [parse_qs(urlsplit(url).query) for url in urls]
    return {value for query in asked for value in query.get("Signature", ())} | {
        "Key-Pair-Id=",
        "X-Amz-Signature",
    }


def _forms(texts: Iterable[str]) -> Iterable[bytes]:
    """As it is, as JSON writes it with escapes, as a URL writes it."""
    for text in texts:
        if len(text) >= LEAST:
            yield text.encode()
            yield json.dumps(text)[1:-1].encode()
            yield quote(text, safe="").encode()
