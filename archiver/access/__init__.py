"""Who may do what: persons with rights and rules, what is hidden from them, and the events of the audit log."""

from archiver.access.auditing import Action, audit_event
from archiver.access.masking import DOT
from archiver.access.person import Origin, Person, owner, person_of, system_user
from archiver.access.rights import Duty, Right
from archiver.access.rules import narrowed, rule_of
from archiver.access.tokens import new_token, token_hash
from archiver.access.view import View

__all__ = [
    "DOT",
    "Action",
    "Duty",
    "Origin",
    "Person",
    "Right",
    "View",
    "audit_event",
    "narrowed",
    "new_token",
    "owner",
    "person_of",
    "rule_of",
    "system_user",
    "token_hash",
]
