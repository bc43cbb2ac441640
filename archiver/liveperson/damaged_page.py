"""Finds the records of an answer that is no JSON because of one of them, for example an unescaped quote. Pure.

The boundaries are taken from where records begin, so only the damaged record is lost for reading; its bytes are kept.
"""

from __future__ import annotations

import re
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
    starts = [match.end() for match in _RECORD.finditer(records)]
    parts = (records[start:stop].strip(_BETWEEN) for start, stop in pairwise([0, *starts, len(records)]))
    return metadata[1] if metadata else b"{}", [piece for part in parts for piece in _pieces(part) if piece]


def _pieces(part: bytes) -> tuple[bytes, bytes]:
    """The record that a part begins with, and what stands behind it, which belongs to no record."""
    end = lenientjson.end_of_object(part) or len(part)
    return part[:end], part[end:].strip(_BETWEEN)
