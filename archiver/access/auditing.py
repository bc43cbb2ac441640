"""The events of the audit log, by the Elastic Common Schema (ECS). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from archiver import __version__
from archiver.access.view import View

_ECS_VERSION = "8.17"
_LONGEST = 10_000  # characters of a text


class Action(StrEnum):
    """What was done, or was to be done."""

    LOGIN = "login"
    LOGOUT = "logout"
    SEARCH = "search"
    VIEW = "view"
    EXPORT = "export"
    UNMASK = "unmask"
    DECISION = "decision"
    SAVE = "save"
    CASE = "case"
    GRANT = "grant"
    REVOKE = "revoke"
    READ_AUDIT = "audit"
    DENIAL = "denial"


# By action: `event.category` and `event.type` (ECS, Categorization Fields).
_KINDS: Mapping[Action, tuple[tuple[str, ...], tuple[str, ...]]] = {
    Action.LOGIN: (("authentication",), ("start",)),
    Action.LOGOUT: (("authentication",), ("end",)),
    Action.SEARCH: (("database",), ("access",)),
    Action.VIEW: (("database",), ("access",)),
    Action.EXPORT: (("database", "file"), ("access", "creation")),
    Action.UNMASK: (("database",), ("access",)),
    Action.DECISION: (("database",), ("change",)),
    Action.CASE: (("database",), ("change",)),
    Action.SAVE: (("configuration",), ("change",)),
    Action.GRANT: (("iam",), ("change", "admin")),
    Action.REVOKE: (("iam",), ("deletion", "admin")),
    Action.READ_AUDIT: (("database",), ("access",)),
    Action.DENIAL: (("database",), ("access", "denied")),
}


def audit_event(
    action: Action, view: View, *, at: datetime, facts: Mapping[str, Any], reason: str | None = None,
    outcome: str = "success",
) -> dict[str, Any]:  # fmt: skip
    """An event as it is kept, but for its number and hash. `facts` stand under `archive`; those that are None are left
    out, and long texts are cut.
    """
    person, origin = view.person, view.origin
    category, type_ = _KINDS[action]
    told = {name: _cut(value) for name, value in facts.items() if value is not None}
    event: dict[str, Any] = {
        "@timestamp": at.isoformat(timespec="milliseconds"),
        "ecs": {"version": _ECS_VERSION},
        "event": {
            "kind": "event", "category": category, "type": type_, "action": action,
            "outcome": outcome, "dataset": "archiver.audit",
        },
        "user": {"name": person.name, "roles": person.roles},
        "related": {"user": [person.name]},
        "service": {"name": "archiver", "version": __version__},
        "archive": {"via": origin.via, "login": origin.login, **told},
    }  # fmt: skip
    if reason:
        event["event"]["reason"] = _cut(reason)
    if origin.ip:
        event["source"] = {"ip": origin.ip}
    if origin.agent:
        event["user_agent"] = {"original": origin.agent[:500]}
    return event


def _cut(value: Any) -> Any:
    return value[:_LONGEST] if isinstance(value, str) else value
