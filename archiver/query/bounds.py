"""Writes comparisons in the query language so that the text, when it is read again, means the same. Pure."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from math import inf, nextafter

from archiver.model import EPOCH
from archiver.query.ast import Compare
from archiver.query.comparisons import STEP, following
from archiver.query.fields import DATES, DURATION

_NAMES = {number: name for name, number in DATES.items()}
_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1))
_MOST_MS = 999_999_999  # of nine digits


def written_comparison(leaf: Compare) -> str:
    """A comparison in the shorter of the two forms that each side has: csat:>4 or csat:>=4.000001, mcs:20..39."""
    name = _NAMES.get(leaf.field, leaf.field)
    low = _side(leaf.field, leaf.low, (">=", ">"))
    high = _side(leaf.field, leaf.high, ("<", "<="))
    if low and high and (low[0], high[0]) == (">=", "<="):
        return f"{name}:={low[1]}" if low == (">=", high[1]) else f"{name}:{low[1]}..{high[1]}"
    sides = [f"{name}:{sign}{text}" for sign, text in filter(None, (low, high))]
    return sides[0] if len(sides) == 1 else f"({' AND '.join(sides)})"


def _side(field: str, bound: float | None, signs: tuple[str, str]) -> tuple[str, str] | None:
    """The sign and the number of one side: of the bound itself, or of the number that it follows."""
    if bound is None:
        return None
    forms = [(signs[0], _text(field, bound))]
    if field not in _NAMES:
        forms += [(signs[1], _text(field, number)) for number in _before(bound) if following(field, number) == bound]
    return min(forms, key=lambda form: (len(form[1]), form[0] != signs[0]))


def _before(bound: float) -> tuple[float, ...]:
    """The numbers of which one may come just before a bound, if it was typed."""
    return round(bound - STEP, 6), bound - 1, nextafter(bound, -inf)


def _text(field: str, number: float) -> str:
    if field in _NAMES:
        moment = EPOCH + timedelta(milliseconds=number)
        return f"{moment:%Y-%m-%dT%H:%M:%S}{f'.{number % 1000:03.0f}' if number % 1000 else ''}Z"
    if field == DURATION:
        return _duration(number)
    return _decimal(number)


def _duration(ms: float) -> str:
    for unit, length_ms in _UNITS:
        if not ms % length_ms and ms / length_ms <= _MOST_MS:
            return f"{_decimal(ms / length_ms)}{unit}"
    return f"{_decimal(ms / 1_000)}s" if ms > _MOST_MS else f"{_decimal(ms)}ms"


def _decimal(number: float) -> str:
    text = f"{Decimal(repr(float(number))):f}"
    return text.removesuffix(".0")
