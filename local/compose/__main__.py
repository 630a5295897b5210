"""`python -m local.compose init|link|settle`, or `token <client>`: inside the `tools` image."""

import argparse
import os

from local import secrets
from local.compose import steps


def main() -> None:
    """One step, then the end."""
    parser = argparse.ArgumentParser(prog="local.compose", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, step in steps.STEPS.items():
        commands.add_parser(name, help=(step.__doc__ or "").splitlines()[0])
    wanted = commands.add_parser("token", help="print a bearer token")
    wanted.add_argument("client", choices=sorted(secrets.CLIENTS), nargs="?", default="agent")
    given = parser.parse_args()
    os.umask(0o077)
    if given.command == "token":
        print(steps.token(os.environ, given.client))
        return
    steps.STEPS[given.command](os.environ)
    print(f"{given.command}: listo / done")


if __name__ == "__main__":
    main()
