"""`archiver.coverage/2`: which windows, days and months are proven complete."""

from __future__ import annotations

from itertools import groupby

from archiver.archive import Coverage, CoverageState, Day, Stretch
from archiver.transcript import iso


def coverage_json(coverage: Coverage) -> dict[str, object]:
    """`archiver.coverage/2`."""
    hours = {
        state.value: round(sum(item.hours for item in coverage.stretches if item.state is state), 2)
        for state in CoverageState
    }
    return {
        "schema": "archiver.coverage/2",
        "start": iso(coverage.span.start),
        "end": iso(coverage.span.end),
        "hours": hours,
        "hours_until_oldest_gap_is_lost": None if coverage.hours_left is None else round(coverage.hours_left, 2),
        "kept": coverage.kept,
        "shallow": coverage.shallow,
        "vanished": coverage.vanished,
        "gaps": [_gap(item) for item in coverage.gaps],
        "windows": [_gap(item) for item in coverage.stretches],
        "months": [_month(name, list(group)) for name, group in groupby(coverage.days, key=month_of)],
        "days": coverage.days,
    }


def _gap(item: Stretch) -> dict[str, object]:
    return {
        "start": iso(item.window.start), "end": iso(item.window.end), "state": item.state, "reason": item.reason,
        "conversations": item.conversations, "expected": item.expected,
    }  # fmt: skip


def month_of(item: Day) -> str:
    """The month of a day, such as 2026-03."""
    return f"{item.day:%Y-%m}"


def _month(name: str, in_span: list[Day]) -> dict[str, object]:
    hours = {state.value: round(sum(day.hours.get(state.value, 0.0) for day in in_span), 2) for state in CoverageState}
    return {
        "month": name, "hours": {state: value for state, value in hours.items() if value},
        "expected": sum(day.expected for day in in_span), "conversations": sum(day.conversations for day in in_span),
        "kept": sum(day.kept for day in in_span), "is_exact": all(day.is_exact for day in in_span),
    }  # fmt: skip
