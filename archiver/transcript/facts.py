"""Values of a record by their path, for those that have no field of their own. Pure and total."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from typing import Any

from archiver.rawrecord import Scalar, items, leaves

# Sections that are read as texts, SDEs and people, or repeat others for each step of a conversation.
_ELSEWHERE = frozenset(
    (
        "messageRecords", "messageStatuses", "messageScores", "sdes", "unAuthSdes", "summary", "interactions",
        "agentParticipants", "agentParticipantsLeave", "agentParticipantsActive", "consumerParticipants", "campaign",
        "monitoring", "pageView",
    )
)  # fmt: skip
# Single members of these.
_SINGLE = (("messageRecords", "type"), ("agentParticipants", "agentGroupId"), ("agentParticipants", "permission"))
# What differs from conversation to conversation and is found elsewhere: times by dates, ids by words.
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[0-9.:Z+-]*")
_SHORTEST_TIME = len("2026-01-31T00:00:00")
_LONG_ID = re.compile(r"[0-9a-fA-F-]{20,}")
# The times by which LivePerson's search filters and that no field here holds.
_TIMES = ("info.fullDialogEndTimeL", "responseTime.latestEffectiveResponseDueTime")
_FIRST_TIME_MS = 10**11  # 1973


def facts(record: dict[str, Any], known: Set[str]) -> tuple[tuple[str, Scalar], ...]:
    """Each value once as (path, value), such as ("info.latestQueueState", "ACTIVE"), but known members of `info`."""
    return tuple(dict.fromkeys(pair for pair in _leaves(record, known) if _is_fact(*pair)))


def _leaves(record: dict[str, Any], known: Set[str]) -> Iterator[tuple[str, Scalar]]:
    for name, content in record.items():
        if name not in _ELSEWHERE:
            yield from leaves(name, content, known if name == "info" else frozenset())
    for name, member in _SINGLE:
        for item in items(record, name):
            yield from leaves(f"{name}.{member}", item.get(member))


def _is_fact(path: str, value: Scalar) -> bool:
    if path in _TIMES:
        return True
    if isinstance(value, str):
        if len(value) < _SHORTEST_TIME:
            return value not in ("", "undefined")
        return not _TIME.fullmatch(value) and not _LONG_ID.fullmatch(value)
    return isinstance(value, bool) or abs(value) < _FIRST_TIME_MS
