"""Whatever write a harvest is killed at, what is left is whole, and the same command ends like an undisturbed one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path


def test_killed_before_or_after_any_write_it_ends_like_an_undisturbed_harvest(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    command = [sys.executable, "-m", "tests.crashes", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    record_property("injected", int(done.stdout))
    assert int(done.stdout) > 200
