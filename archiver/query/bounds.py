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
    """A comparison as a range, if it has two sides: one number or moment has to be on both. One side is written in the
    shorter of the two forms that it has: csat:>4 or csat:>=4.000001.
    """
    field, low, high = leaf.field, leaf.low, leaf.high
    if low is not None and high is not None:
        first, last = _text(field, low), _last(field, high)
        condition = f"={first}" if first == last else f"{first}..{last}"
    elif low is not None:
        condition = _side(field, low, (">=", ">"))
    else:
        condition = "*" if high is None else _side(field, high, ("<", "<="))
    return f"{_NAMES.get(field, field)}:{condition}"


def _side(field: str, bound: float, signs: tuple[str, str]) -> str:
    """The sign and the number of one side: of the bound itself, or of the number that it follows."""
    forms = [(signs[0], _text(field, bound)), *((signs[1], text) for text in _followed(field, bound))]
    sign, text = min(forms, key=lambda form: (len(form[1]), form[0] != signs[0]))
    return f"{sign}{text}"


def _last(field: str, bound: float) -> str:
    """The number or moment that comes just before a bound."""
    return _instant(bound - 1) if field in _NAMES else min(_followed(field, bound), key=len)


def _followed(field: str, bound: float) -> list[str]:
    """The numbers that a bound comes directly after; moments are bounds themselves."""
    numbers = () if field in _NAMES else _before(bound)
    return [_text(field, number) for number in numbers if following(field, number) == bound]


def _before(bound: float) -> tuple[float, ...]:
    """The numbers of which one may come just before a bound, if it was typed."""
    return round(bound - STEP, 6), bound - 1, nextafter(bound, -inf)


def _text(field: str, number: float) -> str:
    if field in _NAMES:
        return _instant(number).replace(".000Z", "Z")
    if field == DURATION:
        return _duration(number)
    return _decimal(number)


def _instant(ms: float) -> str:
    moment = (EPOCH + timedelta(milliseconds=ms)).replace(tzinfo=None)
    return f"{moment.isoformat(timespec='milliseconds')}Z"


def _duration(ms: float) -> str:
    for unit, length_ms in _UNITS:
        if not ms % length_ms and ms / length_ms <= _MOST_MS:
            return f"{_decimal(ms / length_ms)}{unit}"
    return f"{_decimal(ms / 1_000)}s" if ms > _MOST_MS else f"{_decimal(ms)}ms"


def _decimal(number: float) -> str:
    text = f"{Decimal(repr(float(number))):f}"
    return text.removesuffix(".0")
