"""Conversations of a simulated account from a file of raw records."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from archiver.errors import ConfigError
from archiver.jsontext import decode
from archiver.plaintext import utf8_lines
from archiver.simulator.world import World, at_anchor


def load(path: Path, world: World, anchor: datetime) -> World:
    """A world with the records of a data file, and their account. Raises ConfigError for a file without records."""
    try:
        world.fill(at_anchor(_lines(path), anchor))
        first = decode(world.stored[0].at(anchor).raw)
        world.account = str(first["info"]["brandId"])
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ConfigError(f"{path} holds no conversation records: {error or type(error).__name__}") from None
    return world


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield from utf8_lines(file)
    except (OSError, EOFError) as error:
        raise ConfigError(f"{path} cannot be read: {error}", hint="It must be JSON lines, plain or .gz.") from error
