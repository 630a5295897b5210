"""ElasticMQ: a second SQS, so that no emulator's bug becomes a belief."""

from pathlib import Path

from local.engines import maven
from local.install import Say, ensure, recipe, silent
from local.paths import TOOLS
from local.process import Server

NAME = "elasticmq"
READY_S = 90.0
ARTIFACT = "org.elasticmq:elasticmq-server_2.13:1.7.1:jar"
_CONFIG = """include classpath("application.conf")
node-address {{ protocol = http, host = "127.0.0.1", port = {port}, context-path = "" }}
rest-sqs {{ enabled = true, bind-port = {port}, bind-hostname = "127.0.0.1", sqs-limits = strict }}
rest-stats {{ enabled = false }}
queues-storage {{ enabled = false }}
messages-storage {{ enabled = false }}
"""
_QUIET = """<configuration><appender name="S" class="ch.qos.logback.core.ConsoleAppender"><encoder>
<pattern>%d %level %logger{20} %msg%n</pattern></encoder></appender>
<root level="WARN"><appender-ref ref="S"/></root></configuration>
"""


def install(tools: Path = TOOLS, say: Say = silent) -> None:
    """Its jars from Maven Central."""

    def build(folder: Path) -> None:
        say("ElasticMQ: desde Maven Central / from Maven Central")
        found = maven.fetch([ARTIFACT], tools, maven.pinned())
        for jar in found[ARTIFACT]:
            jar.rename(folder / jar.name)
        maven.discard(found)

    ensure(tools / NAME, recipe(ARTIFACT), build, say)


def server(port: int, data: Path, tools: Path = TOOLS) -> Server:
    """In memory."""
    data.mkdir(parents=True, exist_ok=True)
    (data / "elasticmq.conf").write_text(_CONFIG.format(port=port))
    (data / "logback.xml").write_text(_QUIET)
    return Server(
        name=NAME,
        argv=[
            str(maven.need_java()),
            "-Xms128m",
            "-Xmx1g",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            f"-Dlogback.configurationFile={data / 'logback.xml'}",
            f"-Dconfig.file={data / 'elasticmq.conf'}",
            "-cp",
            f"{tools / NAME}/*",
            "org.elasticmq.server.Main",
        ],
        url=f"http://127.0.0.1:{port}",
        health="/health",
        env={"LANG": "C.UTF-8"},
        log=data / "elasticmq.log",
    )
