"""The events of the audit log in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_FACTS = (
    "query", "understood", "queries", "fields", "conversation_id", "conversation_ids", "what", "hits_total", "erasure",
    "decision", "to", "roles", "rule", "output", "manifest_sha256", "records_sha256", "count",
)  # fmt: skip


def audit_words(event: dict[str, Any]) -> str:
    """An event on one line; one that can't be read is said to be so."""
    try:
        return "  ".join(_parts(event))
    except (KeyError, TypeError, AttributeError):
        return "an event that can't be read: archiver audit verify"


def _parts(event: dict[str, Any]) -> Iterator[str]:
    what, facts = event["event"], event.get("archive", {})
    yield f"{what['sequence']}"
    yield event["@timestamp"][:19]
    yield f"{event['user']['name']}"
    yield what["action"] if what["outcome"] == "success" else f"{what['action']} DENIED"
    yield f"({facts.get('via', '?')}{', ' + event['source']['ip'] if 'source' in event else ''})"
    yield from audit_facts(event)
    if "reason" in what:
        yield f"reason: {what['reason']}"


def audit_facts(event: dict[str, Any]) -> Iterator[str]:
    """What an event was about, as name: value; how a query was understood, if that is not how it was typed."""
    facts = event.get("archive", {})
    for name in _FACTS:
        if name in facts and not (name == "understood" and facts[name] == facts.get("query")):
            value = facts[name]
            yield f"{name}: {'; '.join(map(str, value)) if isinstance(value, list) else value}"


def member_of(event: Any, part: str, name: str) -> Any:
    """A member of a part of an event; None for one that is not there, or in an event that somebody has changed."""
    found = event.get(part) if isinstance(event, dict) else None
    return found.get(name) if isinstance(found, dict) else None
