"""A newsroom's first settings, written as an editor would: two destinations, and the routes that lead there.

`produccion` gets every message, `alertas` those that speak of an earthquake or a fire. The twin plays both.
"""

import base64
import hashlib
import hmac
from http import HTTPStatus

import httpx

from local.secrets import Secrets

DESTINATIONS = ("produccion", "alertas")
ROUTES = {
    "todo": {"match": {"by": "all", "values": []}, "destinations": ["produccion"]},
    "emergencias": {
        "match": {"by": "keyword", "values": ["sismo", "incendio"]},
        "destinations": ["alertas"],
    },
}


def webhook_secret(secrets: Secrets, name: str) -> str:
    """A destination's signing secret (Standard Webhooks: `whsec_` and base64), the same at every start."""
    key = hmac.new(secrets.pepper, f"webhook:{name}".encode(), hashlib.sha256).digest()
    return "whsec_" + base64.b64encode(key).decode()


async def open_newsroom(twin: str, desk: str, token: str, secrets: Secrets) -> None:
    """Have the destinations and routes; what an editor changed since stays.

    Args:
        twin: its base URL.
        desk: base URL of the desk's API.
        token: of an editor.
        secrets: this machine's.
    """
    headers = {"Authorization": f"Bearer {token}", "If-None-Match": "*"}
    async with httpx.AsyncClient(timeout=20) as http:
        for name in DESTINATIONS:
            secret = webhook_secret(secrets, name)
            answer = await http.post(f"{twin}/_twin/destinations", json={"name": name, "secret": secret})
            answer.raise_for_status()
            place = {
                "kind": "webhook",
                "url": f"{twin}/hooks/{name}",
                "secret_value": secret,
                "media": "link",
            }
            await _put(http, f"{desk}/v1/destinations/{name}", place, headers)
        for name, route in ROUTES.items():
            await _put(http, f"{desk}/v1/routes/{name}", {**route, "enabled": True}, headers)


async def _put(http: httpx.AsyncClient, url: str, body: object, headers: dict[str, str]) -> None:
    """Create; there already is no error (RFC 9110 s.13.1.2: 412)."""
    answer = await http.put(url, json=body, headers=headers)
    if answer.status_code != HTTPStatus.PRECONDITION_FAILED:
        answer.raise_for_status()
