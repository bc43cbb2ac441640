"""Documents that other processes make."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from archiver.archive import Record
from archiver.errors import StoreError
from archiver.index.elastic.bodies import Body, Names
from archiver.index.elastic.making import Maker, Wanted
from archiver.index.elastic.processes import Processes
from archiver.index.results import Refusal, Version
from archiver.index.versions import Unread
from archiver.transcript import project
from tests.conftest import NOW, record

NAMES = Names("test", 1)


def wanted(count: int) -> list[Wanted]:
    """Records, one of which can't be read, a version and a refusal."""
    raws = [record(f"c{number}", NOW, f"text {number}") for number in range(count)]
    items: list[Wanted] = [
        (Unread(Record(number, f"c{number}", NOW.isoformat(), True, raw, number)), number % 7 == 0)
        for number, raw in enumerate(raws)
    ]
    items[3] = (Unread(Record(3, "c3", NOW.isoformat(), True, b"no record", 3)), False)
    items[5] = (Version(5, project(raws[5])), False)
    items[8] = (Refusal(8, "c8", "unreadable"), False)
    return items


def test_other_processes_make_the_same_documents_in_the_same_order() -> None:
    with Maker() as alone, Processes(2) as together:
        expected = list(alone.make(wanted(200), NAMES))
        assert list(together.make(wanted(200), NAMES)) == expected
        assert [type(made) for made in expected[:9]] == [Body, Body, Body, Refusal, Body, Body, Body, Body, Refusal]
        assert [made.conversation_id for made in expected] == [f"c{number}" for number in range(200)]
        assert list(together.make([], NAMES)) == []


def test_a_process_that_was_killed_is_an_error_with_what_to_do() -> None:
    with Processes(2) as makers:
        assert len(list(makers.make(wanted(60), NAMES))) == 60
        assert makers._pool
        os.kill(next(iter(makers._pool._processes)), signal.SIGKILL)
        with pytest.raises(StoreError) as caught:
            list(makers.make(wanted(2_000), NAMES))
    assert "index_workers = 1" in str(caught.value.hint)


_GIVER = """
import sys, time
from archiver.index.elastic.processes import Processes
from tests.integration.index.test_making import NAMES, wanted
if __name__ == "__main__":
    with Processes(2) as makers:
        assert len(list(makers.make(wanted(60), NAMES))) == 60
        print(*makers._pool._processes, flush=True)
        time.sleep(60)
"""


def test_processes_end_when_the_one_that_gives_the_work_is_killed(tmp_path: Path) -> None:
    script = f"{tmp_path}/giver.py"
    with open(script, "w", encoding="utf-8") as file:
        file.write(_GIVER)
    there = {**os.environ, "PYTHONPATH": os.getcwd()}
    giver = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True, env=there)
    assert giver.stdout
    makers = [int(pid) for pid in giver.stdout.readline().split()]
    assert makers
    giver.kill()
    giver.wait()
    giver.stdout.close()
    until = time.monotonic() + 20
    while any(map(_is_alive, makers)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(_is_alive, makers))


def _is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


_UNGUARDED = """
from archiver.index.elastic.processes import Processes
from tests.integration.index.test_making import NAMES, wanted
print("run")
with Processes(2) as makers:
    print(len(list(makers.make(wanted(60), NAMES))))
"""


def test_a_script_is_not_run_again_by_the_processes_that_it_starts(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(_UNGUARDED, encoding="utf-8")
    there = {**os.environ, "PYTHONPATH": os.getcwd()}
    for arguments, given in (([str(tmp_path / "script.py")], ""), (["-"], _UNGUARDED)):
        command = [sys.executable, *arguments]
        ran = subprocess.run(command, check=True, input=given, capture_output=True, text=True, env=there)
        assert (ran.stdout.split(), ran.stderr.count("Traceback")) == (["run", "60"], 0), ran.stderr
