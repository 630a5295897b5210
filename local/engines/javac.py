"""Compiles the two small Java classes in local/java that the Java servers need here."""

import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from local.install import need, run
from local.paths import ROOT

_WITHOUT = (
    "no se preparan OpenSearch ni DynamoDB Local",
    "OpenSearch and DynamoDB Local cannot be prepared",
)


def source(name: str) -> Path:
    """Path of a class's source."""
    return ROOT / "local" / "java" / f"{name}.java"


def compile_jar(name: str, jar: Path, classpath: str = "", extra: Mapping[str, str] | None = None) -> None:
    """Compile one class into a jar.

    Args:
        name: the class.
        jar: file to write.
        classpath: what it is compiled against.
        extra: further entries of the jar, path to text.
    """
    javac = need("javac", _WITHOUT, "openjdk-17-jdk-headless")
    with tempfile.TemporaryDirectory() as work:
        run([javac, "--release", "17", "-nowarn", "-cp", classpath or work, "-d", work, source(name)])
        with zipfile.ZipFile(jar, "w") as archive:
            archive.write(Path(work) / f"{name}.class", f"{name}.class")
            for path, text in (extra or {}).items():
                archive.writestr(path, text)
