"""AsyncAPI's own parser (Node) accepts docs/asyncapi.json, and refuses a broken one."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "tests" / "tools" / "asyncapi"
INSTALL_S = 300
pytestmark = pytest.mark.xdist_group("asyncapi")  # two workers must not install into one folder
PARSE_S = 60


def run(command: list[str], seconds: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=TOOL, capture_output=True, text=True, timeout=seconds, check=False)  # noqa: S603 - our own tool


@pytest.fixture(scope="module")
def node() -> str:
    found, npm = shutil.which("node"), shutil.which("npm")
    assert found, "Node 20 and npm are needed (make deps)"
    assert npm, "Node 20 and npm are needed (make deps)"
    if not (TOOL / "node_modules" / "@asyncapi" / "parser").is_dir():
        done = run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], INSTALL_S)
        assert done.returncode == 0, done.stderr[-2000:]
    return found


def test_the_committed_document_is_valid(node: str) -> None:
    done = run([node, "check.mjs", str(ROOT / "docs" / "asyncapi.json")], PARSE_S)
    assert done.returncode == 0, done.stdout
    assert "asyncapi: valid" in done.stdout


def test_a_broken_document_is_refused(node: str, tmp_path: Path) -> None:
    document = json.loads((ROOT / "docs" / "asyncapi.json").read_text())
    document["operations"]["publish-desk-events"]["action"] = "shout"
    broken = tmp_path / "asyncapi.json"
    broken.write_text(json.dumps(document))
    done = run([node, "check.mjs", str(broken)], PARSE_S)
    assert done.returncode == 1
    assert "action" in done.stdout
