"""Looks at new entries of the vault with every saved search. The matcher is the one that every index agrees with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo
from itertools import islice
from typing import Any

from archiver.alerts.appending import ALERT_SCHEMA
from archiver.archive import ArchiveFile, Record, SavedMatch, SavedSearch, Vault
from archiver.errors import QueryError, RecordError
from archiver.index import read_version
from archiver.jsontext import encode
from archiver.logs import EventLogger
from archiver.model import Message, Transcript
from archiver.query import Query, Reading, Scope, parse, results
from archiver.transcript import iso

_log = EventLogger("alerts")
_AT_ONCE = 200  # conversations


def read_query(search: SavedSearch, now: datetime, zone: tzinfo) -> Query:
    """The query of a search. Raises QueryError."""
    return parse(search.query, now=now, zone=zone)


def evaluate(archive: ArchiveFile, now: datetime, zone: tzinfo) -> int:
    """Looks at some of the entries that each search has not seen; how many new matches there are. Call it until nothing
    is left to look at (`is_behind`). A search that can't be read any more is disabled, with the reason, and stays.
    Raises ArchiveError.
    """
    return sum(_evaluated(archive, search, now, zone) for search in archive.saved.all() if not search.disabled)


def is_behind(archive: ArchiveFile) -> bool:
    """Whether a search has not seen all entries."""
    head = archive.vault.head()
    return any(search.watermark < head for search in archive.saved.all() if not search.disabled)


def _evaluated(archive: ArchiveFile, search: SavedSearch, now: datetime, zone: tzinfo) -> int:
    head = archive.vault.head()  # before the records: what is made meanwhile is looked at next time
    if search.watermark >= head:
        return 0
    try:
        query = read_query(search, now, zone)
    except QueryError as error:
        _log.warning("search.disabled", f"the saved search {search.name!r} can't be read any more: {error.message}")
        archive.saved.disable(search, error.message)
        return 0
    records = list(islice(archive.vault.after(search.watermark), _AT_ONCE))
    seen = records[-1].touched if len(records) == _AT_ONCE else head
    found = [
        (match, transcript)
        for record in records
        for match, transcript in _matches(archive.vault, record, search, query)
    ]
    texts = dict(found)

    def content_of(new: list[SavedMatch]) -> str:
        return encode(_content(archive, search, [(match, texts[match]) for match in new], now)).decode()

    return archive.saved.note(search, [match for match, _ in found], seen, now, content_of)


def _matches(
    vault: Vault, record: Record, search: SavedSearch, query: Query
) -> Iterator[tuple[SavedMatch, Transcript]]:
    try:
        transcript = read_version(vault, record).transcript
    except RecordError:
        return  # it is reported where the index refuses it
    for message in results(Reading(transcript), query.expression, Scope(search.scope)):
        yield SavedMatch(transcript.id, message.id if message else "", record.touched), transcript


def _content(
    archive: ArchiveFile, search: SavedSearch, found: list[tuple[SavedMatch, Transcript]], now: datetime
) -> dict[str, Any]:  # fmt: skip
    """`archiver.alert/1` without its id: what was found, by ids; the text only if it is asked for."""
    return {
        "schema": ALERT_SCHEMA,
        "account": archive.account,
        "search": search.name,
        "version": search.version,
        "query": search.query,
        "at": iso(now),
        "matches": [_match(match, transcript, with_text=search.with_text) for match, transcript in found],
    }


def _match(match: SavedMatch, transcript: Transcript, *, with_text: bool) -> dict[str, Any]:
    number = transcript.numbering().get(match.message_id)
    message: Message | None = transcript.messages[number - 1] if number else None
    told = {
        "conversation_id": match.conversation_id, "message_id": match.message_id or None, "number": number,
        "sent_at": iso(message.sent_at) if message else iso(transcript.metadata.started_at),
        "role": message.role.value if message else None, "skill": transcript.metadata.skill, "seq": match.seq,
    }  # fmt: skip
    return told | ({"text": message.text if message else None} if with_text else {})
