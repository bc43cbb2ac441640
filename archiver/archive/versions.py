"""How a read of a conversation differs from the current version, and whether it replaces that version. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any

from archiver.archive.chain import stable, without_moving_parts
from archiver.jsontext import canonical, decode
from archiver.model import EPOCH
from archiver.rawrecord import items, moment, section, text_of
from archiver.received import Conversation

_SDES = ("sdes", "unAuthSdes")
_ERASED = "LP deleted data"  # Personal Data Deletion API: "** LP deleted data **"
_MASK = re.compile("[*#•]{2,}|X{3,}|x{3,}")
_TIMES = {
    "messageRecords": ("time",), "transfers": ("time",), "agentParticipants": ("time",),
    "interactions": ("interactionTime",), "dialogs": ("startTime", "endTime"),
}  # fmt: skip


class Change(StrEnum):
    """How a read differs from the current version."""

    FIRST = "first"
    SAME = "same"
    NEWER = "newer"
    MASKING = "masking"  # some text is replaced by mask characters
    ERASURE = "erasure"  # some text was deleted at LivePerson
    LESS_DETAIL = "less detail"  # only lacks SDEs or thumbnails, or is truncated
    STALE = "stale"  # its latest moment is earlier, or it shows text that was masked or deleted since
    FEWER_MESSAGES = "fewer messages"

    @property
    def is_current(self) -> bool:
        """Whether the read replaces the version it was compared with."""
        return self in (Change.FIRST, Change.SAME) or self.replaces

    @property
    def holds_all(self) -> bool:
        """Whether the current version holds everything that the read had: it became current, or had less detail."""
        return self.is_current or self is Change.LESS_DETAIL

    @property
    def replaces(self) -> bool:
        """Whether the read must be the current version, because it shows what changed since."""
        return self in (Change.NEWER, Change.MASKING, Change.ERASURE)


def compare_raw(new: bytes, old: bytes) -> Change:
    """Compares a read with the current version, both as exact bytes. An undecodable one counts as newer."""
    if stable(new) == stable(old):
        return Change.SAME
    try:
        return compare(decode(new), decode(old))
    except ValueError:
        return Change.NEWER


def compare(new: Any, old: Any) -> Change:
    """Compares a decoded read with the decoded current version.

    Order, blanks and members that LivePerson computes at each request do not count.
    """
    if canonical(without_moving_parts(new)) == canonical(without_moving_parts(old)):
        return Change.SAME
    if not isinstance(new, dict) or not isinstance(old, dict):
        return Change.NEWER
    if _has_less_detail(new, old):
        return Change.LESS_DETAIL
    after, before = _values_by_message(new), _values_by_message(old)
    if before.keys() - after.keys():
        is_cut_short = section(new, "info").get("isPartial") and not section(old, "info").get("isPartial")
        return Change.LESS_DETAIL if is_cut_short else Change.FEWER_MESSAGES
    return _compare_texts(new, old, [(after[key], before[key]) for key in before])


def _compare_texts(new: dict[str, Any], old: dict[str, Any], messages: list[tuple[Values, Values]]) -> Change:
    """Compares two reads with the same messages, given as pairs of their values."""
    erased = [(_count_erased(now), _count_erased(then)) for now, then in [*messages, (_others(new), _others(old))]]
    texts = [pair for now, then in messages for pair in _texts_in_same_place(now, then)]
    if any(now > then for now, then in erased):
        return Change.ERASURE
    if any(_is_masked(now, then) for now, then in texts):
        return Change.MASKING
    shows_again = any(_is_masked(then, now) for now, then in texts) or any(now < then for now, then in erased)
    return Change.STALE if shows_again or _is_earlier(new, old) else Change.NEWER


# ── less detail ──


def _has_less_detail(new: dict[str, Any], old: dict[str, Any]) -> bool:
    """Whether a read only lacks details that a search leaves out.

    A search returns only some SDEs and no thumbnail (Get Conversation by Conversation ID): a search after a look-up by
    id must not hide details that are already archived.
    """
    some, all_ = (Counter(_details(record)) for record in (new, old))  # equal SDEs may occur more than once
    return some < all_ and canonical(_without_details(new)) == canonical(_without_details(old))


def _details(record: dict[str, Any]) -> Iterator[bytes]:
    """The details that a search may leave out, one by one."""
    for name in _SDES:
        yield from (canonical([name, event]) for event in items(section(record, name), "events"))
    for message in items(record, "messageRecords"):
        preview = section(section(message, "messageData"), "file").get("preview")
        if preview is not None:
            yield canonical(["preview", message.get("messageId"), preview])


def _without_details(record: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in record.items() if name not in _SDES}
    if isinstance(record.get("info"), dict):
        kept["info"] = {name: value for name, value in record["info"].items() if name != "isPartial"}
    messages = record.get("messageRecords")
    if isinstance(messages, list):
        kept["messageRecords"] = [_without_preview(message) for message in messages]
    return kept


def _without_preview(message: Any) -> Any:
    data = section(message, "messageData")
    file = section(data, "file")
    if "preview" not in file:
        return message
    kept = {name: value for name, value in file.items() if name != "preview"}
    return {**message, "messageData": {**data, "file": kept}}


# ── masking and erasure ──

Values = list[tuple[str, Any]]  # each value of a record with the path to it


def _values_by_message(record: dict[str, Any]) -> dict[str, Values]:
    """The values in each message's content, by the message's identity."""
    return {
        _identity(message): list(_leaves("", message.get("messageData"))) for message in items(record, "messageRecords")
    }


def _identity(message: dict[str, Any]) -> str:
    return text_of(message.get("messageId")) or f"{message.get('dialogId')} {message.get('seq')} {message.get('timeL')}"


def _others(record: dict[str, Any]) -> Values:
    """The values outside of messages."""
    return list(_leaves("", {name: value for name, value in record.items() if name != "messageRecords"}))


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """All values below one, each with its own path; elements of a list are numbered."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _leaves(f"{path}.{name}", item)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _leaves(f"{path}.{number}", item)
    else:
        yield path, value


def _count_erased(values: Values) -> int:
    return sum(_ERASED in value for _, value in values if isinstance(value, str))


def _texts_in_same_place(now: Values, then: Values) -> Iterator[tuple[str, str]]:
    """Texts that stand at the same path of a message, after and before."""
    before = dict(then)
    for path, value in now:
        if isinstance(value, str) and isinstance(before.get(path), str):
            yield value, before[path]


def _is_masked(now: str, before: str) -> bool:
    """Whether a text is the earlier one with parts replaced by mask characters."""
    kept = _MASK.split(now)
    if now == before or len(kept) == 1 or _count_masked(now) <= _count_masked(before):
        return False
    first, *between, last = kept
    if not before.startswith(first) or not before.endswith(last):
        return False
    at, end = len(first), len(before) - len(last)
    for part in between:
        position = before.find(part, at + 1, end)
        if position < 0:
            return False
        at = position + len(part)
    return at < end


def _count_masked(text: str) -> int:
    return sum(len(run) for run in _MASK.findall(text))


# ── time ──


def _is_earlier(new: dict[str, Any], old: dict[str, Any]) -> bool:
    now, before = latest_moment(new), latest_moment(old)
    return bool(now and before and now < before)


def latest_moment(record: Any) -> datetime | None:
    """The latest moment in a decoded record, since 1970: of messages, transfers, dialogs, joins, and of its end."""
    info = section(record, "info")
    moments = [moment(info, name) for name in ("startTime", "endTime", "conversationEndTime", "fullDialogEndTime")]
    for name, times in _TIMES.items():
        moments += [moment(item, time) for item in items(record, name) for time in times]
    return max((at for at in moments if at and at >= EPOCH), default=None)


def latest_in(conversation: Conversation) -> datetime | None:
    """The latest moment in an open or truncated record for which an earlier version of this program stored none."""
    if not conversation.is_open and not conversation.is_partial:
        return None
    try:
        return latest_moment(decode(conversation.raw))
    except ValueError:
        return None
