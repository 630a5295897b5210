"""What goes into each image, read from the Dockerfiles, and that its requirement file is enough."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from local.compose.file import Image
from local.compose.images import faults
from local.paths import ROOT
from local.plan import SERVICES
from tests.integration.compose_rules import host_of

DOCKERFILES = sorted([ROOT / "deploy" / "Dockerfile", *(ROOT / "deploy" / "compose").glob("*.Dockerfile")])
OURS = {"services", "shared", "twin", "local", "ops", "sim", "tests", "bench"}
_COPY = re.compile(r"^COPY (?!--from)(?P<words>.+)$", re.MULTILINE)
_FROM = re.compile(r"^(?:ARG BASE=|FROM )(?P<image>\S+)", re.MULTILINE)
# What each image runs, and the requirement file it is built from.
PROGRAMS = {
    **{program.module: program.module.split(".")[1] for program in SERVICES},
    "twin": "twin",
    "local.compose": "tools",
    "ops": "tools",
    "local.compose.emulator": "ministack",
}
ASKED_BY_NAME = {"ministack": {"ministack"}, "tools": {"uvloop"}}


def _copied(dockerfile: Path) -> set[str]:
    """Every source of a COPY."""
    return {word for found in _COPY.finditer(dockerfile.read_text()) for word in found["words"].split()[:-1]}


def test_a_production_image_holds_its_service_and_shared_and_nothing_else() -> None:
    assert _copied(ROOT / "deploy" / "Dockerfile") == {
        "requirements/${SERVICE}.txt",
        "services/__init__.py",
        "services/${SERVICE}",
        "shared",
    }


def test_the_twin_s_image_holds_nothing_of_the_product() -> None:
    twin = _copied(ROOT / "deploy" / "compose" / "twin.Dockerfile")
    assert twin == {"requirements/twin.txt", "twin"}


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.name)
def test_no_image_runs_as_root_or_names_a_registry_s_host(dockerfile: Path) -> None:
    text = dockerfile.read_text()
    assert re.findall(r"^USER (.+)$", text, re.MULTILINE) == ["10001"]
    assert text.index("\nUSER 10001") < text.index("\nCMD ")
    assert not [found["image"] for found in _FROM.finditer(text) if host_of(found["image"])]
    assert "ADD " not in text


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.name)
def test_hadolint_finds_nothing(dockerfile: Path) -> None:
    done = subprocess.run(  # noqa: S603 - the linter of our own environment
        [Path(sys.executable).with_name("hadolint"), "--no-color", dockerfile],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_hadolint_can_find_something(tmp_path: Path) -> None:
    bad = tmp_path / "Dockerfile"
    bad.write_text("FROM debian\nRUN apt-get install curl\n")
    done = subprocess.run(  # noqa: S603 - the linter of our own environment
        [Path(sys.executable).with_name("hadolint"), bad],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "DL3006" in done.stdout


def test_the_build_context_is_a_list_of_what_may_go_in() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {source for dockerfile in DOCKERFILES for source in _copied(dockerfile)}
    assert not {source for source in copied if f"{source.partition('/')[0]}/" not in let_in}
    assert not let_in & {".git/", ".local/", ".tools/", ".venv/", "tests/", "sim/", "bench/"}


@pytest.mark.parametrize("module", PROGRAMS)
def test_a_requirement_file_has_all_that_its_program_imports(module: str) -> None:
    name = PROGRAMS[module]
    pinned = _pinned(ROOT / "requirements" / f"{name}.txt")
    wanted = {_distribution(top) for top in _foreign(_main(module))} | ASKED_BY_NAME.get(name, set())
    assert wanted - pinned == set()
    assert wanted, "a program without requirements would show nothing"


@pytest.mark.parametrize("module", [program.module for program in SERVICES])
def test_a_service_reaches_only_itself_and_shared(module: str) -> None:
    own = f"services.{module.split('.')[1]}"
    reached = _reached(_main(module))
    assert not [
        name for name in reached if name.split(".")[0] != "shared" and not f"{name}.".startswith(f"{own}.")
    ]


def test_a_missing_requirement_would_be_seen() -> None:
    assert "opensearch-py" not in _pinned(ROOT / "requirements" / "forwarder.txt")
    assert "opensearch-py" in {_distribution(top) for top in _foreign("services.search.__main__")}


INGEST = Image("whatsapp-cdmx/ingest", "deploy/Dockerfile", (("SERVICE", "ingest"),))
WELL = (2, "CDMX_OPS_PORT: Input should be a valid integer", ["services/ingest", "shared/queue"])


@pytest.mark.parametrize(
    ("user", "code", "output", "parts", "said"),
    [
        ("10001", *WELL, ""),
        ("", *WELL, "runs as root"),
        ("10001", 0, *WELL[1:], "expected code 2"),
        ("10001", 2, "ModuleNotFoundError", WELL[2], "expected code 2"),
        ("10001", *WELL[:2], ["services/ingest", "twin/core"], "holds twin/core"),
        ("10001", *WELL[:2], ["services/ingest", "services/desk"], "holds services/desk"),
    ],
)
def test_what_is_wrong_with_a_built_image_is_said(
    user: str, code: int, output: str, parts: list[str], said: str
) -> None:
    found = faults(INGEST, {"User": user}, code, output, parts)
    assert len(found) == bool(said)
    assert said in "".join(found)


def _main(module: str) -> str:
    return module if (ROOT / (module.replace(".", "/") + ".py")).exists() else f"{module}.__main__"


def _pinned(path: Path) -> set[str]:
    return {_plain(line) for line in re.findall(r"^([A-Za-z0-9._-]+)==", path.read_text(), re.MULTILINE)}


def _plain(name: str) -> str:
    """A distribution's normalised name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _distribution(top: str) -> str:
    return _plain(_distributions()[top][0])


@cache
def _distributions() -> Mapping[str, list[str]]:
    return packages_distributions()


def _file(name: str) -> Path | None:
    """A module of ours; None where there is no such file (an attribute, or foreign)."""
    base = ROOT / name.replace(".", "/")
    found = (path for path in (base.with_suffix(".py"), base / "__init__.py") if path.exists())
    return next(found, None)


@cache
def _imports(path: Path) -> frozenset[str]:
    """Dotted names that a file imports; of `from a import b` both a and a.b."""
    found: set[str] = set()
    for node in _run_time(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


def _run_time(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those that only a type checker reads."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from _run_time(child)


def _reached(start: str) -> set[str]:
    """Our modules that are loaded with one."""
    seen: set[str] = set()
    todo = [start]
    while todo:
        name = todo.pop()
        path = _file(name)
        if name in seen or path is None:
            continue
        seen.add(name)
        todo += [found for found in _imports(path) if found.split(".")[0] in OURS]
    return seen - {"services"}


def _foreign(start: str) -> set[str]:
    return set(_tops(start)) - OURS - sys.stdlib_module_names


def _tops(start: str) -> Iterator[str]:
    for name in _reached(start):
        path = _file(name)
        if path is not None:
            yield from (found.split(".")[0] for found in _imports(path))
