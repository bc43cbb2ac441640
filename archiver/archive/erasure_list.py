"""Whether the list of erasures is what the chain says, and how it should be.

The list is a convenience: each row follows from events of the chain, but for the state `superseded`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archiver.archive.chain import Entry
from archiver.archive.events import BY_POLICY, DECIDED, FEWER, REMOVING, Decision
from archiver.archive.inspection import Inspection
from archiver.jsontext import decode
from archiver.rawrecord import integer

Row = tuple[Any, ...]  # of the table `erasures`


def faults(inspection: Inspection, conversation_id: str | None = None) -> Iterator[tuple[int, str]]:
    """Events that the list lacks, and rows that the chain contradicts, of one conversation or all: (sequence number,
    what is wrong).
    """
    listed, expected = inspection.erasures(conversation_id), expected_rows(inspection, conversation_id)
    for seq in sorted(expected.keys() - listed.keys()):
        yield seq, "the chain has this event, and the list of erasures has not"
    for seq, row in listed.items():
        if not _agrees(row, expected.get(seq)):
            yield seq, "is listed otherwise than the chain says"


def expected_rows(inspection: Inspection, conversation_id: str | None = None) -> dict[int, Row]:
    """The rows that follow from the chain, by their sequence number."""
    rows: dict[int, Row] = {}
    for entry, raw in inspection.of_types(REMOVING, conversation_id):
        content = _content(raw)
        if entry.type != DECIDED:
            rows |= _undecided(entry, content)
        elif (of := integer(content.get("of"))) in rows and of is not None:
            rows[of] = _decided(rows[of], entry, content)
    return rows


def _content(raw: bytes | None) -> dict[str, Any]:
    try:
        content = decode(raw or b"")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _undecided(entry: Entry, content: dict[str, Any]) -> dict[int, Row]:
    """The row of an event before any decision; none if the event can't be read, which is a fault of its own."""
    state, record = BY_POLICY.get(str(content.get("policy"))), content.get("record")
    if state is None or not isinstance(record, int):
        return {}
    return {entry.seq: (entry.seq, entry.conversation_id, entry.type, record, str(state), None, None, None, None)}


def _decided(row: Row, decision: Entry, content: dict[str, Any]) -> Row:
    if decision.conversation_id != row[1]:
        return row
    by, reason = content.get("by"), content.get("reason")
    return (*row[:4], content.get("decision"), decision.seq, decision.fetched_at, by, reason)


def _agrees(row: Row, expected: Row | None) -> bool:
    if expected is None:
        return False
    is_again = expected[2] == FEWER and expected[5] is None and row[4] == Decision.SUPERSEDED
    return row == ((*expected[:4], row[4], *expected[5:]) if is_again else expected)
