"""Finds the records of an answer that is no JSON because of one of them, for example an unescaped quote. Pure.

The boundaries are taken from where records begin, so only the damaged record is lost for reading; its bytes are kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from archiver import lenientjson

# The sections by which records may begin (Messaging Interactions API, Conversations, response).
_SECTIONS = (
    b"info|campaign|monitoring|messageRecords|messageStatuses|messageScores|agentParticipants|agentParticipantsLeave|"
    b"agentParticipantsActive|consumerParticipants|transfers|interactions|dialogs|skillChanges|conversationSurveys|"
    b"coBrowseSessions|summary|sdes|unAuthSdes|responseTime|intents|uniqueIntents"
)
_LIST = re.compile(rb'"conversationHistoryRecords"\s*:\s*\[')
_METADATA = re.compile(rb'"_metadata"\s*:\s*(\{(?:[^"{}]|"[^"\\]*+"|\{(?:[^"{}]|"[^"\\]*+")*+\})*+\})')
_END = re.compile(rb"\]\s*(?:,\s*" + _METADATA.pattern + rb"\s*)?\}\s*\Z")
_BETWEEN = b" \t\r\n,"
_RECORD = re.compile(rb'(?:\A|(?<=,)|(?<=\}))\s*(?=\{\s*"(?:' + _SECTIONS + rb')"\s*:\s*[\[{])')


def split_damaged(body: bytes) -> tuple[bytes, list[bytes]] | None:
    """The `_metadata` of an answer and the bytes of each of its records; None if the answer was cut off."""
    first, end = _LIST.search(body), _END.search(body)
    if not first or not end or end.start() < first.end():
        return None
    metadata = _METADATA.search(body, 0, first.start()) or _METADATA.search(body, end.start())
    records = body[first.end() : end.start()]
    return metadata[1] if metadata else b"{}", [part for part in _parts(records) if part]


def _parts(records: bytes) -> Iterator[bytes]:
    """The records, and what stands between them. A damaged record ends where the next one begins."""
    done = 0
    starts = [match.end() for match in _RECORD.finditer(records)]
    for start, following in pairwise([*starts, len(records)]):
        if start < done:
            continue  # inside a record
        yield records[done:start].strip(_BETWEEN)
        end = lenientjson.end_of_object(records, start)
        done = end if end and _is_sound(records[start:end]) else following
        yield records[start:done].strip(_BETWEEN)
    yield records[done:].strip(_BETWEEN)


def _is_sound(part: bytes) -> bool:
    try:
        lenientjson.read(part)
    except ValueError:
        return False
    return True
