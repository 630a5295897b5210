"""What docker-compose.yml describes works: played by processes, a message goes there and back, and nothing is lost."""

import json
import stat
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engines import unique_prefix
from tests.integration.compose_run import Composed

pytestmark = [pytest.mark.engines, pytest.mark.e2e, pytest.mark.xdist_group("compose")]

CUSTOMER = "5215512349876"
LIMIT_S = 120.0


class Newsroom:
    """What one sees and does from outside."""

    def __init__(self, system: Composed) -> None:
        self.system = system

    def token(self) -> str:
        return self.system.run("tools", "local.compose", "token", "agent").strip()

    def call(self, url: str, body: Any = None, token: str = "") -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(url, data, headers)  # noqa: S310 - loopback
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
            return json.loads(answer.read())

    def say(self, text: str) -> None:
        twin = self.system.url("twin")
        if not any(one["id"] == CUSTOMER for one in self.call(f"{twin}/_twin/customers")):
            self.call(f"{twin}/_twin/customers", {"id": CUSTOMER, "wa_id": CUSTOMER, "name": "Lucía"})
        self.call(f"{twin}/_twin/customers/{CUSTOMER}/messages", {"type": "text", "text": text})

    def conversations(self, token: str) -> list[dict[str, Any]]:
        found: dict[str, Any] = self.call(f"{self.system.url('desk')}/v1/conversations", token=token)
        items: list[dict[str, Any]] = found["conversations"]
        return items

    def received(self, destination: str) -> int:
        shown = self.call(f"{self.system.url('twin')}/_twin/destinations")
        return next(int(one["kept"]) for one in shown["destinations"] if one["name"] == destination)

    def found(self, words: str, token: str) -> int:
        query = urllib.parse.urlencode({"q": words})
        answer = self.call(f"{self.system.url('search')}/v1/search?{query}", token=token)
        hits: list[Any] = answer["hits"]
        return len(hits)


def _eventually(look: Callable[[], Any]) -> Any:
    """What a look gives once it is true."""
    deadline, last = time.monotonic() + LIMIT_S, "nothing"
    while time.monotonic() < deadline:
        try:
            seen = look()
        except urllib.error.HTTPError as error:
            seen, last = None, f"{error.code} {error.read()!r}"
        except urllib.error.URLError as error:
            seen, last = None, str(error)
        if seen:
            return seen
        time.sleep(0.2)
    pytest.fail(f"not seen in time; at last {last}")


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, opensearch: str) -> Iterator[Composed]:
    folder = tmp_path_factory.mktemp("compose")
    for name in ("secrets", "identity", "signing", "trust", "emulator", "twin"):
        (folder / "volumes" / name).mkdir(parents=True)
    composed = Composed(folder, opensearch, unique_prefix())
    try:
        composed.up()
        yield composed
    finally:
        composed.down()


@pytest.fixture(scope="module")
def newsroom(system: Composed) -> Newsroom:
    return Newsroom(system)


def test_each_step_says_it_is_done(system: Composed) -> None:
    assert {name: said.splitlines()[-1] for name, said in system.said.items()} == {
        name: f"{name}: listo / done" for name in ("init", "link", "settle")
    }


def test_secrets_are_readable_by_their_owner_only(system: Composed) -> None:
    files = [path for path in (system.folder / "volumes").glob("*/*") if path.suffix in {".pem", ".json"}]
    assert {path.name for path in files} == {
        "secrets.json",
        "oidc.json",
        "cdn-private.pem",
        "cdn-public.pem",
    }
    assert not [
        path for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077 and path.name != "oidc.json"
    ]
    assert not list((system.folder / "volumes" / "trust").glob("*private*"))


def test_a_message_is_recorded_forwarded_and_found(newsroom: Newsroom) -> None:
    token = newsroom.token()
    before = newsroom.received("produccion")
    newsroom.say("Sentimos el sismo en la colonia Portales")
    assert _eventually(lambda: newsroom.conversations(token))
    assert _eventually(lambda: newsroom.received("produccion") > before)
    assert _eventually(lambda: newsroom.received("alertas"))
    assert _eventually(lambda: newsroom.found("Portales", token))


def test_an_emulator_that_died_unsaved_is_filled_again_by_the_next_up(newsroom: Newsroom) -> None:
    """`docker compose down`, then `up`: the messages are back, and not forwarded twice."""
    system = newsroom.system
    newsroom.say("Humo en Insurgentes")
    token = newsroom.token()
    _eventually(lambda: newsroom.found("Insurgentes", token))
    _eventually(lambda: newsroom.received("produccion"))
    seen = newsroom.received("produccion")
    system.crash("ministack")
    system.down()
    system.up()
    assert "replay:" in system.said["settle"]
    assert _eventually(lambda: newsroom.conversations(token))
    assert _eventually(lambda: newsroom.found("Insurgentes", token))
    assert newsroom.received("produccion") == seen
    system.said.clear()
    system.up()
    assert "replay:" not in system.said["settle"]


def test_a_stop_drains_everything_and_the_next_start_has_it_all(newsroom: Newsroom) -> None:
    system = newsroom.system
    token = newsroom.token()
    before = _eventually(lambda: newsroom.conversations(token))
    assert set(system.down().values()) == {0}
    system.up()
    after = _eventually(lambda: newsroom.conversations(newsroom.token()))
    assert [one["conversation_id"] for one in after] == [one["conversation_id"] for one in before]
    assert not (system.folder / "volumes" / "emulator" / "unsaved").exists()
    assert Path(system.folder / "volumes" / "emulator" / "running").exists()
