"""What waits for a message that is not known yet, and where a known one lies.

A relation or status that finds no message puts an item `wait#` and, beside it, a mark under the id it expects, and
looks again. A message is written on condition that there is no mark; where there is one, it is written all the
same and then looks for what waits. So they cannot miss each other, whoever sees the other joins the two, and a
message nobody waits for, as nearly all are, need not look (docs/decisions/0011-latency.md).
"""

from dataclasses import dataclass

from shared.store.port import Attr, Check, Delete, Item, Key, Put, Store

WAIT_PREFIX = "wait#"
MARK_SK = "wait"
LISTED = "waiting"  # partition of `ids` that lists the waiting statuses of everybody
WAIT_S = 8 * 24 * 3600  # CONTRACTS s.2; Meta retries a webhook for up to 7 days
_OWN = frozenset({"pk", "sk", "ttl"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message lies: conversation_id and order_key."""

    pk: str
    sk: str


def place_of(ids_item: Item | None) -> Place | None:
    """The message an `ids` item points at; None where it is unknown."""
    if ids_item is None or "order_key" not in ids_item:
        return None
    return Place(ids_item["conversation_id"], ids_item["order_key"])


def wait_sk(kind: str, child: str) -> str:
    """Sort key of a waiting item in `ids`."""
    return f"{WAIT_PREFIX}{kind}#{child}"


def waiting(target_id: str, kind: str, child: str, facts: Item, now_ms: int, *, apart: str = "") -> Put:
    """The op that makes facts wait for a message id; put again it is the same item.

    `apart` keeps what has the same child but says something else from overwriting each other while they wait.
    """
    item = {**facts, "kind": kind, "child": child, "ttl": now_ms // 1000 + WAIT_S}
    return Put("ids", {**item, "pk": target_id, "sk": wait_sk(kind, f"{child}{apart}")})


def mark(wait: Item) -> Put:
    """The op that says something waits, in the same transaction as what waits; it goes with its time."""
    return Put("ids", {"pk": wait["pk"], "sk": MARK_SK, "ttl": wait["ttl"]})


def nothing_waits(target_id: str) -> Check:
    """The condition that nothing has come to wait for a message id."""
    return Check("ids", target_id, MARK_SK, Attr("pk").not_exists())


def listing(wait: Item) -> Put:
    """The op that lists a waiting status, so that people can be shown what nobody has asked for yet."""
    item = {
        "pk": LISTED,
        "sk": _listed_sk(wait),
        "at_pk": wait["pk"],
        "at_sk": wait["sk"],
        "ttl": wait["ttl"],
    }
    return Put("ids", item)


def unlisting(wait: Item) -> Delete:
    """The op that takes it off the list."""
    return Delete("ids", LISTED, _listed_sk(wait))


def _listed_sk(wait: Item) -> str:
    return f"{wait['arrival_ms']:013d}#{wait['pk']}#{wait['sk']}"


async def listed(store: Store, limit: int, after: str | None = None) -> list[tuple[str, Item]]:
    """Up to `limit` statuses that wait, oldest first: where each stands in the list, and the waiting item."""
    found: list[tuple[str, Item]] = []
    start: Item | None = None
    while len(found) < limit:
        page = await store.query("ids", LISTED, Key("sk").gt(after or "0"), limit=limit, start=start)
        keys = {row["sk"]: ("ids", row["at_pk"], row["at_sk"]) for row in page.items}
        items = await store.get_many(list(keys.values())) if keys else {}
        found += [(sk, items[key]) for sk, key in keys.items() if key in items]
        start = page.next
        if start is None:
            break
    return found[:limit]


def facts_of(wait: Item) -> Item:
    """What a waiting item says, without its own key."""
    return {name: value for name, value in wait.items() if name not in _OWN}


async def waits(store: Store, target_id: str) -> list[Item]:
    """Everything that waits for a message id."""
    return await _all(store, "ids", target_id, WAIT_PREFIX)


async def kinds_beside(store: Store, place: Place) -> list[str]:
    """Kinds of the children that stand beside a message, in key order."""
    children = await children_of(store, place)
    return [child["kind"] for child in children if "kind" in child]


async def children_of(store: Store, place: Place) -> list[Item]:
    """Everything beside a message: statuses, relations, variants, notes, its routed mark."""
    return await _all(store, "messages", place.pk, f"{place.sk}#")


async def _all(store: Store, table: str, pk: str, prefix: str) -> list[Item]:
    found: list[Item] = []
    start: Item | None = None
    while True:
        page = await store.query(table, pk, Key("sk").begins_with(prefix), start=start)
        found += page.items
        start = page.next
        if start is None:
            return found
