"""The Python API, as docs/python.md shows it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas
import pytest

import archiver
from archiver.errors import ConfigError, NotFound, QueryError
from tests.conftest import TOP

PAGE = (TOP / "docs/python.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.+?)```", PAGE, re.DOTALL)


def test_every_block_of_the_page_runs_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in BLOCKS:
        exec(compile(block, "docs/python.md", "exec"), names)  # the page is ours
    output = capsys.readouterr().out
    assert len(BLOCKS) >= 7
    assert "conversations=240" in output
    assert "Did you mean skill:?" in output
    assert isinstance(names["messages"], pandas.DataFrame)
    assert set(names["messages"]["role"]) == {"customer", "agent", "bot"}


def test_a_notebook_harvests_searches_reads_counts_and_verifies_in_ten_lines() -> None:
    lines = [line for line in BLOCKS[0].splitlines() if line and not line.startswith("import")]
    assert len(lines) <= 10


def test_importing_the_package_loads_nothing_else() -> None:
    script = "import archiver, sys; print([name for name in sys.modules if name.startswith('archiver.')])"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"


def test_every_public_name_is_there_and_no_other() -> None:
    assert all(getattr(archiver, name) is not None for name in archiver.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = archiver.nothing


def test_a_misspelt_keyword_is_answered_with_the_nearest_setting() -> None:
    with pytest.raises(ConfigError) as caught:
        archiver.open("somewhere", clientid="x")
    assert "client_id" in str(caught.value.hint)


def test_nothing_is_made_before_it_is_needed(tmp_path: Path) -> None:
    with archiver.open(tmp_path / "archive") as archive:
        with pytest.raises(ConfigError, match="does not exist"):
            archive.search("x")
        with pytest.raises(QueryError):
            archive.search("(")
    assert list(tmp_path.iterdir()) == []


def test_an_archive_can_be_used_again_after_it_was_closed(tmp_path: Path) -> None:
    with archiver.simulate() as account, archiver.open(tmp_path / "archive", **account.settings) as archive:
        archive.harvest("10d")
        total = archive.search("").total
        archive.close()
        assert archive.search("").total == total > 0
        with pytest.raises(NotFound):
            archive.transcript("nobody")
