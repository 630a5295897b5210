"""Where the facts that the guard decides on lie in table `policy`, and the ops that change them."""

from boto3.dynamodb.conditions import ConditionBase

from shared.policy.guard import OptOut
from shared.store.port import Attr, Item, Update

TABLE = "policy"
TAT = "tat_us"

# Meta, "Error codes": 368 and 131031 lock the account for a policy violation, 130497 a country. Nothing may
# be sent until a person has looked.
BREAKING_CODES = frozenset({368, 131031, 130497})
# Meta, "Error codes": what we must never see, because the guard exists to prevent it.
VIOLATION_CODES = frozenset({131047, 131056, 131048, 130429, 131050, *BREAKING_CODES})


def pair_pk(pnid: str, party: str) -> str:
    """Pair rate of one of our numbers and a contact (or group)."""
    return f"PAIR#{pnid}#{party}"


def number_pk(pnid: str) -> str:
    """State and throughput of one of our numbers."""
    return f"NUMBER#{pnid}"


def throughput_pk(pnid: str) -> str:
    """Throughput bucket of one of our numbers, apart from the state that ingest writes."""
    return f"THROUGHPUT#{pnid}"


def optout_pk(contact_id: str) -> str:
    """A person's wish to get nothing more."""
    return f"OPTOUT#{contact_id}"


def optin_pk(contact_id: str) -> str:
    """A person's wish to get marketing messages, as Meta recorded it."""
    return f"OPTIN#{contact_id}"


def breaker_pk(waba: str) -> str:
    """Breaker of one WhatsApp Business Account."""
    return f"BREAKER#{waba}"


def move_bucket(pk: str, before: Item | None, tat_us: int) -> Update:
    """The lone conditional update that takes a token: a crash after it loses one, the safe side."""
    known = (before or {}).get(TAT)
    same: ConditionBase = Attr(TAT).not_exists() if known is None else Attr(TAT).eq(known)
    return Update(TABLE, pk, "-", set={TAT: tat_us}, condition=same)


def trip(waba: str, code: int, now_ms: int) -> Update:
    """Stop all sends of an account; only a person closes it again (`close`)."""
    return Update(
        TABLE, breaker_pk(waba), "-", set={"open": True, "code": code, "opened_at": now_ms}, add={"rev": 1}
    )


def close(waba: str, now_ms: int) -> Update:
    """Let sends go on after a person has looked."""
    return Update(TABLE, breaker_pk(waba), "-", set={"open": False, "closed_at": now_ms}, add={"rev": 1})


def opted_out(item: Item | None) -> OptOut:
    """What a person refused, from their OPTOUT item.

    Three writers share it and none touches another's word: Meta's preferences (`state` stop or resume at `ts`,
    marketing only), a failed send with 131050 (`stopped_at`, marketing too), and the desk (`opted_out` all).
    """
    if item is None:
        return ""
    if item.get("opted_out") == "all":
        return "all"
    resumed = item.get("state") == "resume" and item.get("ts", 0) * 1000 >= item.get("stopped_at", 0)
    stopped = item.get("state") == "stop" or "stopped_at" in item
    return "marketing" if stopped and not resumed else ""
