"""Reads SDEs, which other products call engagement attributes. Pure and total."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archiver.model import Sde
from archiver.rawrecord import integer, items, leaves, moment, section, text_of


def sdes(record: dict[str, Any], conversation_id: str) -> Iterator[Sde]:
    seen: set[Sde] = set()
    for name, authenticated in (("sdes", True), ("unAuthSdes", False)):
        for item in _events(record, name):
            sde = _sde(item, conversation_id, authenticated)
            if sde not in seen:  # the API repeats events
                seen.add(sde)
                yield sde


def _events(record: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The events of a section, which stand in its `events` or are the section itself."""
    return items(section(record, name), "events") or [item for item in items(record, name) if "events" not in item]


_SDE_FRAME = frozenset(("sdeType", "serverTimeStamp", "originalTimeStamp", "isAuthenticated"))


def _sde(item: dict[str, Any], conversation_id: str, authenticated: bool) -> Sde:
    stamp = integer(item.get("serverTimeStamp"))
    return Sde(
        conversation_id=conversation_id,
        type=text_of(item.get("sdeType")) or "UNKNOWN",
        at=moment({"tL": stamp}, "t"),
        is_authenticated=authenticated and item.get("isAuthenticated") is not False,
        values=tuple(
            pair for name, value in item.items() if name not in _SDE_FRAME for pair in leaves(name, value, _SDE_FRAME)
        ),
    )
