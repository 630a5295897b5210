"""Does the twin write what Meta and AWS really write? `make twin-fidelity SAMPLES=DIR`.

Every key path, with its JSON type, of everything the twin emits must occur in a real payload of the folder,
or stand in DOCUMENTED below beside the page that documents it. Prints the seed, the commit and the counts;
the last line is the verdict; exits 1 on an unknown path, on a count of 0, and always with `--plant`.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twin.core.faults import Fault
from twin.core.model import Account
from twin.core.payloads import BUILDERS
from twin.core.world import World

SECOND = 1_000_000_000
START = 1_795_000_000 * SECOND
PAGES = (
    "https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages"
)

# path -> (JSON type, page). Only what no public sample we know of holds.
DOCUMENTED: dict[str, tuple[str, str]] = {
    "entry.messages.messages[].edit.message.text.body": ("string", f"{PAGES}/edit"),
    "entry.messages.messages[].video.url": ("string", f"{PAGES}/video"),
    "entry.messages.statuses[].pricing.type": ("string", f"{PAGES}/status"),
    "entry.messages.statuses[].recipient_user_id": ("string", f"{PAGES}/status"),
}
PLANTED = ("entry.messages.messages[].text.planted", "string")
Leaf = tuple[str, str]


def leaves(value: Any, path: str) -> Iterator[Leaf]:
    """(path, type) of every leaf and of every empty container."""
    if isinstance(value, dict) and value:
        for key, part in value.items():
            yield from leaves(part, f"{path}.{key}")
    elif isinstance(value, list) and value:
        for part in value:
            yield from leaves(part, f"{path}[]")
    else:
        yield path, _type(value)


def _type(value: Any) -> str:
    names = {bool: "boolean", str: "string", int: "number", float: "number", type(None): "null"}
    return names.get(type(value), "array" if isinstance(value, list) else "object")


def of_entry(entry: dict[str, Any]) -> Iterator[Leaf]:
    """Leaves of a webhook entry; the paths of a change begin with its field."""
    for change in entry.get("changes", []):
        yield "entry.changes[].field", _type(change.get("field"))
        yield from leaves(change.get("value"), f"entry.{change.get('field')}")
    yield from leaves({k: v for k, v in entry.items() if k != "changes"}, "entry")


def of_payload(payload: Any) -> Iterator[Leaf]:
    """Leaves of anything in a sample file, told by its shape; an elided inner string yields nothing of its own."""
    if not isinstance(payload, dict):
        return
    if "whatsAppWebhookEntry" in payload:
        yield from leaves(payload, "envelope")
        yield from of_payload(_parsed(payload["whatsAppWebhookEntry"]))
    elif payload.get("source") == "aws.social-messaging":
        yield from leaves(payload, "event")
    elif "changes" in payload:
        yield from of_entry(payload)
    else:
        for entry in payload.get("entry", []):
            yield from of_payload(entry)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def sampled(folder: Path) -> tuple[int, set[Leaf]]:
    """How many files of a folder hold something comparable, and all their leaves."""
    found: set[Leaf] = set()
    used = 0
    for path in sorted(folder.rglob("*.json")):
        new = set(of_payload(json.loads(path.read_text("utf-8"))))
        used += bool(new)
        found |= new
    return used, found


def emitted(seed: int) -> tuple[int, set[Leaf]]:
    """How many bodies a world of every type makes, and all their leaves."""
    world = World(Account(), seed)
    fired = [f for second in _morning(world) for f in world.fire(second)]
    bodies = [f.body for f in fired if f.body]
    return len(bodies), {leaf for body in bodies for leaf in of_payload(json.loads(body))}


def _morning(world: World) -> Iterator[int]:
    """Every person says everything in every form, the business answers, all of it arrives; yields instants."""
    now = START
    for customer in list(world.customers.values()):
        for kind in BUILDERS:
            for extra in ({}, *_VARIANTS.get(kind, ())):
                now += SECOND
                world.customer_says(customer.id, {"type": kind, "target": "wamid.A"} | extra, now)
                yield now
    for n, customer in enumerate(list(world.customers.values())):
        for blob in _sends(customer.wa_id, customer.user_id if n % 2 else ""):
            now += 7 * SECOND
            world.send(
                world.account.eum_phone_id, json.dumps(blob).encode(), now, "v23.0" if n % 3 else "v24.0"
            )
            yield now
    world.set_fault(Fault("no_context", 1))
    world.customer_says("c001", {"text": "x"}, now)
    yield now + 3600 * SECOND


_VARIANTS: dict[str, tuple[dict[str, Any], ...]] = {
    "text": (
        {"reply_to": "wamid.A"},
        {"forwarded": True},
        {"frequently_forwarded": True},
        {"referral": True},
    ),
    "image": ({"text": "pie"},),
    "video": ({"text": "pie"},),
    "document": ({"text": "pie"},),
    "sticker": ({"animated": True},),
    "location": ({"name": "Zócalo"},),
    "reaction": ({"emoji": ""}, {"emoji": None}),
    "list_reply": ({"description": "d"},),
    "call_permission_reply": ({"accept": False},),
    "unsupported": ({"unsupported": "poll_creation"},),
    "edit": ({"caption_of": True},),
}


def _sends(wa_id: str, user_id: str) -> Iterator[dict[str, Any]]:
    whom = {"recipient": user_id} if user_id else {"to": wa_id}
    base = {"messaging_product": "whatsapp", "biz_opaque_callback_data": "o_x.1"} | whom
    yield base | {"type": "text", "text": {"body": "va"}}
    yield base | {"type": "audio", "audio": {"link": "https://example.org/a.ogg"}}
    yield base | {"type": "image", "image": {"id": "404"}}
    template = {"name": "boletin_semanal", "language": {"code": "es_MX"}}
    yield base | {
        "type": "template",
        "template": template | {"components": [{"type": "body", "parameters": [{}]}]},
    }
    yield base | {"type": "template", "template": template}
    yield {"messaging_product": "whatsapp", "to": "447700900123", "type": "text", "text": {"body": "x"}}


def commit() -> str:
    """The commit that is checked out."""
    run = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)  # noqa: S607 - git of the machine
    return run.stdout.strip() or "unknown"


def main(arguments: list[str] | None = None) -> int:
    """Compare and tell; answers the exit code."""
    parser = argparse.ArgumentParser(prog="twin-fidelity", description=__doc__)
    parser.add_argument("--samples", required=True, type=Path, help="a folder of real payloads")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--plant", action="store_true", help="emit a key nobody documents: the check must fail"
    )
    args = parser.parse_args(arguments)
    files, real = sampled(args.samples)
    bodies, made = emitted(args.seed)
    made |= {PLANTED} if args.plant else set()
    documented = {(path, kind) for path, (kind, _) in DOCUMENTED.items()}
    unknown = sorted(made - real - documented)
    unused = sorted(documented - made)
    for path, kind in unknown:
        print(f"unknown: {path}: {kind}")
    for path, kind in unused:
        print(f"never emitted, remove it from the table: {path}: {kind}")
    return _verdict(args.seed, files, bodies, made, real, documented, unknown or unused)


def _verdict(
    seed: int,
    files: int,
    bodies: int,
    made: set[Leaf],
    real: set[Leaf],
    documented: set[Leaf],
    wrong: list[Leaf],
) -> int:
    in_samples, in_table = len(made & real), len((made & documented) - real)
    print(
        f"seed {seed}, commit {commit()}, {files} sample files with {len(real)} paths, {bodies} bodies of the twin"
    )
    good = not wrong and all((files, bodies, in_samples, len(made)))
    word = "twin fidelity: ok" if good else "twin fidelity: FAILED"
    print(
        f"{word}, {len(made)} paths emitted: {in_samples} in samples, {in_table} in the table, {len(wrong)} wrong"
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
