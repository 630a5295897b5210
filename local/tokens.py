"""Bearer tokens for commands and tests: `python -m local.tokens agent` prints one.

Client credentials (RFC 6749 s.4.4); the token's subject is the client's id, its groups are the roles.
"""

import argparse
import base64
import json
import os
import urllib.parse
import urllib.request

from local import ports, secrets
from local.paths import STATE


def fetch(issuer: str, client: str, secret: str) -> str:
    """A JWT access token for one client. Raises OSError when the provider refuses or is not there."""
    credentials = base64.b64encode(f"{client}:{secret}".encode()).decode()
    form = urllib.parse.urlencode({"grant_type": "client_credentials", "scope": "desk"}).encode()
    request = urllib.request.Request(  # noqa: S310 - the issuer is ours, on loopback
        f"{issuer}/token", form, {"Authorization": f"Basic {credentials}"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - http on loopback
        token: str = json.load(answer)["access_token"]
        return token


def main() -> None:
    """Print a token of the running system."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("client", choices=sorted(secrets.CLIENTS), nargs="?", default="agent")
    client = parser.parse_args().client
    issuer = f"http://127.0.0.1:{ports.chosen(os.environ)['oidc']}"
    print(fetch(issuer, client, secrets.ensure(STATE).clients[client]))


if __name__ == "__main__":
    main()
