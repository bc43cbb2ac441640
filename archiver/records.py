"""Reading loosely typed records: any field may be absent, a string for a number, or else. Pure and total."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from math import isfinite
from typing import Any

from archiver.model import from_ms

NULL_LIKES = frozenset(("", "undefined", "null", "-1", "NA"))


def items(record: Any, name: str) -> list[dict[str, Any]]:
    """The objects of a list section; empty if the section is absent or something else."""
    found = record.get(name) if isinstance(record, dict) else None
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def section(record: Any, name: str) -> dict[str, Any]:
    """An object section; empty if it is absent or something else."""
    found = record.get(name) if isinstance(record, dict) else None
    return found if isinstance(found, dict) else {}


def text_of(value: Any) -> str | None:
    """A metadata value as text; None for LivePerson's ways of saying nothing ("undefined", "null", -1)."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value)
    return None if text in NULL_LIKES else text


def number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if isfinite(found) else None


def integer(value: Any) -> int | None:
    found = number(value)
    return None if found is None else int(found)


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


def unique(values: Iterable[str | None]) -> tuple[str, ...]:
    """The values that say something, once each, in order."""
    return tuple(dict.fromkeys(value for value in values if value))
