"""Reads an index that this process may not write, such as that of a backup or of another user."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from archiver.errors import StoreDenied

_META_FILE = "meta.json"  # names the segments that belong together


def may_write(folder: Path) -> bool:
    """Whether this process may write a folder, or make it where there is none."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return os.access(there, os.W_OK, effective_ids=True)


def denied(folder: Path) -> StoreDenied:
    """The error for what needs writing."""
    return StoreDenied(
        f"the search index {folder} is read-only for this user",
        hint="Copy the archive's folder to where you may write, and name the copy with --archive; or name another index"
        " with --store.",
    )


class ReadOnlyCopy:
    """A temporary folder with links to an index's files: tantivy makes a lock beside them, also for reading."""

    def __init__(self, source: Path) -> None:
        self._made = tempfile.TemporaryDirectory(prefix="archiver-index-")
        self.folder = Path(self._made.name)
        shutil.copyfile(source / _META_FILE, self.folder / _META_FILE)  # stays as it is while another process writes
        for path in source.iterdir():
            if path.name != _META_FILE and path.suffix != ".lock":
                (self.folder / path.name).symlink_to(path.absolute())

    def close(self) -> None:
        """Removes the links; the index stays."""
        self._made.cleanup()
