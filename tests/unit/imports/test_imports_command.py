"""`cdmx import` as it is typed: who is who, what it counts, how it ends; without any server."""

# ruff: noqa: FBT001 - rows of a table

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ops import __main__ as cdmx
from ops.imports.chat import Tally
from ops.imports.names import MapError, cast, digits, read_map_file, read_names
from ops.imports.reasons import BadFileError

NAMES = read_names([], ["Redacción"])
ANA = "Chat de WhatsApp con Ana.txt"
LINES = [
    "13/3/24, 2:05\u202fp.m. - Los mensajes y las llamadas están cifrados de extremo a extremo.",
    "13/3/24, 2:05\u202fp.m. - Ana: hola",
    "segunda línea",
    "13/3/24, 2:06\u202fp.m. - Redacción: buenas",
    "13/3/24, 2:07\u202fp.m. - Ana: <Multimedia omitido>",
]


def run(*words: object) -> Any:
    return CliRunner().invoke(cdmx.app, ["import", *map(str, words)])


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def test_a_dry_run_counts_every_line_once(tmp_path: Path) -> None:
    done = run(write(tmp_path / ANA, LINES), "--dry-run", "--json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    classes = ("messages", "system", "media", "continuation", "rejected")
    assert [found[each] for each in classes] == [2, 1, 1, 1, 0]
    assert sum(found[each] for each in classes) == len(LINES)
    assert found["senders"] == {"Ana": 2, "Redacción": 1}
    assert (found["first"], found["last"]) == ("2024-03-13T14:05:00-06:00", "2024-03-13T14:07:00-06:00")
    assert found["chats"][0]["files"] == {"attached": 0, "omitted": 1, "missing": 0}


def test_who_is_who_is_asked_before_writing_and_not_before_counting(tmp_path: Path) -> None:
    path = write(tmp_path / "cualquiera.txt", LINES)
    done = run(path, "--dry-run", "--json")
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert found["messages"] == 2
    assert "--me" in found["chats"][0]["asks"]
    written = run(path)
    assert written.exit_code == 2
    assert "--me" in written.stdout


def test_rejects_are_shown_line_by_line_and_fail(tmp_path: Path) -> None:
    path = write(tmp_path / ANA, [*LINES, "99/99/24, 10:00 - Nadie: x"])
    done = run(path, "--dry-run")
    assert done.exit_code == 1
    assert "línea 6: la fecha no existe" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("import: 6 líneas = 2 mensajes")
    written = run(path)
    assert written.exit_code == 1
    assert "--keep-rejects" in written.stderr


def test_an_ambiguous_file_names_the_remedy(tmp_path: Path) -> None:
    path = write(tmp_path / ANA, ["1/2/24, 14:05 - Ana: hola"])
    done = run(path, "--dry-run")
    assert done.exit_code == 2
    assert "--day-first o --month-first" in done.stdout
    first = {
        flag: json.loads(run(path, "--dry-run", "--json", flag).stdout)["first"]
        for flag in ("--day-first", "--month-first")
    }
    assert first == {"--day-first": "2024-02-01T14:05:00-06:00", "--month-first": "2024-01-02T14:05:00-06:00"}


def test_another_time_zone(tmp_path: Path) -> None:
    done = run(write(tmp_path / ANA, LINES), "--dry-run", "--json", "--tz", "America/Tijuana")
    assert json.loads(done.stdout)["first"] == "2024-03-13T14:05:00-07:00"
    assert run(tmp_path / ANA, "--dry-run", "--tz", "Marte/Olimpo").exit_code == 2


def test_a_suspected_cap_is_said(tmp_path: Path) -> None:
    lines = [f"13/3/24, {n // 60 % 24}:{n % 60:02d} - Ana: {n}" for n in range(40_000)]
    done = run(write(tmp_path / ANA, lines), "--dry-run")
    assert "faltan mensajes anteriores al 13/03/2024" in done.stdout


@pytest.mark.parametrize(
    ("entries", "attached", "capped"),
    [(40_000, 0, True), (10_000, 0, False), (10_000, 300, True), (40_000, 300, False), (25_000, 0, False)],
)
def test_where_whatsapp_cuts(entries: int, attached: int, capped: bool) -> None:
    assert Tally(messages=entries, attached=attached, first_s=1).capped() is capped


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "qué archivos"),
        (("nada.txt", "--day-first", "--month-first"), "solo uno"),
        (("nada.txt", "--map", "Ana"), "Nombre=+52"),
        (("nada.txt", "--map", "Ana=+12"), "8 a 15 dígitos"),
    ],
)
def test_what_cannot_be_meant_is_said(words: tuple[str, ...], why: str) -> None:
    done = run(*words)
    assert done.exit_code == 2
    assert why in done.stderr


def test_a_missing_file_is_an_error_and_not_a_crash(tmp_path: Path) -> None:
    done = run(tmp_path / "nada.txt", "--dry-run")
    assert done.exit_code == 2
    assert "no existe" in done.stdout


def test_a_map_file_holds_one_name_a_line(tmp_path: Path) -> None:
    path = write(
        tmp_path / "nombres.txt", ["# vecinos", "", "Ana = +52 1 55 1234 5678", "Nosotros=yo", "Anita=Ana"]
    )
    names = read_names(read_map_file(path))
    assert names.phone("Ana") == "5215512345678"
    assert names.phone("Anita") == "5215512345678"
    assert names.is_ours("Nosotros")
    with pytest.raises(MapError):
        read_map_file(tmp_path / "otro.txt")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("+52 1 55 1234 5678", "5215512345678"),
        ("55 1234 5678", "5512345678"),
        ("Ana", None),
        ("1234", None),
        ("5", None),
    ],
)
def test_numbers_in_place_of_names(text: str, found: str | None) -> None:
    assert digits(text) == found


@pytest.mark.parametrize(
    ("title", "senders", "me", "group", "mine"),
    [
        ("Ana", ["Ana", "Redacción"], True, False, {"Redacción"}),
        ("Ana", ["Ana", "Cualquiera"], False, False, {"Cualquiera"}),
        ("Ana", ["Redacción"], True, False, {"Redacción"}),
        ("Ana", ["Ana"], False, False, set()),
        ("Vecinos", ["Ana", "Luis", "Redacción"], True, True, {"Redacción"}),
        ("Vecinos", ["Ana", "Luis"], True, True, set()),
        ("Ana", ["Anita", "Redacción"], True, False, {"Redacción"}),
    ],
)
def test_who_is_who(title: str, senders: list[str], me: bool, group: bool, mine: set[str]) -> None:
    found = cast(title, senders, NAMES if me else read_names([]), group=None, known=False)
    assert (found.group, set(found.mine)) == (group, mine)


@pytest.mark.parametrize(
    ("title", "senders", "names"),
    [
        ("", ["Ana", "Luis"], read_names([])),
        ("Vecinos", ["Ana", "Luis", "Beto"], read_names([])),
        ("", ["Redacción"], NAMES),
        ("X", ["Ana"], read_names([])),
    ],
)
def test_who_only_a_person_can_tell(title: str, senders: list[str], names: Any) -> None:
    with pytest.raises(BadFileError, match=r"--me|--title"):
        cast(title, senders, names, group=None, known=False)
