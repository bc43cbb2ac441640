"""The kinds of tests that a search's filters are made of. Each takes a filter's value, the body and the time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from archiver.simulator.calendar import ceil, floor, from_ms, moment_of, months_earlier
from archiver.simulator.values import section
from archiver.simulator.views import View

LONGEST_RANGE_MONTHS = 3

Record = Mapping[str, Any]
Test = Callable[[View], bool]
Make = Callable[[Any, Record, datetime], Test]


class BadRequest(Exception):
    """A request that LivePerson answers with 400."""


def time_range(bounds: Any, now: datetime, name: str) -> tuple[datetime, datetime]:
    """Inclusive bounds, rounded outward to 10 minutes; at most three months. `to` of -1 is now."""
    try:
        low, high = int(bounds["from"]), int(bounds["to"])
    except (TypeError, KeyError, ValueError):
        raise BadRequest(f"{name}.from and {name}.to are required, in epoch milliseconds") from None
    start, end = from_ms(low), now if high == -1 else from_ms(high)
    if end < start:
        raise BadRequest(f"{name}.to is before {name}.from")
    if months_earlier(end, LONGEST_RANGE_MONTHS) > start:
        raise BadRequest(f"the interval of {name} is longer than 3 months")
    return floor(start), ceil(end)


def time_between(name: str) -> Callable[..., Test]:
    def make(value: Any, _: Record, now: datetime) -> Test:
        start, end = time_range(value, now, name)
        return lambda view: (at := moment_of(view.info, name.removesuffix("L"))) is not None and start <= at <= end

    return make


def one_of(values_of: Callable[[Record], Iterable[Any]]) -> Callable[..., Test]:
    def make(value: Any, _: Record, __: datetime) -> Test:
        wanted = {str(item) for item in as_list(value)}
        return lambda view: any(str(value) in wanted for value in values_of(view.record))

    return make


def as_list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value


def of_info(name: str) -> Callable[..., Test]:
    return one_of(lambda record: [section(record, "info").get(name)])


def between(value_of: Callable[[Record], float | None], factor: float = 1) -> Callable[..., Test]:
    def make(value: Any, _: Record, __: datetime) -> Test:
        low, high = value.get("from"), value.get("to")
        lowest, highest = (None if bound is None else float(bound) * factor for bound in (low, high))
        if lowest is None and highest is None:
            raise ValueError
        return lambda view: (
            (actual := value_of(view.record)) is not None
            and (lowest is None or actual >= lowest)
            and (highest is None or actual <= highest)
        )

    return make


def with_words(texts_of: Callable[[Record], Iterable[str]]) -> Callable[..., Test]:
    """Words anywhere in the texts; in quotes, a phrase."""

    def make(value: Any, _: Record, __: datetime) -> Test:
        phrases = [plain(quoted or word) for quoted, word in re.findall(r'"([^"]+)"|(\S+)', str(value))]

        def holds(view: View) -> bool:
            texts = [plain(text) for text in texts_of(view.record)]
            return all(any(phrase in text for text in texts) for phrase in phrases)

        return holds

    return make


def plain(text: str) -> str:
    return " " + " ".join(re.findall(r"\w+", text.casefold())) + " "


def switched(holds: Callable[[Record], bool], *allowed: Any) -> Callable[..., Test]:
    """A filter that is either on or absent."""

    def make(value: Any, _: Record, __: datetime) -> Test:
        if value not in allowed:
            raise ValueError
        return (lambda view: holds(view.record)) if value else (lambda view: True)

    return make
