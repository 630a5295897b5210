"""An API's OpenAPI 3.1 document, written where it is committed."""

import sys
from pathlib import Path

import orjson
from fastapi import FastAPI


def document(app: FastAPI) -> bytes:
    """The document as committed: stable order, one trailing newline."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(app.openapi(), option=options)


def export(app: FastAPI) -> None:
    """Write the document to the path that is the command's one argument."""
    if len(sys.argv) != 2:  # noqa: PLR2004 - the program and one path
        sys.exit("the path of the document is missing, e.g. docs/openapi/desk.json")
    Path(sys.argv[1]).write_bytes(document(app))
