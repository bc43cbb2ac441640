"""Servers that tests start end with the tests, however those end."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import TOP
from tests.nodes import guarded

# A process of tests. It starts a guarded server with a child, both of which keep writing into the server's folder, and
# says when they run. Everybody holds the same standard output: its end is the end of all of them.
TESTS = """
import sys
from pathlib import Path
from tests.nodes import guarded

folder, last = Path(sys.argv[1]), sys.argv[2:]
work = "import itertools, pathlib, sys\\nfor at in itertools.count(): pathlib.Path(sys.argv[1], str(at % 9)).touch()"
child = f"exec '{sys.executable}' -c '{work}' {folder}"
server = f"{{ {child}; }} & echo running; {child}"
guard = guarded(["sh", "-c", server], folder=folder, last=last)
for line in sys.stdin.buffer:
    guard.stdin.write(line)
    guard.stdin.flush()
print("ended with", guard.wait(), flush=True)
"""


@contextmanager
def running(folder: Path, *last: str) -> Iterator[subprocess.Popen[bytes]]:
    folder.mkdir()
    command = [sys.executable, "-c", TESTS, str(folder), *last]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=TOP) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"running\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_server_its_children_and_its_folder_are_gone_once_the_tests_are(tmp_path: Path, how: signal.Signals) -> None:
    with running(tmp_path / "server", "touch", str(tmp_path / "last")) as process:
        process.send_signal(how)
        assert process.stdout is not None
        process.stdout.read()  # until nobody is left who holds it
    assert sorted(path.name for path in tmp_path.iterdir()) == ["last"]


def test_a_server_that_is_stopped_by_the_tests_ends_whole_and_its_folder_stays_for_another_start(
    tmp_path: Path,
) -> None:
    with running(tmp_path / "server") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"%d\n" % signal.SIGTERM)
        process.stdin.close()
        assert process.stdout.read() == b"ended with %d\n" % (128 + signal.SIGTERM)
    assert (tmp_path / "server").is_dir()


def test_what_is_no_child_of_the_guard_is_ended_by_a_last_command(tmp_path: Path) -> None:
    guard = guarded(None, last=["touch", str(tmp_path / "last")])
    assert not (tmp_path / "last").exists()
    guard.communicate()
    assert guard.returncode == 0
    assert (tmp_path / "last").exists()
