"""Who may do what: roles that were granted to persons and groups, in the archive's file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from enum import StrEnum

from archiver.errors import NotFound
from archiver.value import Value


class Grantee(StrEnum):
    """Whom something is granted to."""

    PERSON = "person"
    GROUP = "group"  # of whoever tells who the persons are


class Grant(Value):
    """Roles for a person or a group. `rule`: a query that has to be true of the conversations that they see. It holds
    until `expires_at`, if that is set. `has_token`: a token proves who the person is.
    """

    kind: Grantee
    name: str
    roles: tuple[str, ...]
    rule: str | None = None
    expires_at: datetime | None = None
    has_token: bool = False

    def holds(self, now: datetime) -> bool:
        return self.expires_at is None or now < self.expires_at


_COLUMNS = "SELECT kind, name, roles, rule, expires_at, token IS NOT NULL FROM grants"


class Grants:
    """Reads and writes grants, each write in a transaction of the archive. Raises ArchiveError."""

    def __init__(
        self, connection: sqlite3.Connection, transaction: Callable[[], AbstractContextManager[None]]
    ) -> None:  # fmt: skip
        self._connection, self._transaction = connection, transaction

    def all(self) -> list[Grant]:
        """Every grant, also those that have expired, by name."""
        return [_grant(row) for row in self._connection.execute(f"{_COLUMNS} ORDER BY kind, name").fetchall()]

    def of_token(self, token_hash: bytes) -> Grant | None:
        """The grant of a token."""
        row = self._connection.execute(f"{_COLUMNS} WHERE token = ?", (token_hash,)).fetchone()
        return _grant(row) if row else None

    def of(self, person: str, groups: Iterable[str] = ()) -> list[Grant]:
        """What is granted to a person and to the groups that they are in."""
        wanted = {(Grantee.PERSON, person), *((Grantee.GROUP, group) for group in groups)}
        return [grant for grant in self.all() if (grant.kind, grant.name) in wanted]

    def add(self, grant: Grant, token_hash: bytes | None) -> None:
        """Grants this, instead of what was granted to the same name before."""
        expires = grant.expires_at.isoformat() if grant.expires_at else None
        row = (grant.kind, grant.name, ",".join(grant.roles), grant.rule, token_hash, expires)
        with self._transaction():
            self._connection.execute("INSERT OR REPLACE INTO grants VALUES (?, ?, ?, ?, ?, ?)", row)

    def one(self, kind: Grantee, name: str) -> Grant:
        """What is granted to a name. Raises NotFound if that is nothing."""
        row = self._connection.execute(f"{_COLUMNS} WHERE kind = ? AND name = ?", (kind, name)).fetchone()
        if row is None:
            raise NotFound(f"nothing is granted to the {kind} {name!r}", hint="List them: archiver access list")
        return _grant(row)

    def revoke(self, grant: Grant) -> None:
        """Takes back what was granted, and the token."""
        with self._transaction():
            self._connection.execute("DELETE FROM grants WHERE kind = ? AND name = ?", (grant.kind, grant.name))


def _grant(row: tuple[str, str, str, str | None, str | None, int]) -> Grant:
    kind, name, roles, rule, expires, has_token = row
    until = datetime.fromisoformat(expires) if expires else None
    return Grant(Grantee(kind), name, tuple(roles.split(",")), rule, until, bool(has_token))
