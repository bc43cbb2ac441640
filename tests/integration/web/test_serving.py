"""`archiver serve` as a process."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import NOW, record
from tests.pages import kept, page_of
from tests.services import simulated, until

PROGRAM = [sys.executable, "-m", "archiver"]


@contextmanager
def serving(*words: str, environment: dict[str, str] | None = None) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The URL of the page of a process, and the process."""
    command = [*PROGRAM, *words, "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | (environment or {})) as process:
        try:
            assert process.stderr is not None
            lines = iter(process.stderr.readline, "")
            yield next(match[1] for line in lines if (match := re.search(r"is at (http://\S+)", line))), process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_page_is_served_until_a_signal_which_ends_it_well(tmp_path: Path, number: signal.Signals) -> None:
    folder = kept(tmp_path / "archive", record("c", NOW, "hello"))
    with serving("--archive", str(folder), "serve") as (url, process):
        assert "hello" in httpx.get(f"{url}/c/c").text
        process.send_signal(number)
        assert process.wait(20) == 0


def test_one_process_harvests_and_serves_what_it_has(tmp_path: Path) -> None:
    with simulated() as environment:
        words = ("--archive", str(tmp_path / "archive"), "serve", "--harvest", "--every", "1s")
        with serving(*words, environment=environment) as (url, process):
            until(lambda: httpx.get(f"{url}/readyz", timeout=60).status_code == 200)
            until(lambda: httpx.get(f"{url}/api/v1/search", timeout=60).json()["total"] > 0)  # once they are indexed
            assert "archiver_" in httpx.get(f"{url}/metrics", timeout=60).text
            assert httpx.get(f"{url}/health/harvest", timeout=60).json()["schema"] == "archiver.health/3"
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("serve", "--listen", "0.0.0.0:0"), "no login"), (("serve", "--listen", "nonsense"), "HOST:PORT"),
        (("serve", "--listen", "off"), "nothing"), (("--archive", "nowhere", "serve"), "does not exist"),
        (("serve", "--every", "1m"), "serve --harvest --every 1m"),
    ],
)  # fmt: skip
def test_what_can_not_be_served_is_said_with_what_to_do(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    kept(tmp_path / "archive", record("c", NOW, "hello"))
    done = subprocess.run([*PROGRAM, *words], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") >= 2


def test_where_nobody_may_log_in_yet_that_is_said_when_the_page_is_served(tmp_path: Path) -> None:
    folder = kept(tmp_path / "archive", record("c", NOW, "hello"))
    for granted in (False, True):
        command = [*PROGRAM, "--archive", str(folder), "serve", "--listen", "127.0.0.1:0"]
        environment = os.environ | {"ARCHIVER_WEB_AUTH": "token"}
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stderr is not None
            said = ""
            while "is at http" not in said:
                said += process.stderr.readline()
            process.kill()
        assert ("Nobody may log in yet" in said) == (not granted)
        subprocess.run([*PROGRAM, "--archive", str(folder), "access", "add", "ed", "--role", "reader"], check=True)


def test_no_answer_waits_for_its_reader_to_acknowledge_the_first_part(tmp_path: Path) -> None:
    """Nagle's algorithm holds back the second part of an answer until then, which takes 40 ms."""
    delays = list[bool]()
    accept = socket.socket.accept

    def noted(listener: socket.socket) -> Any:
        connection, address = accept(listener)
        delays.append(connection.proto != socket.IPPROTO_TCP)  # asyncio switches it off for TCP by name only
        return connection, address

    with pytest.MonkeyPatch.context() as patch, page_of(kept(tmp_path / "archive", record("c", NOW, "hello"))) as url:
        patch.setattr(socket.socket, "accept", noted)
        assert httpx.get(url).status_code == 200
    assert delays == [False]
