"""Rows that steer the harvest: what is looked up, compared and swept, and when. They prove nothing, and may be garbage.

A value that this program can't have written, such as a moment in the future, must not hide a conversation: each rule
says how to recognise it, and how to put it right, so that what it is about is due at once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta

from archiver.archive.ledger import Bookmark
from archiver.archive.rechecks import LATEST_DUE, youngest_without_checks
from archiver.archive.stored import stored_moment
from archiver.model import to_ms
from archiver.value import Value
from archiver.windows import NEVER

_CLOCK_STEP = timedelta(minutes=10)  # by which a clock may be set back; less than sweeps overlap
_LATEST_CHECK = timedelta(days=31)
_LONGEST_BEAT = timedelta(minutes=15)


class _Rule(Value):
    """`select` names wrong rows by their key, `words` says what is wrong, `mending` puts them right."""

    table: str
    select: str
    words: str
    mending: str


def _rule(table: str, key: str, is_wrong: str, words: str, mending: str) -> _Rule:
    return _Rule(table, f"SELECT {key} FROM {table} WHERE {is_wrong}", words, f"{mending} WHERE {is_wrong}")  # noqa: S608


def _no_moment(column: str, latest: str = "soon") -> str:
    return f"({column} > :{latest} OR NOT {_is_moment(column)})"


def _is_moment(column: str) -> str:
    return f"is_moment(CAST({column} AS BLOB))"  # as text it would be cut at a zero byte


_WINDOW = "start_ms || ' .. ' || end_ms"
_RULES = (
    _rule(
        "watch", "conversation_id", _no_moment("seen_at"), "it can't have been seen then",
        "UPDATE watch SET seen_at = '1970-01-01T00:00:00+00:00'",
    ),
    _rule(
        "watch", "conversation_id", f"due_at <> '' AND {_no_moment('due_at', 'latest_due')}", "it can't be due then",
        "UPDATE watch SET due_at = ''",
    ),
    _rule(
        "watch", "conversation_id", f"latest_at IS NOT NULL AND NOT {_is_moment('latest_at')}",
        "its latest moment is unreadable", "UPDATE watch SET latest_at = NULL",
    ),
    _rule(  # this machine's clock may be ahead of LivePerson's, by which everything else is dated
        "bookmarks", "name", f"{_no_moment('at')} AND NOT (name = '{Bookmark.OUR_TIME}' AND {_is_moment('at')})",
        "it can't have been set then", "DELETE FROM bookmarks",
    ),
    _rule(
        "bookmarks", "name", f"name NOT IN ({', '.join(repr(str(name)) for name in Bookmark)})",
        "there is no such bookmark", "DELETE FROM bookmarks",
    ),
    _rule(
        "runs", "id",
        f"start_ms >= end_ms OR {_no_moment('started_at')} OR finished_at IS NOT NULL AND {_no_moment('finished_at')}",
        "there was no such run", "DELETE FROM runs",
    ),
    _rule(
        "lease", "host", f"{_no_moment('beat_at', 'latest_beat')} OR pid NOT BETWEEN 1 AND 2147483647",
        "no process can have left it", "DELETE FROM lease",
    ),
    _rule(
        "windows", _WINDOW,
        f"state = 'sealed' AND (due_at IS NULL OR NOT {_is_moment('due_at')}"
        " OR due_at > :latest_check AND (due_at <> :never OR start_ms > :youngest_ms))",
        "it can't be due for a check then", "UPDATE windows SET due_at = :now",
    ),
    _rule(
        "windows", _WINDOW, "checks NOT BETWEEN 0 AND 1001",
        "it can't have been checked as often", "UPDATE windows SET checks = 0",
    ),
)  # fmt: skip


def is_moment(value: bytes | None) -> bool:
    """Whether the bytes of a column are a moment, for use in SQL."""
    return value is not None and stored_moment(value.decode("utf-8", "replace")) is not None


def faults(connection: sqlite3.Connection, now: datetime) -> Iterator[tuple[str, str]]:
    """Every row that can't be true at `now`, as (table, what is wrong)."""
    values = _values(now)
    for rule in _RULES:
        for (key,) in connection.execute(rule.select, values):
            yield rule.table, f"the row of {key!r}: {rule.words}"
    for (key,) in connection.execute(
        "SELECT conversation_id FROM watch WHERE conversation_id NOT IN (SELECT conversation_id FROM current)"
    ):
        yield "watch", f"the row of {key!r}: the vault has no such conversation"


def mend(connection: sqlite3.Connection, now: datetime) -> int:
    """Puts such rows right: what they are about is due at once. How many there were."""
    values = _values(now)
    return sum(connection.execute(rule.mending, values).rowcount for rule in _RULES)


def forget_strangers(connection: sqlite3.Connection) -> int:
    """Removes watched conversations that the vault does not have; how many there were. The names of others may have
    been overwritten by theirs.
    """
    return connection.execute(
        "DELETE FROM watch WHERE conversation_id NOT IN (SELECT conversation_id FROM current)"
    ).rowcount


def _values(now: datetime) -> dict[str, object]:
    moments = {
        "now": now, "soon": now + _CLOCK_STEP, "latest_due": now + LATEST_DUE, "latest_check": now + _LATEST_CHECK,
        "latest_beat": now + _LONGEST_BEAT, "never": NEVER,
    }  # fmt: skip
    return {name: moment.isoformat() for name, moment in moments.items()} | {
        "youngest_ms": to_ms(youngest_without_checks(now))
    }
