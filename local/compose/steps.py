"""The one-shot services of docker-compose.yml: what `make up` does between its processes.

Each may run again at any time; what is there already stays.
"""

import asyncio
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from local import newsroom, recovery, secrets, tokens
from local.compose.emulator import UNSAVED
from local.engines.oidc import AUDIENCE
from local.paths import STATE
from local.plan import ACCOUNT, WABA
from local.ports import DEFAULTS
from local.provision import clients, link_account, provision
from local.secrets import Secrets
from shared import topology
from shared.topology import Naming

Env = Mapping[str, str]


def hand_out(made: Secrets, state: Path, issuer: str, console: str) -> None:
    """Give each container the secrets it needs and no others, each in a volume of its own.

    Args:
        made: all of them.
        state: folder of the volumes `identity`, `signing` and `trust`.
        issuer: the identity provider's name, one URL for browsers and services.
        console: origin of the agents' console.
    """
    folders = {name: state / name for name in ("identity", "signing", "trust")}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    provider = replace(made, folder=folders["identity"])
    secrets.provider_settings(provider, issuer, DEFAULTS["oidc"], AUDIENCE, console, bind="0.0.0.0")
    shutil.copy(made.cdn_private_key, folders["signing"])
    shutil.copy(made.cdn_public_key, folders["trust"])


def init(env: Env) -> None:
    """Secrets, and everything the topology declares; search starts empty where the emulator lost its state."""
    made = secrets.ensure(STATE)
    hand_out(made, STATE, env["CDMX_OIDC_ISSUER"], env["CDMX_CONSOLE_URL"])
    provision(clients(None, env["CDMX_REGION"]), env["CDMX_PREFIX"], ACCOUNT, made.pepper, env["CDMX_REGION"])
    if UNSAVED.exists():
        recovery.drop_search(env["CDMX_OPENSEARCH_URL"], env["CDMX_PREFIX"])


def link(env: Env) -> None:
    """Point the WhatsApp Business account's events at our topic."""
    region = env["CDMX_REGION"]
    topic = Naming(env["CDMX_PREFIX"]).topic_arn(topology.WHATSAPP_EVENTS, region, ACCOUNT)
    role = f"arn:aws:iam::{ACCOUNT}:role/whatsapp-events"
    link_account(clients(None, region)("socialmessaging"), f"waba-{WABA}", topic, role)


def settle(env: Env) -> None:
    """Once the services run: fill what the emulator lost from the raw archive, then the newsroom's settings."""
    if UNSAVED.exists():
        print(*recovery.LOST, asyncio.run(recovery.replay(env)), sep="\n")
        UNSAVED.unlink()
    made = secrets.ensure(STATE)
    editor = _token(env, made, "editor")
    asyncio.run(newsroom.open_newsroom(env["CDMX_TWIN_URL"], env["CDMX_DESK_URL"], editor, made))


def token(env: Env, client: str) -> str:
    """A bearer token of one of local.secrets.CLIENTS."""
    return _token(env, secrets.ensure(STATE), client)


def _token(env: Env, made: Secrets, client: str) -> str:
    """The issuer is the browser's address; services reach the provider where they read its keys."""
    return tokens.fetch(env["CDMX_OIDC_JWKS_URL"].removesuffix("/jwks"), client, made.clients[client])


STEPS: dict[str, Callable[[Env], None]] = {"init": init, "link": link, "settle": settle}
