"""Where credentials go and where not, proxies, trust, hosts that move, and waits that end when they are told to."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from archiver.archive.file import ArchiveFile
from archiver.config.secrets import Secret
from archiver.errors import SourceError, SourceUnavailable
from archiver.harvest.harvest import Harvest
from archiver.liveperson.account import Account, connect
from archiver.liveperson.auth import ClientCredentials
from archiver.liveperson.calls import CallSettings, make_client
from archiver.model import Window
from archiver.progress import Silent
from archiver.simulator.server import bind, running
from archiver.simulator.services import Simulator
from tests import schemas
from tests.conftest import NOW, connected, record

DAY = timedelta(days=1)
SPAN = Window(NOW - 10 * DAY, NOW)
PROGRAM = [sys.executable, "-m", "archiver"]


# ── hosts ──


def test_a_host_that_vanishes_in_the_middle_is_looked_up_again_and_no_page_is_lost(
    archive: ArchiveFile, simulator: Simulator
) -> None:
    simulator.world.fill(
        record(f"c{number:03d}", NOW - 9 * DAY + number * timedelta(minutes=40)) for number in range(300)
    )
    calls: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        calls.append(request.url.host)
        if len(calls) == 12:
            simulator.host = "moved.simulator.test"
        if request.url.host == "lp.simulator.test" and simulator.host != request.url.host:
            raise httpx.ConnectError("Name or service not known", request=request)
        return simulator(request)

    waited: list[float] = []
    account = Account(simulator.world.account, "https://api.simulator.test", _credentials(simulator), per_s=1_000)
    settings = CallSettings(sleep=waited.append)
    source = connect(account, settings=settings, transport=httpx.MockTransport(respond), clock=lambda: NOW)
    summary = Harvest(source, archive, clock=lambda: NOW, progress=Silent()).run(SPAN)
    assert (summary.conversations, summary.unproven) == (300, ())
    assert "moved.simulator.test" in calls
    assert all(wait_s < 5 for wait_s in waited)  # at once, not after the ladder


def test_a_host_that_is_gone_and_nowhere_else_is_waited_for(simulator: Simulator) -> None:
    left = [3]

    def respond(request: httpx.Request) -> httpx.Response:
        if "messaging_history" in request.url.path and left[0]:
            left[0] -= 1
            raise httpx.ConnectError("refused", request=request)
        return simulator(request)

    assert next(connected(respond, simulator).pages(SPAN)).total == 0


def _credentials(simulator: Simulator) -> ClientCredentials:
    return ClientCredentials(simulator.tokens.client_id, Secret(simulator.tokens.client_secret))


def test_credentials_go_only_where_the_domain_api_says(simulator: Simulator) -> None:
    simulator.world.fill(record(f"c{number}", NOW - DAY) for number in range(250))
    sent: dict[str, bool] = {}

    def respond(request: httpx.Request) -> httpx.Response:
        is_secret = "Authorization" in request.headers or b"client_secret" in request.content
        sent[request.url.host] = sent.get(request.url.host, False) or is_secret
        return simulator(request)

    list(connected(respond, simulator).pages(SPAN))
    assert sent == {"api.simulator.test": False, "lp.simulator.test": True}


@pytest.mark.parametrize("location", ["https://elsewhere.example/", "http://lp.simulator.test/", "/other"])
@pytest.mark.parametrize("place", ["baseURI", "token", "search"])
def test_no_redirect_takes_credentials_anywhere(simulator: Simulator, place: str, location: str) -> None:
    asked: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        if place in request.url.path:
            return httpx.Response(307, headers={"Location": location})
        return simulator(request)

    with pytest.raises(SourceError, match="redirect"):
        list(connected(respond, simulator).pages(SPAN))
    assert not any(url.startswith("https://elsewhere") or url.endswith("/other") for url in asked)
    assert not any(url.startswith("http://") for url in asked)


# ── proxies and trust, with real sockets ──


class Proxy(BaseHTTPRequestHandler):
    """Remembers where it was asked to go; tunnels to one target, whatever the name."""

    asked: list[str]
    target: tuple[str, int]

    def do_CONNECT(self) -> None:
        type(self).asked.append(self.path)
        with socket.create_connection(self.target) as upstream:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=_pump, args=(upstream, self.connection), daemon=True)
            back.start()
            _pump(self.connection, upstream)
            back.join(5)
        self.close_connection = True

    def do_GET(self) -> None:
        type(self).asked.append(self.path)
        self.send_error(502)

    do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None: ...


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[str]:
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def proxy(target: tuple[str, int]) -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []
    handler = type("Handler", (Proxy,), {"asked": asked, "target": target})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    with serving(server) as host:
        yield f"http://{host}", asked


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """For the names that a real account would have, and its own authority."""
    folder = tmp_path_factory.mktemp("tls")
    crt, key = folder / "ca.crt", folder / "ca.key"
    names = "subjectAltName=DNS:api.liveperson.test,DNS:lp.liveperson.test,IP:127.0.0.1"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"]
    subprocess.run([*command, "-addext", names, "-keyout", str(key), "-out", str(crt)], check=True, capture_output=True)
    return crt, key


def harvested(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if "PROXY" not in name.upper()}
    return subprocess.run(
        [*PROGRAM, *words], env={**clean, **environment}, capture_output=True, text=True, timeout=100, check=False
    )


def settings(simulator: Simulator, domain_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        "ARCHIVER_ARCHIVE": str(tmp_path / "archive"), "ARCHIVER_ACCOUNT": simulator.world.account,
        "ARCHIVER_DOMAIN_URL": domain_url, "ARCHIVER_CLIENT_ID": simulator.tokens.client_id,
        "ARCHIVER_CLIENT_SECRET": simulator.tokens.client_secret, "ARCHIVER_RATE": "500",
    }  # fmt: skip


def test_https_goes_through_the_environments_proxy_and_trusts_the_systems_authorities(
    simulator: Simulator, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    """A whole harvest over TLS, by names that only the proxy knows."""
    crt, key = certificate
    now = datetime.now(UTC)
    simulator.world.clock = lambda: datetime.now(UTC)
    simulator.world.fill(record(f"c{number}", now - DAY) for number in range(20))
    simulator.host = "lp.liveperson.test"
    server = bind(0)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(crt, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    environment = settings(simulator, "https://api.liveperson.test", tmp_path)
    with running(server, simulator), proxy(("127.0.0.1", server.server_address[1])) as (url, asked):
        untrusted = harvested({**environment, "HTTPS_PROXY": url}, "doctor", "--json")
        assert "SSL_CERT_FILE" in str(schemas.checked(untrusted.stdout))
        assert untrusted.returncode == 9
        trusted = harvested({**environment, "HTTPS_PROXY": url, "SSL_CERT_FILE": str(crt)}, "harvest", "--from", "3d")
        assert "20 conversations read" in trusted.stderr, trusted.stderr
    assert {path.partition(":")[0] for path in asked} == {"api.liveperson.test", "lp.liveperson.test"}
    assert not (tmp_path / "archive/archive.sqlite3-journal").exists()


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_what_runs_on_this_machine_is_asked_directly_whatever_proxy_there_is(name: str, simulator: Simulator) -> None:
    server = bind(0)
    simulator.host = server.host
    before = dict(os.environ)
    os.environ[name] = "http://127.0.0.1:9"
    try:
        with running(server, simulator):
            account = Account(simulator.world.account, server.url, _credentials(simulator))
            with closing(connect(account, clock=lambda: NOW)) as center:
                assert next(center.pages(SPAN)).total == 0
    finally:
        os.environ.clear()
        os.environ.update(before)


def test_an_untrusted_certificate_is_never_talked_to(certificate: tuple[Path, Path], simulator: Simulator) -> None:
    server = bind(0)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with running(server, simulator):
        account = Account(simulator.world.account, f"https://{server.host}", _credentials(simulator))
        settings = CallSettings(sleep=lambda seconds: None)
        with closing(connect(account, settings=settings)) as center, pytest.raises(SourceUnavailable, match="certif"):
            next(center.pages(SPAN))


def test_no_cookie_is_kept_or_sent_by_the_client_itself() -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        assert "Cookie" not in request.headers
        return httpx.Response(200, headers={"Set-Cookie": "track=1"})

    client = make_client(httpx.MockTransport(respond))
    for _ in range(2):
        client.get("https://lp.example/")


# ── waits ──


@pytest.fixture
def throttled(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """A simulator in a process of its own that wants everybody to wait for ten minutes."""
    scenario = tmp_path / "scenario.toml"
    scenario.write_text('conversations = 5\n[[fault]]\nkind = "429"\nwait_s = 600\nafter = 3\ntimes = "always"\n')
    command = [*PROGRAM, "simulate", "--scenario", str(scenario)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield schemas.checked(process.stdout.readline())
        process.terminate()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("follow", [False, True])
def test_a_wait_of_minutes_ends_within_seconds_when_the_process_is_told_to(
    throttled: dict[str, Any], tmp_path: Path, how: signal.Signals, follow: bool
) -> None:
    environment = {
        **os.environ, "ARCHIVER_ARCHIVE": str(tmp_path / "archive"), "ARCHIVER_ACCOUNT": throttled["account"],
        "ARCHIVER_DOMAIN_URL": throttled["domain_url"], "ARCHIVER_CLIENT_ID": throttled["client_id"],
        "ARCHIVER_CLIENT_SECRET": throttled["client_secret"],
    }  # fmt: skip
    command = [*PROGRAM, "harvest", *(["--follow"] if follow else [])]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while "trying again in 600 s" not in (line := process.stderr.readline()):
            assert line, "it ended without waiting"
        started = time.monotonic()
        process.send_signal(how)
        process.communicate(timeout=20)
        assert time.monotonic() - started < 10
    assert process.returncode == (0 if follow and how is signal.SIGTERM else 130 if how is signal.SIGINT else -how)
