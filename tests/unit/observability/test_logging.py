"""Log lines: what is in them and what is not."""

import asyncio
import io
import json
import logging as stdlib
from collections import Counter
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from shared.errors import Poison
from shared.observability import logging
from sim.clock import VirtualClock
from tests.unit.queue.worlds import virtually


class Lines:
    def __init__(self, level: str = "debug") -> None:
        self.out = io.StringIO()
        self.hits: Counter[str] = Counter()
        self.log = logging.build(
            "ingest", level, VirtualClock(), out=self.out, redacted=lambda rule: self.hits.update([rule])
        )

    def read(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.getvalue().splitlines()]


def test_a_line_says_when_who_and_what() -> None:
    async def world() -> None:
        lines = Lines()
        lines.log.info("started", tasks=["worker ingest"], took_ms=1763912723123)
        assert lines.read() == [
            {
                "event": "started",
                "tasks": ["worker ingest"],
                "took_ms": 1763912723123,
                "level": "info",
                "at": "2025-11-24T16:00:00.000Z",
                "service": "ingest",
            }
        ]

    virtually(world())


def test_lines_below_the_level_are_not_written() -> None:
    async def world() -> None:
        lines = Lines("warning")
        lines.log.info("no")
        lines.log.warning("yes")
        assert [line["event"] for line in lines.read()] == ["yes"]

    virtually(world())


def test_what_is_bound_stays_within_its_task() -> None:
    async def world() -> None:
        lines = Lines()

        async def handle(name: str) -> None:
            logging.bind(message_id=name)
            await asyncio.sleep(1)
            lines.log.info("done")

        await asyncio.gather(handle("a"), handle("b"))
        lines.log.info("outside")
        assert sorted(str(line.get("message_id")) for line in lines.read()) == ["None", "a", "b"]

    virtually(world())


def test_personal_data_is_covered_wherever_it_hides_and_counted() -> None:
    async def world() -> None:
        lines = Lines()
        lines.log.info(
            "5215512345678", deep=[{"wamid.HBgN=": ("+5215512345678", 5215512345678, 1.5, None, True)}]
        )
        text = lines.out.getvalue()
        assert "5215512345678" not in text
        assert "HBgN" not in text
        assert lines.hits == {"phone": 3, "wamid": 1}

    virtually(world())


def test_an_exception_is_told_by_class_and_place_not_by_its_words() -> None:
    class Person(BaseModel):
        age: int

    async def world() -> None:
        lines = Lines()
        try:
            Person.model_validate({"age": "María Fernanda"})
        except ValidationError:
            lines.log.exception("refused")
        (line,) = lines.read()
        assert line["error"] == ["ValidationError"]
        assert any("test_logging.py" in place for place in line["passed"])
        assert "María" not in json.dumps(line, ensure_ascii=False)

    virtually(world())


def test_a_poison_tells_its_detail_and_its_cause() -> None:
    async def world() -> None:
        lines = Lines()
        error = Poison("bad", "body: expected an object")
        error.__cause__ = KeyError("secret")
        lines.log.error("parked", exc_info=error)
        (line,) = lines.read()
        assert line["error"] == ["Poison", "KeyError"]
        assert line["detail"] == "bad: body: expected an object"
        assert "secret" not in json.dumps(line)

    virtually(world())


def test_libraries_warnings_come_without_their_values() -> None:
    async def world() -> None:
        lines = Lines()
        root = stdlib.getLogger()
        before, level = root.handlers[:], root.level
        try:
            logging.adopt_libraries(lines.log)
            stdlib.getLogger("aiobotocore").warning("could not reach %s", "https://x/?token=abc")
            stdlib.getLogger("aiobotocore").info("not this")
        finally:
            root.handlers[:] = before
            root.setLevel(level)
        (line,) = lines.read()
        assert (line["library"], line["said"]) == ("aiobotocore", "could not reach %s")
        assert line["level"] == "warning"

    virtually(world())


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_every_level_of_the_settings_is_known(level: str) -> None:
    assert Lines(level).log is not None
