"""`python -m local.demo`: a short morning of a newsroom on the running system, with each message's way as it goes.

Customers are played through the twin; everything shown is read as an outsider would: the twin's history, the desk's
and the search's public API. Times are milliseconds since the customer wrote, by the twin's clock where it noted
the moment, else by looking every 0.2 s.
"""

import asyncio
import os
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
from rich.console import Console
from rich.live import Live
from rich.table import Table

from local import ports, secrets, tokens
from local.paths import STATE

_LOOK_S = 0.2
_PATIENCE_S = 60.0
_TICKS = {"handed_over": "·", "sent": "✓", "delivered": "✓✓", "read": "✓✓ leído"}
STAGES = ("publicado", "registrado", "archivo", "reenviado", "buscable")


@dataclass(frozen=True, slots=True)
class Scene:
    """What somebody sends."""

    who: str
    name: str
    say: Mapping[str, Any]

    @property
    def has_media(self) -> bool:
        """Whether a file comes with it."""
        return self.say["type"] in {"image", "audio", "voice", "document", "video"}

    @property
    def has_text(self) -> bool:
        """Whether there are words to find it by."""
        return "text" in self.say


MORNING = (
    Scene(
        "5215512340001",
        "Lucía, Roma Norte",
        {"type": "text", "text": "Sentimos el sismo, hay humo en Álvaro Obregón"},
    ),
    Scene("5215512340001", "Lucía, Roma Norte", {"type": "image", "text": "Así se ve la fachada"}),
    Scene("5215512340002", "Don Chuy, taxista", {"type": "voice"}),
    Scene(
        "5215512340003",
        "Protección Civil",
        {"type": "location", "name": "Punto de reunión", "latitude": 19.4187},
    ),
    Scene(
        "5215512340003",
        "Protección Civil",
        {"type": "document", "filename": "parte.pdf", "text": "Parte de las 8:00"},
    ),
    Scene(
        "5215512340004", "Vecina", {"type": "text", "text": "¿Van a mandar a alguien al incendio de Tepito?"}
    ),
)
ANSWER = "Gracias, Lucía. Va un reportero en camino; ¿podemos usar la foto con su nombre?"


@dataclass
class Track:
    """One message on its way; `ms` holds the moment of each stage reached."""

    scene: Scene
    wamid: str
    nonce: str
    began: float
    message_id: str = ""
    conversation_id: str = ""
    seen: asyncio.Event = field(default_factory=asyncio.Event)
    ms: dict[str, int] = field(default_factory=dict)

    @property
    def wanted(self) -> list[str]:
        """The stages this message has to pass."""
        skipped = {"archivo"} if not self.scene.has_media else set()
        skipped |= {"buscable"} if not self.scene.has_text else set()
        return [stage for stage in STAGES if stage not in skipped]

    @property
    def done(self) -> bool:
        """Whether it passed them all."""
        return all(stage in self.ms for stage in self.wanted)

    def reached(self, stage: str, at: float | None = None) -> None:
        """Note a stage the first time."""
        moment = time.time() if at is None else at
        self.ms.setdefault(stage, max(0, round((moment - self.began) * 1000)))


class Morning:
    """Plays the scenes and follows each message.

    Args:
        urls: base URLs of twin, desk and search.
        token: of an agent.
    """

    def __init__(self, urls: Mapping[str, str], token: str, http: httpx.AsyncClient) -> None:
        self._urls = urls
        self._auth = {"Authorization": f"Bearer {token}"}
        self._http = http
        self._seq = 0
        self._received: dict[str, float] = {}
        self.tracks: list[Track] = []
        self.reply: dict[str, Any] = {}

    async def play(self, console: Console) -> bool:
        """Until everything arrived or the patience is over. True = everything did."""
        await self._skip_history()
        playing = asyncio.create_task(self._play_all())
        with Live(self.table(), console=console, refresh_per_second=5) as live:
            await self.follow(lambda: self._over(playing), lambda: live.update(self.table()))
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
        return self.complete

    async def follow(self, over: Callable[[], bool], looked: Callable[[], None] = lambda: None) -> bool:
        """Look again and again until it is over or the patience is. True = it is over."""
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline and not over():
            with suppress(httpx.HTTPError):  # a server still warming up: the next look will tell
                await self._look()
            looked()
            await asyncio.sleep(_LOOK_S)
        return over()

    def _over(self, playing: asyncio.Task[None]) -> bool:
        """Whether nothing more will come: all arrived. Raises httpx.HTTPError where the playing broke."""
        if playing.done():
            playing.result()
        return playing.done() and self.complete

    @property
    def complete(self) -> bool:
        """Every message arrived everywhere, and the reply was read."""
        return all(track.done for track in self.tracks) and self.reply.get("state") in {"read", "played"}

    async def _skip_history(self) -> None:
        self._seq = (await self._json("twin", "/_twin/health"))["seq"]

    async def _json(self, where: str, path: str) -> Any:
        headers = {} if where == "twin" else self._auth
        answer = await self._http.get(self._urls[where] + path, headers=headers)
        answer.raise_for_status()
        return answer.json()

    async def _play_all(self) -> None:
        """The customers write; once the first message is on the desk, an agent answers."""
        for scene in MORNING:
            await self._introduce(scene)
            url = f"{self._urls['twin']}/_twin/customers/{scene.who}/messages"
            began = time.time()
            answer = await self._http.post(url, json=dict(scene.say))
            answer.raise_for_status()
            said = answer.json()
            self.tracks.append(Track(scene, said["wamid"], said["nonce"], began))
            await asyncio.sleep(0.7)
        await self._answer()

    async def _introduce(self, scene: Scene) -> None:
        """Somebody exists from now on, and reads what we write."""
        person = {"id": scene.who, "wa_id": scene.who, "name": scene.name, "reads": True}
        await self._http.post(f"{self._urls['twin']}/_twin/customers", json=person)

    async def _answer(self) -> None:
        first = self.tracks[0]
        await first.seen.wait()
        url = f"{self._urls['desk']}/v1/conversations/{first.conversation_id}/messages"
        asked = {"type": "text", "text": ANSWER, "reply_to": first.message_id}
        answer = await self._http.post(
            url, json=asked, headers={**self._auth, "Idempotency-Key": uuid.uuid4().hex}
        )
        answer.raise_for_status()
        self.reply = answer.json()["messages"][0]

    async def _look(self) -> None:
        await self._look_at_history()
        if any(
            "registrado" not in track.ms or ("archivo" in track.wanted and "archivo" not in track.ms)
            for track in self.tracks
        ):
            await self._look_at_desk()
        for track in self.tracks:
            if "buscable" in track.wanted and "buscable" not in track.ms and track.message_id:
                await self._look_for(track)
        if self.reply:
            self.reply = await self._json("desk", f"/v1/messages/{self.reply['message_id']}")

    async def _look_at_history(self) -> None:
        """The twin's own notes: published to SNS, received by a destination."""
        answer = await self._http.get(f"{self._urls['twin']}/_twin/history", params={"after": self._seq})
        for line in answer.text.splitlines():
            row = httpx.Response(200, text=line).json()
            self._seq = row["seq"]
            self._note(row)
        for track in self.tracks:
            if track.message_id in self._received:
                track.reached("reenviado", self._received[track.message_id])

    def _note(self, row: Mapping[str, Any]) -> None:
        if row["kind"] == "received" and row["phase"] == "ok":
            self._received.setdefault(row["remote_id"].split(":")[1], row["at"] / 1000)
        for track in self.tracks:
            if row["kind"] == "published" and row["phase"] == "ok" and row["wamid"] == track.wamid:
                track.reached("publicado", row["at"] / 1000)

    async def _look_at_desk(self) -> None:
        inbox = (await self._json("desk", "/v1/conversations"))["conversations"]
        for conversation in inbox:
            page = await self._json("desk", f"/v1/conversations/{conversation['conversation_id']}/messages")
            for message in page["messages"]:
                self._recognise(message)

    def _recognise(self, message: Mapping[str, Any]) -> None:
        wamid = (message["whatsapp"] or {}).get("id")
        for track in [track for track in self.tracks if track.wamid == wamid]:
            track.message_id, track.conversation_id = message["message_id"], message["conversation_id"]
            track.reached("registrado")
            track.seen.set()
            if message["media"] and all(medium["state"] == "ready" for medium in message["media"]):
                track.reached("archivo")

    async def _look_for(self, track: Track) -> None:
        found = await self._json("search", f"/v1/search?q={track.nonce}")
        if any(hit["message_id"] == track.message_id for hit in found["hits"]):
            track.reached("buscable")

    def table(self) -> Table:
        """The way of each message so far."""
        table = Table(title="Una mañana en la redacción · ms desde que la persona escribió")
        for name in ("quién", "qué", *STAGES):
            table.add_column(name, justify="left" if name in {"quién", "qué"} else "right")
        for track in self.tracks:
            cells = [self._cell(track, stage) for stage in STAGES]
            table.add_row(track.scene.name, _what(track.scene), *cells)
        if self.reply:
            state = str(self.reply.get("state"))
            table.add_row(
                "[bold]Mesa → Lucía[/]", "respuesta", "", "", "", "", f"[cyan]{_TICKS.get(state, state)}[/]"
            )
        return table

    @staticmethod
    def _cell(track: Track, stage: str) -> str:
        if stage not in track.wanted:
            return "[dim]—[/]"
        return f"[green]{track.ms[stage]}[/]" if stage in track.ms else "[yellow]…[/]"

    def verdict(self) -> str:
        """One line: how many arrived everywhere, and the reply's ticks."""
        done = sum(track.done for track in self.tracks)
        return f"demo: {done} of {len(self.tracks)} messages arrived everywhere; reply: {self.reply.get('state', 'none')}"


def _what(scene: Scene) -> str:
    words = str(scene.say.get("text") or scene.say.get("name") or "")
    return f"{scene.say['type']} {words[:34]}".strip()


async def play(urls: Mapping[str, str], token: str, console: Console) -> bool:
    """Play a morning and say how it went. True = everything arrived."""
    async with httpx.AsyncClient(timeout=20) as http:
        morning = Morning(urls, token, http)
        complete = await morning.play(console)
        console.print(f"[{'green' if complete else 'red'}]{morning.verdict()}[/]")
        return complete


def main() -> None:
    """Play on the running system. Exit 1 where something did not arrive."""
    table = ports.chosen(os.environ)
    urls = {row: f"http://127.0.0.1:{table[row]}" for row in ("twin", "desk", "search", "oidc")}
    token = tokens.fetch(urls["oidc"], "agent", secrets.ensure(STATE).clients["agent"])
    sys.exit(0 if asyncio.run(play(urls, token, Console())) else 1)


if __name__ == "__main__":
    main()
