"""DynamoDB Local: AWS's own engine, the second opinion on transactions and validation."""

from pathlib import Path

from local.engines import maven
from local.engines.javac import compile_jar, source
from local.install import Say, ensure, recipe, silent
from local.paths import TOOLS
from local.process import Server

NAME = "dynamodb_local"
READY_S = 90.0
ARTIFACT = "com.amazonaws:DynamoDBLocal:2.6.1:jar"
_MAIN = "LoopbackDynamo"
_NO_ACTION = 400  # what it answers to a GET: ready, and not asked anything


def install(tools: Path = TOOLS, say: Say = silent) -> None:
    """Its jars and SQLite libraries from Maven Central."""

    def build(folder: Path) -> None:
        say("DynamoDB Local: desde Maven Central / from Maven Central")
        found = maven.fetch([ARTIFACT], tools, maven.pinned())
        for file in found[ARTIFACT]:
            file.rename(folder / file.name)
        maven.discard(found)
        compile_jar(_MAIN, folder / "loopback-dynamo.jar", classpath=f"{folder}/*")

    ensure(tools / NAME, recipe(ARTIFACT, source(_MAIN)), build, say)


def server(port: int, data: Path, tools: Path = TOOLS) -> Server:
    """In memory."""
    data.mkdir(parents=True, exist_ok=True)
    home = tools / NAME
    return Server(
        name=NAME,
        argv=[
            str(maven.need_java()),
            "-Xmx512m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            f"-Djava.library.path={home}",
            "-cp",
            f"{home}/*",
            _MAIN,
            "-inMemory",
            "-disableTelemetry",
            "-port",
            str(port),
        ],
        url=f"http://127.0.0.1:{port}",
        health="/",
        ok=frozenset({_NO_ACTION}),
        env={"LANG": "C.UTF-8", "HOME": str(data)},
        log=data / "dynamodb_local.log",
        cwd=data,
    )
