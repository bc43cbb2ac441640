"""Files that others must not read."""

from __future__ import annotations

from pathlib import Path

import pytest

from archiver.private import close_to_others, open_to_others


def test_a_file_that_vanishes_meanwhile_hinders_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, vanished = tmp_path / "kept", tmp_path / "vanished"
    kept.touch()
    kept.chmod(0o644)
    tmp_path.chmod(0o755)
    monkeypatch.setattr(Path, "iterdir", lambda folder: iter([vanished, kept]))
    monkeypatch.setattr(Path, "rglob", lambda folder, pattern: iter([vanished, kept]))
    assert open_to_others(tmp_path) == [kept]
    close_to_others(tmp_path)
    assert kept.stat().st_mode & 0o777 == 0o600
