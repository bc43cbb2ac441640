"""The values of fields that are compared: numbers, durations, dates, yes and no. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from archiver.dates import FORMS, parse_duration, parse_span
from archiver.model import to_ms
from archiver.query.ast import Compare, Expression, Not, Words
from archiver.query.faults import quoted
from archiver.query.fields import HAS, NUMBERS

_MILLISECOND = timedelta(milliseconds=1)
_BOUNDS = re.compile(r"(<=|>=|<|>|=)?(.+)$", re.DOTALL)


def read_value(name: str, value: str, now: datetime) -> Expression:
    """The condition that `name:value` stands for. Raises ValueError."""
    return _VALUES[name](name, value, now)


def is_empty(condition: Expression) -> bool:
    """Whether a comparison can be true of no number."""
    if not isinstance(condition, Compare) or condition.low is None or condition.high is None:
        return False
    return condition.low >= condition.high


def _compare(name: str, value: str, number: Callable[[str], float], step: float) -> Compare:
    """A comparison; `step` is the distance to the next number, which turns <= into <."""
    first, dots, last = value.partition("..")
    if dots:
        return Compare(name, number(first), number(last) + step)
    match = _BOUNDS.match(value)
    sign, bound = (match[1] or "=", number(match[2])) if match else ("=", number(value))
    low = {"=": bound, ">=": bound, ">": bound + step}.get(sign)
    high = {"=": bound + step, "<=": bound + step, "<": bound}.get(sign)
    return Compare(name, low, high)


def _plain_number(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,6})?", text.strip()):
        raise ValueError(f"{quoted(text)} is not a number; write it with the digits 0 to 9")
    return float(text)


def _number_value(name: str, value: str, now: datetime) -> Expression:
    return _compare(name, value, _plain_number, 1e-6)


def _length_value(name: str, value: str, now: datetime) -> Expression:
    return _compare(name, value, lambda text: parse_duration(text) / _MILLISECOND, 1)


def _date_value(name: str, value: str, now: datetime) -> Expression:
    try:
        span = parse_span(value, now)
    except ValueError as error:
        raise ValueError(f"{error}; write one of: {FORMS}") from None
    low = to_ms(span.start) if name != "before" else None
    high = to_ms(span.end) if name != "after" else None
    return Compare("start", low, high)


def _yes_no_value(name: str, value: str, now: datetime) -> Expression:
    has_transfer = Words(("transfer",), (HAS,))
    if value.lower() in ("yes", "true"):
        return has_transfer
    if value.lower() in ("no", "false"):
        return Not(has_transfer)
    raise ValueError(f"{quoted(value)} is neither yes nor no")


_VALUES: dict[str, Callable[[str, str, datetime], Expression]] = {
    **{name: _number_value for name in NUMBERS if name != "start"},
    "duration": _length_value,
    "after": _date_value,
    "before": _date_value,
    "on": _date_value,
    "transferred": _yes_no_value,
}
