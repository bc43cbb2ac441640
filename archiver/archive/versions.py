"""What a read of a conversation says against the one that was current: whether it takes its place. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any

from archiver.archive.chain import stable
from archiver.jsontext import canonical, decode
from archiver.rawrecord import items, moment, section, text_of

_SDES = ("sdes", "unAuthSdes")
_ERASED = "LP deleted data"  # Personal Data Deletion API: "** LP deleted data **"
_MASK = re.compile("[*#•]{2,}|X{3,}|x{3,}")
_TIMES = {
    "messageRecords": ("time",), "transfers": ("time",), "agentParticipants": ("time",),
    "interactions": ("interactionTime",), "dialogs": ("startTime", "endTime"),
}  # fmt: skip


class Change(StrEnum):
    """What a read is, against the current version."""

    FIRST = "first"
    SAME = "same"
    NEWER = "newer"
    MASKING = "masking"  # some text is covered with mask characters
    ERASURE = "erasure"  # some of it was deleted at LivePerson
    LESS_DETAIL = "shallower"  # says nothing else, and leaves out SDEs or thumbnails, or is cut short
    STALE = "stale"  # its latest moment is earlier, or it shows what was covered or deleted
    FEWER_MESSAGES = "fewer"  # messages are missing

    @property
    def is_current(self) -> bool:
        """Whether the read takes the place of the one it was compared with."""
        return self in (Change.FIRST, Change.SAME, Change.NEWER, Change.MASKING, Change.ERASURE)


def compare(new: bytes, old: bytes) -> Change:
    """What a read says against the current version. Neither order nor blanks count, nor what always moves."""
    if stable(new) == stable(old):
        return Change.SAME
    try:
        records = decode(new), decode(old)
    except ValueError:
        return Change.NEWER
    if not all(isinstance(record, dict) for record in records):
        return Change.NEWER
    return _compare(*records)


def _compare(new: dict[str, Any], old: dict[str, Any]) -> Change:
    if _is_shallower(new, old):
        return Change.LESS_DETAIL
    said, had = _said(new), _said(old)
    if had.keys() - said.keys():
        is_cut = section(new, "info").get("isPartial") and not section(old, "info").get("isPartial")
        return Change.LESS_DETAIL if is_cut else Change.FEWER_MESSAGES
    both = [(said[key], had[key]) for key in had]
    marked = [(_marks(now), _marks(before)) for now, before in [*both, (_about(new), _about(old))]]
    texts = [pair for pairs in both for pair in _pairs(*pairs)]
    if any(now > before for now, before in marked):
        return Change.ERASURE
    if any(_is_masked(now, before) for now, before in texts):
        return Change.MASKING
    is_uncovered = any(_is_masked(before, now) for now, before in texts) or any(now < before for now, before in marked)
    return Change.STALE if is_uncovered or _is_earlier(new, old) else Change.NEWER


# ── less of the same ──


def _is_shallower(new: dict[str, Any], old: dict[str, Any]) -> bool:
    """A search gives only some SDEs and no thumbnail (Get Conversation by Conversation ID): looking at a conversation
    by a search after it was looked up by its id must not make the archive forget what it knew.
    """
    some, all_ = (Counter(_extras(record)) for record in (new, old))  # equal SDEs come more than once
    return some < all_ and canonical(_bare(new)) == canonical(_bare(old))


def _extras(record: dict[str, Any]) -> Iterator[bytes]:
    """What a search may leave out, piece by piece."""
    for name in _SDES:
        yield from (canonical([name, event]) for event in items(section(record, name), "events"))
    for message in items(record, "messageRecords"):
        preview = section(section(message, "messageData"), "file").get("preview")
        if preview is not None:
            yield canonical(["preview", message.get("messageId"), preview])


def _bare(record: dict[str, Any]) -> dict[str, Any]:
    """The record without all that."""
    bare = {name: value for name, value in record.items() if name not in _SDES}
    if isinstance(record.get("info"), dict):
        bare["info"] = {name: value for name, value in record["info"].items() if name != "isPartial"}
    messages = record.get("messageRecords")
    if isinstance(messages, list):
        bare["messageRecords"] = [_without_preview(message) for message in messages]
    return bare


def _without_preview(message: Any) -> Any:
    data = section(message, "messageData")
    file = section(data, "file")
    if "preview" not in file:
        return message
    bare = {name: value for name, value in file.items() if name != "preview"}
    return {**message, "messageData": {**data, "file": bare}}


# ── masking and erasure ──


def _said(record: dict[str, Any]) -> dict[str, list[tuple[str, Any]]]:
    """The values in each message, by what names the message."""
    return {
        _name(message): list(_leaves("", message.get("messageData"))) for message in items(record, "messageRecords")
    }


def _name(message: dict[str, Any]) -> str:
    return text_of(message.get("messageId")) or f"{message.get('dialogId')} {message.get('seq')} {message.get('timeL')}"


def _about(record: dict[str, Any]) -> list[tuple[str, Any]]:
    """The values outside of messages."""
    return list(_leaves("", {name: value for name, value in record.items() if name != "messageRecords"}))


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """All values below one, each with a place of its own."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _leaves(f"{path}.{name}", item)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _leaves(f"{path}.{number}", item)
    else:
        yield path, value


def _marks(values: list[tuple[str, Any]]) -> int:
    return sum(_ERASED in value for _, value in values if isinstance(value, str))


def _pairs(now: list[tuple[str, Any]], before: list[tuple[str, Any]]) -> Iterator[tuple[str, str]]:
    """Texts at the same place of a message."""
    was = dict(before)
    for path, value in now:
        if isinstance(value, str) and isinstance(was.get(path), str):
            yield value, was[path]


def _is_masked(now: str, before: str) -> bool:
    """Whether the one text is the other with parts of it covered."""
    kept = _MASK.split(now)
    if now == before or len(kept) == 1 or _covered(now) <= _covered(before):
        return False
    first, *between, last = kept
    if not before.startswith(first) or not before.endswith(last):
        return False
    at, end = len(first), len(before) - len(last)
    for part in between:
        found = before.find(part, at + 1, end)
        if found < 0:
            return False
        at = found + len(part)
    return at < end


def _covered(text: str) -> int:
    return sum(len(run) for run in _MASK.findall(text))


# ── time ──


def _is_earlier(new: dict[str, Any], old: dict[str, Any]) -> bool:
    now, before = latest_moment(new), latest_moment(old)
    return bool(now and before and now < before)


def latest_moment(record: dict[str, Any]) -> datetime | None:
    """The latest moment in a record: of messages, transfers, dialogs, people joining, and of its end."""
    info = section(record, "info")
    found = [moment(info, name) for name in ("startTime", "endTime", "conversationEndTime", "fullDialogEndTime")]
    for name, times in _TIMES.items():
        found += [moment(item, time) for item in items(record, name) for time in times]
    return max((at for at in found if at), default=None)
