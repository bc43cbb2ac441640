"""How long work shows that it goes on: silently, as a bar, or as lines. All on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Protocol, TextIO

_LINE_EVERY_S = 30.0


class Progress(Protocol):
    """Told by work what it is doing; decides what people see of it."""

    def start(self, title: str, total: int | None, unit: str) -> None:
        """A stretch of work begins; `total` may be unknown."""
        ...

    def advance(self, count: int = 1, **facts: int | str) -> None: ...

    def say(self, message: str) -> None:
        """Something a person should know now."""
        ...

    def finish(self) -> None: ...


class Silent:
    def start(self, title: str, total: int | None, unit: str) -> None: ...

    def advance(self, count: int = 1, **facts: int | str) -> None: ...

    def say(self, message: str) -> None: ...

    def finish(self) -> None: ...


class Bar:
    """A bar on a terminal."""

    def __init__(self, stream: TextIO | None = None) -> None:
        from tqdm import tqdm

        self._make = tqdm
        self._stream = stream or sys.stderr
        self._bar: tqdm[object] | None = None

    def start(self, title: str, total: int | None, unit: str) -> None:
        self.finish()
        self._bar = self._make(
            desc=title, total=total, unit=f" {unit}", file=self._stream, dynamic_ncols=True, leave=False
        )

    def advance(self, count: int = 1, **facts: int | str) -> None:
        if self._bar is not None:
            if facts:
                self._bar.set_postfix(facts, refresh=False)
            self._bar.update(count)

    def say(self, message: str) -> None:
        self._make.write(message, file=self._stream)

    def finish(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class Lines:
    """Plain lines where there is no terminal: one at the start and end of a stretch and every half minute."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        self._title, self._unit = "", ""
        self._total: int | None = None
        self._done = 0
        self._facts: dict[str, int | str] = {}
        self._said_at = 0.0

    def start(self, title: str, total: int | None, unit: str) -> None:
        self._title, self._total, self._unit, self._done, self._facts = title, total, unit, 0, {}
        self._said_at = self._clock()

    def advance(self, count: int = 1, **facts: int | str) -> None:
        self._done += count
        self._facts.update(facts)
        if self._clock() - self._said_at >= _LINE_EVERY_S:
            self._line()

    def _line(self) -> None:
        self._said_at = self._clock()
        of_total = f" of {self._total:,}" if self._total is not None else ""
        facts = "".join(f", {name} {value}" for name, value in self._facts.items())
        self.say(f"{self._title}: {self._done:,}{of_total} {self._unit}{facts}")

    def say(self, message: str) -> None:
        print(message, file=self._stream, flush=True)

    def finish(self) -> None:
        if self._title:
            self._line()
        self._title = ""


def choose(kind: str, stream: TextIO | None = None) -> Progress:
    """`bar`, `log` or `none`; `auto` is a bar on a terminal and lines elsewhere."""
    stream = stream or sys.stderr
    if kind == "none":
        return Silent()
    if kind == "bar" or (kind == "auto" and stream.isatty()):
        return Bar(stream)
    return Lines(stream)
