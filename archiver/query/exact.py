"""Conditions for a whole value as it is written, `skill:="Billing EU"`: what facets count, they find. Pure."""

from __future__ import annotations

import re

from archiver.errors import QueryError
from archiver.model import Message, Transcript
from archiver.query.ast import Exactly
from archiver.query.cursor import Cursor
from archiver.query.facets import LONGEST, facet_values
from archiver.query.fields import KEYWORDS, PATHS, ZONES

ID = "id"
WHOLE_ONLY = ("bot", "sender")  # names of people that no words search for
EXACT = (
    *WHOLE_ONLY, "agent", "campaign", "closed", "customer", "device", "fcr", "group", ID, "intent", "lang", "place",
    "skill", "source", "status", "has",
)  # fmt: skip
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')


def exact_values(transcript: Transcript, field: str, message: Message | None) -> tuple[str, ...]:
    """The whole values of a field of a conversation, or of a message in it."""
    return (transcript.id,) if field == ID else facet_values(transcript, field, message)


def exactly(field: str, value: str) -> Exactly:
    """The condition that a field has a value, which is cut to 256 characters, as facets are."""
    text = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # as records are read
    return Exactly(field, text if field == ID else text[:LONGEST])


def as_condition(field: str, value: str) -> str:
    """The same in the query language."""
    return f'{field}:="{value.replace(chr(34), chr(34) * 2)}"'


def is_exact(field: str, cursor: Cursor) -> bool:
    """Whether a whole value of a field comes next, behind its name. Raises QueryError for a field that has none."""
    if cursor.sees("="):
        if field in EXACT:
            return True
        if field in (*KEYWORDS, *ZONES) or (field.startswith(PATHS) and cursor.sees('="')):
            raise QueryError(f"{field}: is searched by words only", position=cursor.at, hint="Leave out the =.")
    elif field in WHOLE_ONLY:
        raise QueryError(
            f"{field}: takes a whole name only", position=cursor.at, hint=f'Such as {field}:="Ana Silva".'
        )  # fmt: skip
    return False


def read_exact(field: str, cursor: Cursor) -> Exactly:
    """The value that comes next, behind its =. In quotes, two quotes stand for one. Raises QueryError."""
    opened = cursor.at
    cursor.at += 1
    quoted = cursor.match(_QUOTED)
    if quoted:
        cursor.take(len(quoted[0]))
        value = quoted[1].replace('""', '"')
    else:
        value = cursor.plain() if cursor.has_plain() else ""
    if not value:
        hint = f'Such as {field}:="one value"; of several: {field}:=a OR {field}:=b'
        raise QueryError(f"{field}:= needs one value, in quotes if it is more than a word", position=opened, hint=hint)
    return exactly(field, value)
