"""Where a file was seen first, and from how many sources the same or a near-same one came.

Table `media`: a file's references are `ref#<message_id>#<n>` beside it; a picture that is near an older one says
`like` = the oldest one's sha256, and that one lists it as `like#<sha256>`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.store.port import Item, Key, Store

TABLE = "media"
LIKE = "like"
_REFERENCE = "ref#"
_CHAIN = 8  # how many joinings of groups are followed
MOST = 100  # files of a group that are counted


@dataclass(frozen=True, slots=True)
class Origin:
    """How far a file has come about.

    Attributes:
        first_seen: ms; of the oldest reference to any file of the group, of a received one where there is one.
        first_message_id: whose it was.
        sources: different contacts who sent one of them; 0 for a file of ours. messages: how many messages have one.
        variants: different files of the group, this one included.
    """

    first_seen: int
    first_message_id: str
    sources: int
    messages: int
    variants: int


def like_sk(sha256: str) -> str:
    """Sort key, beside a group's first picture, of another one of the group."""
    return f"{LIKE}#{sha256}"


async def origin(store: Store, sha256: str) -> Origin | None:
    """Where a file and those near it came from; None where nobody who sent it refers to it any more."""
    return origin_of(await references(store, sha256))


async def references(store: Store, sha256: str) -> list[Item]:
    """Every message's reference to a file or to those near it; an upload of ours is no message."""
    shas = await _group(store, await _first(store, sha256), sha256)
    found = [each for sha in shas for each in await _beside(store, sha, _REFERENCE)]
    return [each for each in found if not _message_id(each).startswith("u_")]


def origin_of(references: Sequence[Item]) -> Origin | None:
    """What references say together; None where there is none."""
    if not references:
        return None
    received = [each for each in references if not _message_id(each).startswith("o_")]
    oldest = min(received or references, key=lambda each: (each["at"], each["sk"]))
    return Origin(
        first_seen=oldest["at"],
        first_message_id=_message_id(oldest),
        sources=len({each.get("contact_id", each["conversation_id"]) for each in received}),
        messages=len({_message_id(each) for each in references}),
        variants=len({each["pk"] for each in references}),
    )


def _message_id(reference: Item) -> str:
    return str(reference["sk"].split("#")[1])


def _came(reference: Item) -> bool:
    """Whether somebody sent it to us: not what we send, nor what an agent has uploaded."""
    return "conversation_id" in reference and reference.get("direction") != "out"


async def _first(store: Store, sha256: str) -> str:
    first = sha256
    for _ in range(_CHAIN):
        item = await store.get(TABLE, first)
        if item is None or LIKE not in item:
            break
        first = item[LIKE]
    return first


async def _group(store: Store, first: str, also: str) -> Sequence[str]:
    """The files of a group, joined groups included, the first one's own first."""
    shas = [first]
    for sha in shas:  # grows while it is walked
        if len(shas) < MOST:
            beside = await _beside(store, sha, f"{LIKE}#")
            shas += [each["sk"].partition("#")[2] for each in beside]
    return list(dict.fromkeys([*shas, also]))[: MOST + 1]


async def _beside(store: Store, sha256: str, prefix: str) -> list[Item]:
    found: list[Item] = []
    start: Item | None = None
    while True:
        page = await store.query(TABLE, sha256, Key("sk").begins_with(prefix), start=start)
        found += page.items
        start = page.next
        if start is None:
            return found
