"""The service as a process, with a simulated account, for tests that break something."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests import schemas

# The program with retries of a disk within a moment instead of minutes.
_IMPATIENT = """
from archiver.cli import main
from archiver.service import waiting
waiting.HARMLESS = waiting._policy(0.3)
main()
"""


@contextmanager
def simulated() -> Iterator[dict[str, str]]:
    """The environment of an account on a port of this machine."""
    command = [sys.executable, "-m", "archiver", "simulate"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        told = schemas.checked(process.stdout.readline())
        yield {
            "ARCHIVER_ACCOUNT": told["account"], "ARCHIVER_DOMAIN_URL": told["domain_url"],
            "ARCHIVER_CLIENT_ID": told["client_id"], "ARCHIVER_CLIENT_SECRET": told["client_secret"],
        }  # fmt: skip
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


@contextmanager
def following(
    account: dict[str, str], folder: Path | None, *words: str, is_impatient: bool = False, **changes: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The service, and where its health is. Of what it says, nobody reads more than fits into a pipe."""
    start = ["-c", _IMPATIENT] if is_impatient else ["-m", "archiver"]
    command = [sys.executable, *start, "--log-format", "json", "harvest", "--follow", "--every", "1s"]
    command += ["--from", "40d", "--listen", "127.0.0.1:0", *words]
    place = {"ARCHIVER_ARCHIVE": str(folder)} if folder else {}
    environment = {**os.environ, **account, **place, **changes}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        line = ""
        while "Health and metrics" not in line:
            line = process.stderr.readline()
            assert line, process.wait(5)
        yield process, json.loads(line)["message"].split()[3].removesuffix("/health/harvest")
    finally:
        process.kill()
        process.communicate()


def get(url: str) -> tuple[int, str]:
    """The status and text of an answer."""
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def health(url: str) -> tuple[int, Any]:
    """The status of a service's health, and its only account."""
    status, body = get(f"{url}/health/harvest")
    (account,) = schemas.checked(body)["accounts"]
    return status, account


def until(condition: Callable[[], bool]) -> None:
    """Waits until something is true, for half a minute."""
    for _ in range(300):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("it did not happen within half a minute")
