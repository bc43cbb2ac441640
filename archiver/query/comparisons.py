"""The values of fields that are compared: numbers, durations, dates, yes and no. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from math import inf, nextafter

from archiver.dates import FORMS, parse_duration, parse_span
from archiver.model import Window, to_ms
from archiver.query.ast import Compare, Expression, Not, Term, Where, Words
from archiver.query.faults import quoted
from archiver.query.fields import DATES, DURATION, HAS, NUMBERS, RANGES

_MILLISECOND = timedelta(milliseconds=1)
_BOUNDS = re.compile(r"(<=|>=|<|>|=)?(.+)$", re.DOTALL)
_COMPARED = re.compile(r"<|>|=|[-+0-9.]*\.\.|-[0-9.]+(?=[\s)]|$)")  # a number below zero is no word
STEP = 1e-6
_LARGEST = 1e15  # numbers keep all their digits before the point
FINDS_NOTHING = "so this finds nothing"  # the end of a notice about a condition that can be true of nothing


def is_compared(value: str) -> bool:
    """Whether a value of a field that holds words begins like a comparison: >5, 5..9, -1."""
    return _COMPARED.match(value) is not None


def read_value(name: str, value: str, now: datetime, zone: tzinfo) -> Expression:
    """The condition that `name:value` stands for; days are those of the zone. Raises ValueError."""
    if name in DATES:
        return _dates(DATES[name], value, now, zone)
    if name in _BY_DAY:
        span = _span(value, now, zone)
        if name == "on":
            _refuse_moment(name, value, span)
        return _by_day(name, span)
    if name == "transferred":
        return _yes_no(value)
    return _compare_numbers(name, value)


def is_empty(condition: Expression) -> bool:
    """Whether a comparison can be true of no number."""
    if not isinstance(condition, Compare) or condition.low is None or condition.high is None:
        return False
    return condition.low >= condition.high


def strange(name: str, condition: Expression) -> str | None:
    """A notice, if a comparison asks for numbers that the field never has."""
    if not isinstance(condition, Compare) or name not in RANGES:
        return None
    low, high = RANGES[name]
    is_outside = (condition.low is not None and condition.low > high) or (
        condition.high is not None and condition.high <= low
    )
    return f"{name}: goes from {low:g} to {high:g}, {FINDS_NOTHING}" if is_outside else None


def _compare(field: str, value: str, bounds: Callable[[str], tuple[float, float]], what: str) -> Compare:
    """A comparison; `bounds` reads a number or date as typed: where it begins, and where the next one does, because a
    date stands for all of its day, month or year. A range may be open.
    """
    first, dots, last = value.partition("..")
    if dots:
        if not first and not last:
            raise ValueError(f"write a {what} before or after ..")
        return Compare(field, bounds(first)[0] if first else None, bounds(last)[1] if last else None)
    match = _BOUNDS.match(value)
    sign, (start, end) = (match[1] or "=", bounds(match[2])) if match else ("=", bounds(value))
    return Compare(field, {"=": start, ">=": start, ">": end}.get(sign), {"=": end, "<=": end, "<": start}.get(sign))


def _compare_numbers(name: str, value: str) -> Compare:
    number = _milliseconds if name == DURATION else _plain_number

    def bounds(text: str) -> tuple[float, float]:
        start = number(text)
        return start, following(name, start)

    return _compare(name, value, bounds, "number")


def following(field: str, number: float) -> float:
    """The number after a typed one; of large numbers, whose digits are too few for a step, the next that there is."""
    return max(number + (1 if field == DURATION else STEP), nextafter(number, inf))


def _milliseconds(text: str) -> float:
    return parse_duration(text) / _MILLISECOND


def _plain_number(text: str) -> float:
    if not re.fullmatch(r"-?[0-9]{1,16}(\.[0-9]{1,6})?", text.strip()) or abs(float(text)) > _LARGEST:
        raise ValueError(f"{quoted(text)} is not a number; write it with the digits 0 to 9")
    return float(text)


def _span(text: str, now: datetime, zone: tzinfo) -> Window:
    try:
        return parse_span(text, now, zone)
    except ValueError as error:
        raise ValueError(f"{error}; write one of: {FORMS}") from None


def _refuse_moment(name: str, value: str, span: Window) -> None:
    """Raises ValueError for an equality with a moment such as 20d, of which hardly anything can be true."""
    if span.end - span.start <= _MILLISECOND and value[:1] not in "=<>" and "t" not in value.lower():
        since = f"after:{value}" if name == "on" else f"{name}:{value}.."
        raise ValueError(f"{quoted(value)} is one moment; write {since} for everything since then")


def _dates(field: str, value: str, now: datetime, zone: tzinfo) -> Compare:
    if ".." not in value and value[:1] not in ("=", "<", ">"):
        _refuse_moment({"start": "started", "end": "ended"}.get(field, field), value, _span(value, now, zone))

    def bounds(text: str) -> tuple[float, float]:
        span = _span(text, now, zone)
        return to_ms(span.start), to_ms(span.end)

    return _compare(field, value, bounds, "date")


_BY_DAY = ("after", "before", "on")


def _by_day(name: str, span: Window) -> Compare:
    return Compare(
        "start", to_ms(span.start) if name != "before" else None, to_ms(span.end) if name != "after" else None
    )


def _yes_no(value: str) -> Expression:
    has_transfer = Words((Term("transfer"),), Where((HAS,)))
    if value.lower() in ("yes", "true"):
        return has_transfer
    if value.lower() in ("no", "false"):
        return Not(has_transfer)
    raise ValueError(f"{quoted(value)} is neither yes nor no")


assert set(RANGES) <= set(NUMBERS)
