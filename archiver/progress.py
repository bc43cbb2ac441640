"""How long-running work reports progress to people: a bar, lines, or nothing. All on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Protocol, TextIO

_LINE_EVERY_S = 30.0
_SINGULAR = {
    "windows": "window", "ids": "id", "consumers": "consumer", "conversations": "conversation", "entries": "entry",
    "messages": "message", "hours": "hour",
}  # fmt: skip


class Progress(Protocol):
    """Receives the progress of long work; decides what people see of it."""

    def start(self, title: str, total: int | None, unit: str) -> None:
        """A stretch of work begins; `total` may be unknown."""
        ...

    def advance(self, count: int = 1, **counts: int | str) -> None:
        """`count` more units are done; `counts` are shown beside the total."""
        ...

    def finish(self) -> None:
        """The stretch of work has ended, for whatever reason. May be called twice."""
        ...


class Silent:
    """Shows nothing."""

    def start(self, title: str, total: int | None, unit: str) -> None: ...

    def advance(self, count: int = 1, **counts: int | str) -> None: ...

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

    def advance(self, count: int = 1, **counts: int | str) -> None:
        if self._bar is not None:
            if counts:
                self._bar.set_postfix(counts, refresh=False)
            self._bar.update(count)

    def finish(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class Lines:
    """Plain lines where there is no terminal: one every half minute and one at the end of a stretch."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        self._title, self._unit = "", ""
        self._total: int | None = None
        self._done = 0
        self._counts: dict[str, int | str] = {}
        self._printed_at = 0.0

    def start(self, title: str, total: int | None, unit: str) -> None:
        self._title, self._total, self._unit, self._done, self._counts = title, total, unit, 0, {}
        self._printed_at = self._clock()

    def advance(self, count: int = 1, **counts: int | str) -> None:
        self._done += count
        self._counts.update(counts)
        if self._clock() - self._printed_at >= _LINE_EVERY_S:
            self._print()

    def _print(self) -> None:
        self._printed_at = self._clock()
        of_total = f" of {self._total:,}" if self._total is not None else ""
        counts = "".join(f", {name} {value}" for name, value in self._counts.items())
        unit = _SINGULAR.get(self._unit, self._unit) if (self._total or self._done) == 1 else self._unit
        write_line(f"{self._title}: {self._done:,}{of_total} {unit}{counts}", self._stream)

    def finish(self) -> None:
        if self._title:
            self._print()
        self._title = ""


def write_line(text: str, stream: TextIO) -> None:
    """Writes a line to a stream, above a progress bar if one is drawn there."""
    if "tqdm" in sys.modules:
        sys.modules["tqdm"].tqdm.write(text, file=stream)
    else:
        print(text, file=stream)
    stream.flush()


def choose(kind: str, stream: TextIO | None = None) -> Progress:
    """`bar`, `log` (lines) or `none`; `auto` is a bar on a terminal and lines elsewhere."""
    stream = stream or sys.stderr
    if kind == "none":
        return Silent()
    if kind == "bar" or (kind == "auto" and stream.isatty()):
        return Bar(stream)
    return Lines(stream)
