"""Runs a server for as long as the process that started it lives, however that ends: `python guard.py PLAN`.

Standard input is a pipe whose other end that process alone holds. A line on it is the number of a signal for the server
and all its children. At the end of input, which also SIGKILL brings about, they are killed, a last command is run and
the server's folder removed. Where the server ends by itself, so does the guard, and the folder stays for another start.

The plan, in JSON: `command` and `user` (a number, or null for the same) of the server, or null where there is none to
start; `last`, the last command; `folder`. Not covered: that this guard itself is killed, and what a server puts into a
session of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import Any

_PATIENCE_S = 20.0


def main(plan: dict[str, Any]) -> None:
    is_ending = threading.Event()
    server = _start(plan["command"], plan["user"], is_ending) if plan["command"] else None
    for line in sys.stdin.buffer:
        _signal(server, int(line))
    is_ending.set()
    _signal(server, signal.SIGKILL)
    _wait_for_all(server)
    if plan["last"]:
        subprocess.run(plan["last"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
    if plan["folder"]:
        shutil.rmtree(plan["folder"], ignore_errors=True)


def _start(command: list[str], user: int | None, is_ending: threading.Event) -> subprocess.Popen[bytes]:
    identity: dict[str, Any] = {} if user is None else {"user": user, "group": user, "extra_groups": []}
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, **identity)

    def end_with_it() -> None:
        code = server.wait()
        if not is_ending.is_set():
            os._exit(code if code >= 0 else 128 - code)

    threading.Thread(target=end_with_it, daemon=True).start()
    return server


def _signal(server: subprocess.Popen[bytes] | None, number: int) -> None:
    with suppress(ProcessLookupError):
        if server:
            os.killpg(server.pid, number)


def _wait_for_all(server: subprocess.Popen[bytes] | None) -> None:
    """Until nobody of the server's group is left who could write into its folder."""
    end = time.monotonic() + _PATIENCE_S
    with suppress(ProcessLookupError):
        while server and time.monotonic() < end:
            os.killpg(server.pid, 0)
            time.sleep(0.05)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
