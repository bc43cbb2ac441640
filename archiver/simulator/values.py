"""Reads values of the simulator's own records and of what clients send. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def items(record: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects of a list; empty if there is no such list."""
    value = record.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def section(record: Any, name: str) -> dict[str, Any]:
    """An object inside a record; empty if it is absent."""
    value = record.get(name) if isinstance(record, dict) else None
    return value if isinstance(value, dict) else {}


def number(value: Any) -> float | None:
    """A number, which may be written as text; None for anything else."""
    try:
        return None if value is None or isinstance(value, bool | list | dict) else float(value)
    except ValueError:
        return None


def scalars(value: Any) -> Iterator[Any]:
    """Every text, number and flag inside a value."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from scalars(item)
    elif value is not None:
        yield value
