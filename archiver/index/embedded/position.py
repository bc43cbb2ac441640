"""The file beside the embedded index that says up to where it is applied and what it refused."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from archiver.index.embedded.read_only import denied, may_write
from archiver.index.results import Position, Refusal
from archiver.jsontext import decode, encode
from archiver.private import close_to_others, make_private_file

POSITION_FILE = "applied.json"


class PositionFile:
    """Written after each commit: after a crash in between, the last batch is applied again, which changes nothing."""

    def __init__(self, folder: Path, archive_id: str) -> None:
        self._path = folder / POSITION_FILE
        self._archive_id = archive_id

    def read(self) -> Position:
        """The stored position; the default if there is none, or one of another archive, or a damaged one."""
        stored = self._stored()
        return Position(stored.get("applied", 0), stored.get("link", ""))

    def refused(self) -> tuple[Refusal, ...]:
        return tuple(Refusal(**item) for item in self._stored().get("refused", ()))

    def is_damaged(self) -> bool:
        """Whether there is a file that can't be used."""
        return self._path.is_file() and not self._stored()

    def write(self, position: Position, refused: Sequence[Refusal]) -> None:
        """Replaces the file at once and durably. Raises StoreDenied if it may not be written."""
        content = {"applied": position.seq, "link": position.link, "archive": self._archive_id, "refused": refused}
        folder = self._path.parent
        if not may_write(folder.parent):
            raise denied(folder.parent)
        close_to_others(folder)
        fresh = self._path.with_name(f"{POSITION_FILE}.new")
        make_private_file(fresh, is_new=True)
        with fresh.open("wb") as file:
            file.write(encode({**content, "digest": _digest(content)}))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)

    def _stored(self) -> dict[str, Any]:
        try:
            stored = decode(self._path.read_bytes())
            digest = stored.pop("digest")
            is_ours = stored["archive"] == self._archive_id and digest == _digest(stored)
            return dict(stored) if is_ours else {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}


def _digest(content: dict[str, Any]) -> str:
    return hashlib.blake2b(encode(content), digest_size=16).hexdigest()
