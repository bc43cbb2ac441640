"""Reads loosely typed records: any field may be absent or of another type than documented. Pure and total."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any

from archiver.jsontext import decode, read_envelope, split_array, split_object
from archiver.model import from_ms

NULL_LIKES = frozenset(("", "undefined", "null", "-1", "NA"))


def items(record: Any, name: str) -> list[dict[str, Any]]:
    """The objects of a list section; empty if the section is absent or something else."""
    value = record.get(name) if isinstance(record, dict) else None
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


@dataclass(frozen=True, slots=True)
class Peek:
    """What ingest needs of a raw record: its `info`, and how many messages it has."""

    info: dict[str, Any]
    message_count: int


def peek(raw: bytes) -> Peek:
    """The members of a raw record that ingest needs, without decoding its messages. Raises ValueError."""
    envelope = read_envelope(raw)
    if envelope:
        return Peek(envelope.info or {}, len(envelope.messageRecords or ()))
    members = split_object(raw)
    info = section({"info": decode(members["info"])}, "info") if "info" in members else {}
    return Peek(info, _count_elements(members.get("messageRecords", b"")))


def _count_elements(raw: bytes) -> int:
    """How many elements a JSON list has; 0 if it is none."""
    try:
        return len(split_array(raw))
    except ValueError:
        return 0


def section(record: Any, name: str) -> dict[str, Any]:
    """An object section; empty if it is absent or something else."""
    value = record.get(name) if isinstance(record, dict) else None
    return value if isinstance(value, dict) else {}


def text_of(value: Any) -> str | None:
    """A metadata value as text; None for LivePerson's placeholders ("undefined", "null", -1)."""
    if type(value) is not str:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return None
        value = str(value)
    return None if value in NULL_LIKES else value


def number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        parsed = float(value)
    except (ValueError, OverflowError):
        return None
    return parsed if isfinite(parsed) else None


def integer(value: Any) -> int | None:
    if type(value) is int:
        return value
    whole = number(value)
    return None if whole is None else int(whole)


def is_true(value: Any) -> bool:
    """A flag, which may be written as text."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def moment(source: dict[str, Any], name: str) -> datetime | None:
    """A time given as a pair `xL` (epoch milliseconds, preferred) and `x` (a string, UTC)."""
    ms = integer(source.get(f"{name}L"))
    try:
        if ms is not None and ms > 0:
            return from_ms(ms)
        text = source.get(name)
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f%z") if isinstance(text, str) else None
    except (ValueError, OverflowError):
        return None


Scalar = str | int | float | bool


def leaves(path: str, value: Any, without: Set[str] = frozenset()) -> list[tuple[str, Scalar]]:
    """All values below one, with their paths; the elements of a list share its path. Names in `without` are left out.

    A name nested directly in itself counts once: six SDE types wrap their data so (Engagement Attributes, type list).
    """
    pairs: list[tuple[str, Scalar]] = []
    _collect(path, value, without, pairs)
    return pairs


def _collect(path: str, value: Any, without: Set[str], pairs: list[tuple[str, Scalar]]) -> None:
    if isinstance(value, str | int | float):
        pairs.append((path, value))
    elif isinstance(value, dict):
        last = path.rsplit(".", 1)[-1]
        for name, item in value.items():
            if name not in without:
                _collect(path if name == last else f"{path}.{name}", item, without, pairs)
    elif isinstance(value, list):
        for item in value:
            _collect(path, item, without, pairs)


def unread(record: dict[str, Any], known: Set[str]) -> tuple[tuple[str, Scalar], ...]:
    """The members of a record whose names this program does not know."""
    if record.keys() <= known:
        return ()
    return tuple(pair for name in sorted(record.keys() - known) for pair in leaves(name, record[name]))


def unique(values: Iterable[str | None]) -> tuple[str, ...]:
    """The values that are neither None nor empty, once each, in order."""
    return tuple(dict.fromkeys(value for value in values if value))
