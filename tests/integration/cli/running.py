"""Runs a command in this process."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from archiver.cli.root import root
from archiver.errors import ArchiverError


def run(folder: Path, *words: str, given: str | None = None) -> Result:
    """What a command on an archive prints. Its errors are in `exception`; a fault of the program fails the test."""
    ran = CliRunner().invoke(root, ["--archive", str(folder), *words], input=given)
    assert ran.exception is None or isinstance(ran.exception, SystemExit | ArchiverError), ran.exception
    return ran
