"""What breaks while the service runs as a process, and ends it no more: an index that hangs, a full disk, a read-only
file, refused credentials, clients of its health, a lease that is lost.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import struct
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

import archiver
from archiver.archive.opening import make_archive, open_archive
from archiver.config.settings import StoreAddress
from archiver.index.elastic.server import connect
from archiver.liveperson.answers import read_record
from archiver.received import Conversation
from archiver.service.server import served
from tests.conftest import record, sql
from tests.nodes import Node
from tests.services import following, get, health, simulated, until

IS_ROOT = os.geteuid() == 0
MOST_S = 15.0  # a stop takes seconds


@contextmanager
def silent_server() -> Iterator[str]:
    """The URL of a server that accepts connections and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=128)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def stopped(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGTERM)
    started_s = time.monotonic()
    process.communicate(timeout=60)
    assert time.monotonic() - started_s < MOST_S
    return process.returncode


def conversations(url: str) -> int:
    archive = health(url)[1]["archive"]
    return archive["conversations"] if archive else 0


# ── the index ──


def test_an_index_that_hangs_holds_up_neither_the_harvest_nor_its_end(tmp_path: Path) -> None:
    with ExitStack() as stack:
        store, account = stack.enter_context(silent_server()), stack.enter_context(simulated())
        process, url = stack.enter_context(following(account, tmp_path / "archive", ARCHIVER_STORE=store))
        until(lambda: conversations(url) > 100)
        first = health(url)[1]
        assert (first["index"]["applied"], first["index"]["behind"]) == (None, None)
        assert "archiver_index_lag_entries{" not in get(f"{url}/metrics")[1]  # not known is not 0
        until(lambda: health(url)[1]["up_to_date_at"] > first["up_to_date_at"])
        assert stopped(process) == 0


def test_a_write_block_of_elasticsearch_holds_up_no_harvest_and_is_caught_up_with_later(
    elasticsearch: Node, tmp_path: Path
) -> None:
    folder, prefix = tmp_path / "archive", f"blocked_{uuid4().hex}"
    server = connect(StoreAddress(elasticsearch.url))
    changes = {"ARCHIVER_STORE": elasticsearch.url, "ARCHIVER_STORE_PREFIX": prefix}
    with simulated() as account, following(account, folder, **changes) as (process, url):
        until(lambda: health(url)[1]["index"]["behind"] == 0 and health(url)[1]["up_to_date_at"] is not None)
        server.ask("PUT", f"/{prefix}-*/_settings", {"index.blocks.write": True})
        try:
            add_conversation(folder)
            until(lambda: health(url)[1]["index"]["behind"] == 1)
            before = health(url)[1]["up_to_date_at"]
            until(lambda: health(url)[1]["up_to_date_at"] > before)
        finally:
            server.ask("PUT", f"/{prefix}-*/_settings", {"index.blocks.write": None})
        until(lambda: health(url)[1]["index"]["behind"] == 0)
        assert stopped(process) == 0
    with archiver.open(folder, store=elasticsearch.url, store_prefix=prefix) as archive:
        archive.store.drop()
    server.close()


def add_conversation(folder: Path) -> None:
    """As another process may, such as `archiver fetch`."""
    item = read_record(record("added", datetime.now(UTC) - timedelta(days=50), "hello"))
    assert isinstance(item, Conversation)
    with open_archive(folder) as archive:
        archive.keep([item], (), datetime.now(UTC))


# ── the disk and the file ──


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a small file system of its own where we may mount one; any folder elsewhere."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if IS_ROOT:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "archiver-test", folder], check=True)
    yield folder
    if IS_ROOT:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def full(disk: Path, *, spare_bytes: int) -> Iterator[None]:
    """Within the context, only so much fits on the disk."""
    with suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))
    os.truncate(disk / "filler", (disk / "filler").stat().st_size - spare_bytes)
    yield
    (disk / "filler").unlink()


@contextmanager
def bounded(process: int) -> Iterator[None]:
    """Within the context, the process can make no file larger than this, which is less than SQLite's log needs."""
    limits = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (300_000, limits[1]))
    yield
    resource.prlimit(process, resource.RLIMIT_FSIZE, limits)


def is_archive_red(url: str) -> bool:
    """Whether a service waits for its archive's file, and says so."""
    status, account = health(url)
    is_paused = account["paused"] is not None and account["paused"]["code"] == "archive"
    return is_paused and (status, account["level"]) == (503, "red")


def test_a_file_that_can_t_grow_is_waited_for(tmp_path: Path) -> None:
    with simulated() as account, following(account, tmp_path / "archive", is_impatient=True) as (process, url):
        with bounded(process.pid):
            until(lambda: is_archive_red(url))
            assert process.poll() is None
        until(lambda: health(url)[0] == 200 and conversations(url) > 100)
        assert stopped(process) == 0


@pytest.mark.skipif(not IS_ROOT, reason="only root may mount a small disk")
@pytest.mark.parametrize("spare_bytes", [0, 600_000])  # full before there is an archive, or during its first harvest
def test_a_full_disk_is_waited_for(disk: Path, spare_bytes: int) -> None:
    with ExitStack() as stack:
        account = stack.enter_context(simulated())
        with full(disk, spare_bytes=spare_bytes):
            process, url = stack.enter_context(following(account, disk / "archive", is_impatient=True))
            until(lambda: is_archive_red(url))
            until(lambda: attempts(url) > 2)
            assert process.poll() is None
        until(lambda: health(url)[0] == 200 and conversations(url) > 100)
        assert stopped(process) == 0


def attempts(url: str) -> int:
    paused = health(url)[1]["paused"]
    return paused["attempts"] if paused else 0


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Within the context the folder and its files can't be written, also by root."""
    files = [folder, *folder.iterdir()]
    if IS_ROOT:
        subprocess.run(["mount", "--bind", folder, folder], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
    else:
        for path in files:
            path.chmod(path.stat().st_mode & ~0o222)
    yield
    if IS_ROOT:
        subprocess.run(["mount", "-o", "remount,bind,rw", folder], check=True)
    else:
        for path in files:
            path.chmod(path.stat().st_mode | 0o200)


def test_a_file_that_is_read_only_at_the_start_is_waited_for(disk: Path) -> None:
    folder = disk / "archive"
    with simulated() as account:
        with following(account, folder) as (process, url):
            until(lambda: conversations(url) > 100)
            assert stopped(process) == 0
        with ExitStack() as stack:
            with read_only(folder):
                process, url = stack.enter_context(following(account, folder, is_impatient=True))
                until(lambda: is_archive_red(url))
                assert process.poll() is None
            until(lambda: health(url)[0] == 200)
            assert stopped(process) == 0


# ── LivePerson ──


@pytest.mark.parametrize("is_new", [True, False])
def test_refused_credentials_are_a_state_with_the_next_attempt_in_a_minute(tmp_path: Path, is_new: bool) -> None:
    folder = tmp_path / "archive"
    with simulated() as account:
        if not is_new:
            make_archive(folder, account["ARCHIVER_ACCOUNT"]).close()
        with following(account, folder, ARCHIVER_CLIENT_SECRET="wrong") as (process, url):
            until(lambda: health(url)[1]["paused"] is not None)
            status, state = health(url)
            paused = state["paused"]
            assert (status, paused["code"], paused["attempts"]) == (503, "source.auth", 1)
            wait = datetime.fromisoformat(paused["retry_at"]) - datetime.fromisoformat(paused["since"])
            assert wait == timedelta(minutes=1)
            assert get(f"{url}/healthz")[0] == 200
            assert get(f"{url}/readyz")[0] == 503
            assert stopped(process) == 0
    assert folder.exists() is not is_new  # nothing is made for an account that is not proven


def test_a_liveperson_that_never_answers_does_not_hold_up_the_end(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    make_archive(folder, "12345678").close()
    account = {"ARCHIVER_ACCOUNT": "12345678", "ARCHIVER_CLIENT_ID": "id", "ARCHIVER_CLIENT_SECRET": "secret"}
    with silent_server() as domain, following(account, folder, ARCHIVER_DOMAIN_URL=domain) as (process, url):
        assert get(f"{url}/healthz")[0] == 200
        assert stopped(process) == 0
    with open_archive(folder) as archive:
        archive.acquire_lease(datetime.now(UTC))  # it was given back


def test_ctrl_c_ends_it_within_seconds_with_exit_code_130(tmp_path: Path) -> None:
    with simulated() as account, following(account, tmp_path / "archive") as (process, url):
        until(lambda: conversations(url) > 0)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=MOST_S)
        assert process.returncode == 130


def test_a_service_whose_lease_is_taken_over_ends_with_exit_code_8(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    with simulated() as account, following(account, folder) as (process, url):
        until(lambda: conversations(url) > 0)
        with open_archive(folder) as archive:
            sql(archive, "UPDATE lease SET holder = 'another'")
        _, err = process.communicate(timeout=30)
        assert process.returncode == 8, err
        assert "taken over" in err


# ── clients of its health ──


def test_a_thousand_half_open_connections_and_resets_hold_up_neither_health_nor_the_harvest(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, limits[1]), limits[1]))
    with simulated() as account, ExitStack() as stack:
        process, url = stack.enter_context(following(account, tmp_path / "archive"))
        host, port = url.removeprefix("http://").split(":")
        for number in range(1_000):
            connection = stack.enter_context(socket.create_connection((host, int(port)), timeout=10))
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: " if number % 2 else b"")
        for _ in range(100):
            connection = socket.create_connection((host, int(port)), timeout=10)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
            connection.close()
        assert get(f"{url}/healthz")[0] == 200
        assert len(list(Path(f"/proc/{process.pid}/fd").iterdir())) < 200
        before = health(url)[1]["up_to_date_at"]
        until(lambda: health(url)[1]["up_to_date_at"] != before)
        assert stopped(process) == 0
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
        (b"HEAD /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET /healthz HTTP/1.1\r\nHost: [::1]:9464\r\n\r\n", 200),
        (b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 200),
        (b"GET /healthz?verbose HTTP/1.0\r\n\r\n", 200),
        (b"GET /metrics HTTP/1.1\r\nHost: health.example\r\n\r\n", 421),
        (b"GET /metrics HTTP/1.1\r\nHost: [nonsense\r\n\r\n", 421),
        (b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1.health.example\r\n\r\n", 421),
        (b"POST /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
    ],
)
def test_every_request_to_health_gets_its_answer(request_: bytes, status: int) -> None:
    with served(lambda path: (200, "text/plain", b"ok\n") if path == "/healthz" else None, "127.0.0.1", 0) as url:
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(request_)
            head, _, body = connection.makefile("rb").read().partition(b"\r\n\r\n")
    assert f" {status} ".encode() in head.splitlines()[0] + b" "
    assert b"content-length" in head.lower()
    assert bool(body) is not request_.startswith(b"HEAD")


def test_where_health_is_served_to_others_they_may_use_any_name() -> None:
    with served(lambda path: (200, "text/plain", b"ok\n"), "0.0.0.0", 0) as url:
        request_ = urllib.request.Request(url.replace("0.0.0.0", "127.0.0.1"), headers={"Host": "archiver:9464"})
        with urllib.request.urlopen(request_, timeout=10) as response:
            assert response.status == 200


def test_a_fault_in_the_making_of_health_is_told_and_quotes_nothing() -> None:
    def respond(path: str) -> None:
        raise KeyError("what a customer wrote")

    with served(respond, "127.0.0.1", 0) as url:
        status, body = get(f"{url}/metrics")
    assert status == 500
    assert "unexpected KeyError" in body
    assert "customer" not in body
