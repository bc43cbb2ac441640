"""Reads loosely typed records: any field may be absent or of another type than documented. Pure and total.

An object where a list is documented is read as a list of one, and the other way round. One whose members are objects
under names that are none of LivePerson's fields (numbers, ids) is read as the list of these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence, Set
from contextlib import suppress
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from archiver.jsontext import decode, read_envelope
from archiver.model import from_ms
from archiver.value import Value

_NO_NAMES = frozenset(("", "undefined"))
_NO_CODES = frozenset((*_NO_NAMES, "null", "-1", "NA"))
_FIELD = re.compile(r"[a-z][A-Za-z]*")
_INTEGERS = range(-(2**63), 2**63)  # what every index can hold


def items(record: Any, name: str) -> list[dict[str, Any]]:
    """The objects of a list section; empty if the section is absent or something else."""
    value = record.get(name) if isinstance(record, dict) else None
    return [item for item in listed(value) if item and isinstance(item, dict)]


def listed(value: Any) -> Sequence[Any]:
    """The elements of a list or table and of the lists within it; any other value is one element."""
    if isinstance(value, list):
        for item in value:
            if not _is_element(item):
                return [element for item in value for element in listed(item)]
        return value
    if _is_table(value):
        return tuple(value.values())
    return () if value is None else (value,)


def _is_element(item: Any) -> bool:
    if type(item) is dict:
        for value in item.values():  # the first one tells of most objects that they are no table
            return type(value) is not dict or not _is_table(item)
    return item is not None and not isinstance(item, list)


def _is_table(value: Any) -> bool:
    """Whether a value is an object whose members are the elements of a list, under their numbers or ids."""
    if not isinstance(value, dict) or not isinstance(next(iter(value.values()), None), dict):
        return False
    return all(isinstance(item, dict) and not _FIELD.fullmatch(name) for name, item in value.items())


class Peek(Value):
    """What ingest needs of a raw record: its `info`, and how many messages it has."""

    info: dict[str, Any]
    message_count: int


def peek(raw: bytes) -> Peek:
    """The members of a raw record that ingest needs; its messages are decoded only if it is not quite JSON. Raises
    ValueError.
    """
    envelope = read_envelope(raw)
    if envelope:
        return Peek(envelope.info or {}, len(envelope.messageRecords or ()))
    record = decode(raw)
    messages = record.get("messageRecords") if isinstance(record, dict) else None
    return Peek(section(record, "info"), sum(1 for _ in listed(messages)))


def peek_if_readable(raw: bytes) -> Peek:
    """The same; of a record that can't be decoded, no members and no messages."""
    try:
        return peek(raw)
    except ValueError:
        return Peek({}, 0)


def section(record: Any, name: str) -> dict[str, Any]:
    """An object section; empty if it is absent or something else."""
    value = record.get(name) if isinstance(record, dict) else None
    if isinstance(value, list):
        value = next((item for item in value if isinstance(item, dict)), None)
    return value if isinstance(value, dict) else {}


def text_of(value: Any) -> str | None:
    """A code, an id or an address as text; None for LivePerson's placeholders ("undefined", "null", "NA", -1)."""
    if type(value) is str:
        return None if value in _NO_CODES else value
    return _text(value, _NO_CODES)


def name_of(value: Any) -> str | None:
    """A name that people gave, as text: "NA" and "null" are names, too. None for the placeholder "undefined"."""
    return _text(value, _NO_NAMES)


def _text(value: Any, placeholders: frozenset[str]) -> str | None:
    if type(value) is not str:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return None
        value = as_text(value)
    return None if value in placeholders else value


def number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        parsed = float(value)
    except (ValueError, OverflowError):
        return None
    return parsed if isfinite(parsed) else None


def integer(value: Any) -> int | None:
    """A whole number of at most 64 bits, which may be written as text."""
    whole = value if type(value) is int else number(value)
    return int(whole) if whole is not None and int(whole) in _INTEGERS else None


def is_true(value: Any) -> bool:
    """A flag, which may be written as text."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def moment(source: dict[str, Any], name: str) -> datetime | None:
    """A time given as a pair `xL` (epoch milliseconds, preferred) and `x` (a string with or without offset), in UTC."""
    ms = source.get(f"{name}L")
    if type(ms) is not int:
        ms = integer(ms)
    if ms is not None and ms > 0:
        with suppress(OverflowError):
            return from_ms(ms)
    text = source.get(name)
    return _written(text.strip()) if isinstance(text, str) else None


def _written(text: str) -> datetime | None:
    """A time in any form of ISO 8601, as LivePerson's 2026-03-31 14:05:00.000+0000; without an offset it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


Scalar = str | int | float | bool
_SCALARS = frozenset((str, int, float, bool))


def as_text(value: Scalar) -> str:
    """A value as people would write it: true, 12, 12.5."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def written(value: Any) -> str | None:
    """What people wrote into a field, whatever its type; the values of a list or an object are joined by commas."""
    return ", ".join(as_text(item) for _, item in leaves("", value) if item != "") or None


def leaves(path: str, value: Any, without: Set[str] = frozenset()) -> list[tuple[str, Scalar]]:
    """All values below one, with their paths; the elements of a list share its path. Names in `without` are left out.

    A name nested directly in itself counts once: six SDE types wrap their data so (Engagement Attributes, type list).
    """
    pairs: list[tuple[str, Scalar]] = []
    _collect(path, value, without, pairs)
    return pairs


def _collect(path: str, value: Any, without: Set[str], pairs: list[tuple[str, Scalar]]) -> None:
    kind = type(value)
    if kind in _SCALARS:
        pairs.append((path, value))
    elif kind is dict:
        last = path.rpartition(".")[2]
        for name, item in value.items():
            if name not in without:
                _collect(path if name == last else f"{path}.{name}", item, without, pairs)
    elif kind is list:
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
