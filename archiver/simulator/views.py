"""The conversations of a simulated account, and the state of each at a moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol

from archiver.jsontext import decode, encode, split_object
from archiver.simulator.calendar import to_ms
from archiver.simulator.courses import Course, step
from archiver.simulator.sections import record
from archiver.value import Value


@dataclass(slots=False)
class View:
    """One conversation at a moment: its record, and when it was last updated."""

    id: str
    start_ms: int
    raw: bytes
    updated_ms: int

    @cached_property
    def record(self) -> dict[str, Any]:
        record: dict[str, Any] = decode(self.raw)
        return record

    @cached_property
    def info(self) -> dict[str, Any]:
        info: dict[str, Any] = decode(split_object(self.raw)["info"])
        return info

    @property
    def is_open(self) -> bool:
        return self.info.get("status") == "OPEN"


class Item(Protocol):
    """A conversation of the account, which exists from its start on."""

    @property
    def id(self) -> str: ...

    @property
    def start_ms(self) -> int: ...

    def at(self, now: datetime) -> View: ...


class Stored(Value):
    """A fixed record, until another one replaces it."""

    id: str
    start_ms: int
    raw: bytes
    updated_ms: int

    def at(self, now: datetime) -> View:
        return View(self.id, self.start_ms, self.raw, self.updated_ms)


@dataclass(slots=True)
class Scheduled:
    """A conversation that goes on with the clock."""

    course: Course
    _moments: tuple[datetime, ...] = field(init=False)
    _last: tuple[int, View] | None = None

    def __post_init__(self) -> None:
        self._moments = self.course.moments()

    @property
    def id(self) -> str:
        return self.course.id

    @property
    def start_ms(self) -> int:
        return to_ms(self.course.started_at)

    def at(self, now: datetime) -> View:
        over = step(self._moments, now)
        if self._last is None or self._last[0] != over:
            updated_at = self._moments[max(over - 1, 0)]
            raw = encode(record(self.course, max(now, self.course.started_at)))
            self._last = (over, View(self.id, self.start_ms, raw, to_ms(updated_at)))
        return self._last[1]
