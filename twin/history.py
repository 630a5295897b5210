"""The history of the outside world: append-only, committed before each publish and after each answer.

One SQLite file also keeps what a restart needs: people, files, settings, and what has not left yet, which is
committed together with the rows that caused it. `":memory:"` is the form for simulations.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from twin.core.model import Customer, File, Firing, Item, Media, Row, Step

_COLUMNS = tuple(field.name for field in fields(Row))
_SHOWN = ("seq", "mono", *(name for name in _COLUMNS if name != "body"))
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS history (seq INTEGER PRIMARY KEY AUTOINCREMENT, mono INTEGER, {", ".join(_COLUMNS)});
CREATE INDEX IF NOT EXISTS by_person ON history (user_id, seq);
CREATE TRIGGER IF NOT EXISTS no_update BEFORE UPDATE ON history BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER IF NOT EXISTS no_delete BEFORE DELETE ON history BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TABLE IF NOT EXISTS outbox (id TEXT PRIMARY KEY, item TEXT);
CREATE TABLE IF NOT EXISTS media (id TEXT PRIMARY KEY, mime TEXT, filename TEXT, expires INTEGER, data BLOB);
CREATE TABLE IF NOT EXISTS customers (id TEXT PRIMARY KEY, customer TEXT);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT);
"""
_INSERT = f"INSERT INTO history (mono, {', '.join(_COLUMNS)}) VALUES (?{', ?' * len(_COLUMNS)})"  # noqa: S608 - names of a dataclass
_LASTING = ("written", "handed_over", "violation", "shown", "status")


class History:
    """The one store of a twin.

    Args:
        path: the file, or ":memory:".
        mono: monotonic nanoseconds, for the rows' `mono`.
    """

    def __init__(self, path: Path | str = ":memory:", mono: Callable[[], int] = time.monotonic_ns) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + _SCHEMA)
        self._mono = mono
        self._watchers: list[Callable[[], None]] = []

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` after each commit that added rows; returns how to stop that."""
        self._watchers.append(wake)
        return lambda: self._watchers.remove(wake)

    def commit(
        self,
        rows: Iterable[Row] = (),
        *,
        queued: Iterable[Item] = (),
        done: Iterable[str] = (),
        media: Iterable[Media] = (),
        customers: Iterable[Customer] = (),
    ) -> None:
        """Everything together or nothing."""
        listed = [self._values(row) for row in rows]
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany(_INSERT, listed)
            self._db.executemany(
                "INSERT OR REPLACE INTO outbox VALUES (?, ?)", [(i.id, _item_json(i)) for i in queued]
            )
            self._db.executemany("DELETE FROM outbox WHERE id = ?", [(one,) for one in done])
            self._db.executemany(
                "INSERT OR REPLACE INTO media VALUES (?, ?, ?, ?, ?)", map(_media_values, media)
            )
            people = [(c.id, json.dumps(asdict(c))) for c in customers]
            self._db.executemany("INSERT OR REPLACE INTO customers VALUES (?, ?)", people)
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
        for wake in [*self._watchers] if listed else ():
            wake()

    def step(self, step: Step) -> None:
        """Commit what an act changed."""
        self.commit(step.rows, queued=step.queued, media=step.media, customers=step.customers)

    def before(self, fired: Sequence[Firing]) -> None:
        """Commit what is about to leave; what a phone shows is thereby done and never shown twice."""
        self.commit(
            [r for f in fired for r in f.rows],
            queued=[i for f in fired for i in f.queued],
            done=[i for f in fired for i in (f.done if f.channel == "phone" else f.replaced)],
        )

    def forget_media(self, media_id: str) -> None:
        """Delete a file the business deleted."""
        self._db.execute("DELETE FROM media WHERE id = ?", (media_id,))

    def put_setting(self, name: str, value: Any) -> None:
        """Keep a setting."""
        self._db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, json.dumps(value)))

    def setting(self, name: str, default: Any = None) -> Any:
        """A kept setting."""
        found = self._db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return json.loads(found[0]) if found else default

    def last_seq(self) -> int:
        """The number of the newest row, 0 where there is none."""
        return int(self._db.execute("SELECT coalesce(max(seq), 0) FROM history").fetchone()[0])

    def rows(self, after: int = 0, limit: int = 1000, *, bodies: bool = False) -> list[dict[str, Any]]:
        """The next rows in order, as the history is streamed; `bodies` adds the exact JSON of each."""
        names = (*_SHOWN, "body") if bodies else _SHOWN
        query = f"SELECT {', '.join(names)} FROM history WHERE seq > ? ORDER BY seq LIMIT ?"  # noqa: S608 - names of a dataclass
        return [_public(names, values) for values in self._db.execute(query, (after, limit))]

    def of(self, user_ids: Sequence[str], limit: int = 200) -> list[dict[str, Any]]:
        """The last rows about a person that a phone would show, oldest first, with bodies."""
        names = (*_SHOWN, "body")
        query = (
            f"SELECT {', '.join(names)} FROM history WHERE user_id IN ({', '.join('?' * len(user_ids))})"  # noqa: S608 - names of a dataclass
            " AND kind IN ('written', 'shown', 'status') ORDER BY seq DESC LIMIT ?"
        )
        found = [_public(names, values) for values in self._db.execute(query, (*user_ids, limit))]
        return found[::-1]

    def kept(self) -> set[tuple[str, str]]:
        """(destination, webhook id) of every delivery that a receiver kept."""
        query = "SELECT destination, remote_id FROM history WHERE kind = 'received' AND phase = 'ok'"
        return set(self._db.execute(query))

    def restore(self) -> tuple[Iterator[Customer], Iterator[Media], Iterator[Row], list[Item]]:
        """What `World.restore` takes."""
        marks = ", ".join("?" * len(_LASTING))
        query = f"SELECT {', '.join(_COLUMNS)} FROM history WHERE kind IN ({marks}) ORDER BY seq"  # noqa: S608 - names of a dataclass
        people = (Customer(**json.loads(v)) for (v,) in self._db.execute("SELECT customer FROM customers"))
        media = (
            Media(i, File(d, m, f), e)
            for i, m, f, e, d in self._db.execute("SELECT id, mime, filename, expires, data FROM media")
        )
        rows = (_row(values) for values in self._db.execute(query, _LASTING))
        items = [_item(v) for (v,) in self._db.execute("SELECT item FROM outbox ORDER BY rowid")]
        return people, media, rows, items

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _values(self, row: Row) -> tuple[Any, ...]:
        body = row.body.encode("utf-8", "surrogatepass")  # lone surrogates cannot be TEXT
        plain = [getattr(row, name) for name in _COLUMNS[:-1]]
        return (self._mono(), *(json.dumps(v) if isinstance(v, tuple) else v for v in plain), body)


def _public(names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    row = dict(zip(names, values, strict=True))
    row["media_sha256"] = json.loads(row["media_sha256"])
    if "body" in row:
        row["body"] = row["body"].decode("utf-8", "surrogatepass")
    return row


def _row(values: Sequence[Any]) -> Row:
    row = _public(_COLUMNS, values)
    return Row(**(row | {"media_sha256": tuple(row["media_sha256"])}))


def _media_values(media: Media) -> tuple[Any, ...]:
    return media.id, media.file.mime, media.file.filename, media.expires, media.file.data


def _item_json(item: Item) -> str:
    return json.dumps(asdict(item))


def _item(text: str) -> Item:
    kept = json.loads(text)
    rows = tuple(_plain_row(row) for row in kept["rows"])
    return Item(**(kept | {"row": _plain_row(kept["row"]), "rows": rows}))


def _plain_row(kept: dict[str, Any]) -> Row:
    return Row(**(kept | {"media_sha256": tuple(kept["media_sha256"])}))
