"""Reads an answer of the Messaging Interactions API: the fields that ingest needs, and each record's exact bytes."""

from __future__ import annotations

from typing import Any

from archiver.errors import BadAnswer
from archiver.jsontext import decode, split_array, split_object
from archiver.liveperson.damaged_page import split_damaged
from archiver.rawrecord import integer, is_true, moment, peek, section, text_of
from archiver.received import Conversation, Page, Unreadable

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_RECORDS, _METADATA = "conversationHistoryRecords", "_metadata"


def read_page(body: bytes) -> Page:
    """One answer with a body. Raises BadAnswer if the frame cannot be read.

    A record that cannot be read is named in `unreadable` and never costs the others.
    """
    metadata, read = _read(body.removeprefix(_BYTE_ORDER_MARK))
    count = integer(metadata.get("count"))
    shards = section(metadata, "shardsStatusResult")
    return Page(
        conversations=tuple(item for item in read if isinstance(item, Conversation)),
        unreadable=tuple(item for item in read if isinstance(item, Unreadable)),
        total=count if count is not None else -1,
        is_complete=not is_true(shards.get("partialResult")) and not integer(shards.get("failureShards")),
    )


Read = list[Conversation | Unreadable]


def _read(body: bytes) -> tuple[dict[str, Any], Read]:
    """The metadata of an answer, and its records. If one can't be read, as many of the others as possible."""
    try:
        parts = split_object(body)
        metadata, read = _metadata(parts.get(_METADATA, b"{}")), [*map(read_record, split_array(parts[_RECORDS]))]
    except KeyError:
        raise BadAnswer(f"LivePerson's answer has no {_RECORDS}") from None
    except ValueError as error:
        damaged = split_damaged(body)
        if damaged is None:
            raise BadAnswer(f"LivePerson's answer is no readable JSON ({len(body):,} bytes): {error}") from None
        return _metadata(damaged[0]), [*map(read_record, damaged[1])]
    if _readable(read) == len(read):
        return metadata, read
    damaged = split_damaged(body)  # a quote too many may have joined the record with its neighbours
    other = [*map(read_record, damaged[1])] if damaged else []
    return metadata, max(read, other, key=_readable)


def _readable(read: Read) -> int:
    return sum(isinstance(item, Conversation) for item in read)


def _metadata(raw: bytes) -> dict[str, Any]:
    metadata = decode(raw)
    return metadata if isinstance(metadata, dict) else {}


def read_record(raw: bytes) -> Conversation | Unreadable:
    """The fields of a record that ingest needs; nothing else of it is decoded."""
    try:
        peeked = peek(raw)
    except ValueError as error:
        return Unreadable(raw, f"no readable JSON: {error}")
    info = peeked.info
    conversation_id = text_of(info.get("conversationId"))
    if conversation_id is None:
        given = info.get("conversationId")
        return Unreadable(raw, "no info.conversationId" if given is None else "info.conversationId is not an id")
    ended, skill_id = integer(info.get("endTimeL")), integer(info.get("latestSkillId"))
    return Conversation(
        id=conversation_id,
        started_at=moment(info, "startTime"),
        is_open=info.get("status") == "OPEN" or (ended is not None and ended < 0),
        is_partial=is_true(info.get("isPartial")),
        raw=raw,
        ended_at=moment(info, "endTime"),
        message_count=peeked.message_count,
        skill_id=-1 if skill_id is None else skill_id,
    )
