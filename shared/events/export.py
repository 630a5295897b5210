"""Writes the events' contracts: a JSON Schema for each type, and AsyncAPI 3.0 of all topics and queues.

    python -m shared.events.export            writes shared/events/schemas/*.json and docs/asyncapi.json
    python -m shared.events.export --check    exit 1 where a committed file is not what the code says

Sources: AsyncAPI 3.0.0 specification with its SNS and SQS bindings; JSON Schema 2020-12.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from shared import topology
from shared.events.model import Event

ROOT = Path(__file__).parents[2]
SCHEMAS = Path("shared/events/schemas")
ASYNCAPI = Path("docs/asyncapi.json")
_DIALECT = "https://json-schema.org/draft/2020-12/schema"

_FOREIGN: dict[str, dict[str, Any]] = {
    "EumSocialEnvelope": {
        "title": "What EUM Social publishes; see shared/whatsapp/envelope.py",
        "type": "object",
        "required": ["whatsAppWebhookEntry"],
        "properties": {
            "context": {"type": "object"},
            "whatsAppWebhookEntry": {"type": "string", "contentMediaType": "application/json"},
            "aws_account_id": {"type": "string"},
            "message_timestamp": {"type": "string"},
            "messageId": {"type": "string"},
        },
    },
    "ConnectChatMessage": {
        "title": "What Amazon Connect streams of a chat; see shared/whatsapp/connect.py",
        "type": "object",
        "required": ["ContactId"],
        "properties": {"ContactId": {"type": "string"}, "AbsoluteTime": {"type": "string"}},
    },
}
_TOPIC_MESSAGES = {
    topology.WHATSAPP_EVENTS: ["EumSocialEnvelope"],
    topology.CONNECT_CHAT: ["ConnectChatMessage"],
}


def types() -> dict[str, type[BaseModel]]:
    """Every event type and its model, in the order of the union."""
    models: tuple[type[BaseModel], ...] = get_args(Event)
    return {name: model for model in models for name in get_args(model.model_fields["type"].annotation)}


def schema(name: str) -> dict[str, Any]:
    """JSON Schema of one event type, as a consumer must accept it."""
    found = types()[name].model_json_schema()
    return {"$schema": _DIALECT, "$id": f"{name}.json", **_fixed(found, name)}


def _fixed(found: dict[str, Any], name: str) -> dict[str, Any]:
    """The schema with `type` pinned to one event type, required: it is what a consumer tells events apart by."""
    properties = {**found["properties"], "type": {"const": name, "type": "string"}}
    required = sorted({*found.get("required", ()), "type"})
    return {**found, "title": name, "properties": properties, "required": required}


def asyncapi() -> dict[str, Any]:
    """AsyncAPI 3.0 of every topic and queue that topology.py declares."""
    models = list(dict.fromkeys(types().values()))
    by_model, shared_schemas = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    names = {model: by_model[model, "validation"]["$ref"].rpartition("/")[2] for model in models}
    parts = dict(shared_schemas["$defs"])
    roots = {model: parts.pop(names[model]) for model in models}
    payloads = {name: _fixed(roots[model], name) for name, model in types().items()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "WhatsApp CDMX events",
            "version": "1.0.0",
            "description": "Pokes between the services: ids and facts, never content, names or numbers. "
            "At least once, in any order; whoever receives one reads the record.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {**_topic_channels(), **_queue_channels()},
        "operations": {**_publications(), **_receptions()},
        "components": {
            "messages": {name: _message(name, payload) for name, payload in {**payloads, **_FOREIGN}.items()},
            "schemas": parts,
        },
    }


def _message(name: str, payload: dict[str, Any]) -> dict[str, Any]:
    described = payload.get("description") or payload.get("title", name)
    return {"name": name, "title": name, "summary": described, "payload": payload}


def _names_on(topic: str) -> list[str]:
    return _TOPIC_MESSAGES.get(topic) or list(types())


def _refs(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/messages/{name}"} for name in names}


def _topic_channels() -> dict[str, Any]:
    return {
        f"topic-{topic}": {
            "address": topic,
            "description": "SNS standard topic.",
            "messages": _refs(_names_on(topic)),
            "bindings": {"sns": {"name": topic, "bindingVersion": "0.1.0"}},
        }
        for topic in topology.TOPICS
    }


def received(spec: topology.QueueSpec) -> list[str]:
    """Message names that reach a queue through its subscriptions' filters."""
    names: list[str] = []
    for subscription in spec.subscriptions:
        wanted = (subscription.filter or {}).get("type")
        names += [name for name in _names_on(subscription.topic) if wanted is None or name in wanted]
    return list(dict.fromkeys(names))


def _queue_channels() -> dict[str, Any]:
    return {f"queue-{spec.name}": _queue_channel(spec) for spec in topology.QUEUES}


def _queue_channel(spec: topology.QueueSpec) -> dict[str, Any]:
    queue = {
        "name": spec.name,
        "fifoQueue": False,
        "visibilityTimeout": spec.visibility_s,
        "messageRetentionPeriod": topology.RETENTION_S,
        "redrivePolicy": {"deadLetterQueue": {"name": spec.dlq}, "maxReceiveCount": topology.MAX_RECEIVES},
    }
    return {
        "address": spec.name,
        "description": "SQS standard queue, raw delivery from its topics.",
        "messages": _refs(received(spec)),
        "bindings": {"sqs": {"queue": queue, "bindingVersion": "0.2.0"}},
        "x-subscriptions": [
            {"topic": subscription.topic, "filter": subscription.filter or {}}
            for subscription in spec.subscriptions
        ],
    }


def _operation(action: str, channel: str, names: Iterable[str], summary: str) -> dict[str, Any]:
    target = {"$ref": f"#/channels/{channel}"}
    messages = [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in names]
    return {"action": action, "channel": target, "summary": summary, "messages": messages}


def _publications() -> dict[str, Any]:
    channel = f"topic-{topology.DESK_EVENTS}"
    return {"publish-desk-events": _operation("send", channel, types(), "Services publish what changed.")}


def _receptions() -> dict[str, Any]:
    return {
        f"receive-{spec.name}": _operation(
            "receive", f"queue-{spec.name}", received(spec), f"Consumers of queue {spec.name}."
        )
        for spec in topology.QUEUES
    }


def files() -> dict[Path, str]:
    """Every generated file by its path in the repository."""
    documents = {SCHEMAS / f"{name}.json": schema(name) for name in types()}
    documents[ASYNCAPI] = asyncapi()
    return {
        path: json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        for path, document in documents.items()
    }


def stale(root: Path = ROOT) -> list[Path]:
    """Files that are missing, differ from what the code says, or belong to no event type any more."""
    made = files()
    wrong = [path for path, text in made.items() if not _same(root / path, text)]
    extra = [found.relative_to(root) for found in (root / SCHEMAS).glob("*.json")]
    return sorted({*wrong, *(path for path in extra if path not in made)})


def _same(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


def write(root: Path = ROOT) -> None:
    """Write all files and remove schemas of types that are gone."""
    for path in stale(root):
        (root / path).unlink(missing_ok=True)
    for path, text in files().items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Command line."""
    if "--check" not in arguments:
        write(root)
        return 0
    wrong = stale(root)
    for path in wrong:
        sys.stdout.write(f"{path} is not what the code says; run: python -m shared.events.export\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
