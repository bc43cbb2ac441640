"""What changed between two versions of a conversation, in words. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from enum import StrEnum

from archiver.model import Message, Metadata, Transcript
from archiver.value import Value


class Kind(StrEnum):
    """What happened."""

    ADDED = "added"
    EDITED = "edited"
    REMOVED = "removed"
    FACT = "fact"  # of the conversation


class Change(Value):
    """One change: of a message (`number` in the version that has it, from 1), or of a fact with its name. `before` and
    `after` are texts; None where there is none.
    """

    kind: Kind
    what: str
    before: str | None
    after: str | None
    number: int | None = None


_FACTS = ("status", "skill", "csat", "mcs", "nps", "close_reason", "ended_at", "transfers", "is_partial")
_MOST_PIECES = 4_000  # words and blanks of both texts
_WORD = re.compile(r"\s+|\S+")


def changes(before: Transcript, after: Transcript) -> Iterator[Change]:
    """All changes from one version to another: messages in their order, then facts, surveys, summaries and SDEs."""
    earlier = {message.id: message for message in before.messages}
    later = {message.id: message for message in after.messages}
    for number, message in enumerate(after.messages, 1):
        then = earlier.get(message.id)
        if then is None:
            yield Change(Kind.ADDED, _who(message), None, message.text, number)
        elif then.text != message.text:
            yield Change(Kind.EDITED, _who(message), then.text, message.text, number)
    for number, message in enumerate(before.messages, 1):
        if message.id not in later:
            yield Change(Kind.REMOVED, _who(message), message.text, None, number)
    yield from _facts(before.metadata, after.metadata)
    for name, old, new in (
        ("survey answers", len(before.answers), len(after.answers)),
        ("engagement attributes", len(before.sdes), len(after.sdes)),
    ):
        if old != new:
            yield Change(Kind.FACT, name, str(old), str(new))
    if before.summaries != after.summaries:
        yield Change(Kind.FACT, "summary", "\n".join(before.summaries) or None, "\n".join(after.summaries) or None)


def _who(message: Message) -> str:
    return f"{message.sender} ({message.role.value}{', private note' if message.is_private else ''})"


def _facts(before: Metadata, after: Metadata) -> Iterator[Change]:
    for name in _FACTS:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield Change(Kind.FACT, name.replace("_", " "), _shown(old), _shown(new))


def _shown(value: object) -> str | None:
    return None if value is None else str(value)


def word_diff(before: str, after: str) -> Iterator[tuple[str, str]]:
    """The pieces of a text and of the one that replaced it, in order: ("=", kept), ("-", removed), ("+", added). Very
    long texts, whose comparison would take minutes, are one piece each.
    """
    old, new = _WORD.findall(before), _WORD.findall(after)
    if before == after or len(old) + len(new) > _MOST_PIECES:
        whole = (("=", before),) if before == after else (("-", before), ("+", after))
        yield from ((sign, text) for sign, text in whole if text)
        return
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield "=", "".join(old[i1:i2])
            continue
        if i1 < i2:
            yield "-", "".join(old[i1:i2])
        if j1 < j2:
            yield "+", "".join(new[j1:j2])
