"""Roles and what each may do. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from archiver.errors import known_word


class Right(StrEnum):
    """Something that a person may do."""

    READ = "read"  # search, and read transcripts
    REVIEW = "review"  # collect conversations in cases, with tags and notes
    EXPORT = "export"  # take conversations out of the archive
    UNMASK = "unmask"  # see customers' personal data, for a reason
    DECIDE = "decide"  # decide about text that LivePerson masked or deleted
    AUDIT = "audit"  # read the audit log
    WATCH = "watch"  # see coverage and status
    ADMINISTER = "administer"  # see who may do what


class Duty(StrEnum):
    """A role that is granted to a person or a group."""

    READER = "reader"
    REVIEWER = "reviewer"
    EXPORTER = "exporter"
    COMPLIANCE = "compliance"
    AUDITOR = "auditor"
    ADMIN = "admin"


_READING = frozenset({Right.READ, Right.WATCH})
_RIGHTS: Mapping[Duty, frozenset[Right]] = {
    Duty.READER: _READING,
    Duty.REVIEWER: _READING | {Right.REVIEW},
    Duty.EXPORTER: _READING | {Right.EXPORT},
    Duty.COMPLIANCE: _READING | {Right.REVIEW, Right.EXPORT, Right.UNMASK, Right.DECIDE, Right.AUDIT},
    Duty.AUDITOR: frozenset({Right.AUDIT, Right.WATCH}),
    Duty.ADMIN: frozenset({Right.ADMINISTER, Right.WATCH}),
}
EVERY_RIGHT = frozenset(Right)
WITHOUT_CONVERSATIONS = frozenset({Right.AUDIT, Right.WATCH, Right.ADMINISTER})  # which show none of them


def rights_of(roles: Iterable[str]) -> frozenset[Right]:
    """Everything that these roles may do. Raises ConfigError for an unknown one."""
    return frozenset().union(*(_RIGHTS[Duty(known_word(role, Duty, "role"))] for role in roles))
