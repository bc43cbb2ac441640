"""Reads what bots and programs noted. Pure and total."""

from __future__ import annotations

from typing import Any

from archiver.jsontext import decode
from archiver.rawrecord import Scalar, leaves

_RAW_METADATA = "rawMetadata"


def context_of(data: Any) -> tuple[tuple[str, Scalar], ...]:
    """What bots and programs noted about a message, or about whoever took part. `rawMetadata` is JSON inside a text,
    which may be broken (Messaging Interactions API, Conversations).
    """
    if not isinstance(data, dict):
        return tuple(leaves("", data)) if data is not None else ()
    content = {name: _inner(value) if name == _RAW_METADATA else value for name, value in data.items()}
    return tuple(dict.fromkeys(pair for name, value in content.items() for pair in leaves(name, value)))


def _inner(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return decode(value)
    except ValueError:
        return value
