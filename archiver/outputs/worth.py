"""What every answer says of itself in JSON: how the question was understood, and what the answer is worth."""

from __future__ import annotations

from typing import Any

from archiver.archive import Stretch
from archiver.index import Assurance
from archiver.transcript import iso


def question_json(worth: Assurance, query: str) -> dict[str, Any]:
    """A query, how it was understood, and what the answer to it is worth."""
    return {"query": query, "understood": worth.understood, **worth_json(worth)}


def worth_json(worth: Assurance) -> dict[str, Any]:
    """What an answer is worth: the span that it is about and how much of it is proven, and what was not searched."""
    return {
        "span": _span(worth),
        "coverage": {
            "state": worth.proof, "days": worth.days, "proven_days": worth.proven_days,
            "gaps": [_gap(gap) for gap in worth.gaps],
        },
        "shallow": worth.shallow,
        "refused": worth.refused,
        "behind": worth.behind,
        "head": {"seq": worth.head[0], "link": worth.head[1]},
        "at": iso(worth.at),
    }  # fmt: skip


def _span(worth: Assurance) -> dict[str, Any] | None:
    if worth.span is None:
        return None
    return {"from": iso(worth.span.start), "to": iso(worth.span.end), "conversations": worth.conversations}


def _gap(gap: Stretch) -> dict[str, Any]:
    return {"from": iso(gap.window.start), "to": iso(gap.window.end), "state": gap.state, "reason": gap.reason}
