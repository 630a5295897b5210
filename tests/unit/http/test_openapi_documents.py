"""The committed OpenAPI documents are what the APIs are."""

from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest
from fastapi import FastAPI

import services.desk.openapi as desk
import services.search.openapi as search
from shared.http.app import PROBLEM_SCHEMA
from shared.http.openapi import document, export

FOLDER = Path(__file__).parents[3] / "docs" / "openapi"
APIS = {"desk": desk.described, "search": search.described}


@pytest.mark.parametrize("name", sorted(APIS))
def test_the_committed_document_is_current(name: str) -> None:
    path = FOLDER / f"{name}.json"
    assert path.read_bytes() == document(APIS[name]()), (
        f"run: python -m services.{name}.openapi docs/openapi/{name}.json"
    )


@pytest.mark.parametrize("name", sorted(APIS))
def test_every_operation_is_secured_described_and_answers_errors_as_problems(name: str) -> None:
    found: dict[str, Any] = orjson.loads((FOLDER / f"{name}.json").read_bytes())
    assert found["openapi"].startswith("3.1")
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            assert operation["security"], (path, method)
            assert operation["summary"], (path, method)
            assert "application/problem+json" in operation["responses"]["default"]["content"]
            assert "422" not in operation["responses"], "FastAPI's own error shape is never answered"
            required = [each["name"] for each in operation.get("parameters", ()) if each.get("required")]
            assert method != "post" or "Idempotency-Key" in required


def test_the_problem_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(PROBLEM_SCHEMA)


def test_the_command_names_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    app = FastAPI()
    monkeypatch.setattr("sys.argv", ["openapi"])
    with pytest.raises(SystemExit, match="path of the document"):
        export(app)
    monkeypatch.setattr("sys.argv", ["openapi", str(tmp_path / "x.json")])
    export(app)
    assert (tmp_path / "x.json").read_bytes() == document(app)
