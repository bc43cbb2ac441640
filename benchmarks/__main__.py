"""`python -m benchmarks [--data FILE] [--conversations N] [--rounds N]`

Prints, each against the bare part in the same run: harvest → vault (the same pages downloaded and thrown away),
vault → index (the same documents given to tantivy alone), search (the same query asked of tantivy alone), and the peak
memory of harvest and index for a tenth of the time and for all of it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks import parts
from benchmarks.options import parser


def timed(work: Callable[[], object]) -> float:
    """Seconds."""
    start = perf_counter()
    work()
    return perf_counter() - start


class Account:
    """A simulated account in a process of its own, so that it does not share our interpreter."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.described: dict[str, Any] = json.loads(self._line())

    def answer_after(self, latency_ms: int) -> int:
        """Sets how long it waits before each answer; how many requests for conversations there were until now."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{latency_ms}\n")
        self._process.stdin.flush()
        return int(self._line())

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


@contextmanager
def simulator(data: Path | None, conversations: int) -> Iterator[Account]:
    """A simulated account of a wanted size."""
    command = [sys.executable, "-m", "benchmarks.account", "--conversations", str(conversations)]
    command += ["--data", str(data)] if data else []
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Account(process)
    finally:
        process.terminate()
        process.wait()


def compare(name: str, ours: list[float], bare: list[float]) -> None:
    ratios = [theirs / mine for mine, theirs in zip(ours, bare, strict=True)]
    print(
        f"{name:<18} ours {1000 * median(ours):9.2f} ms   bare {1000 * median(bare):9.2f} ms   "
        f"speed of the bare part reached: {median(ratios):.2f} ({min(ratios):.2f} .. {max(ratios):.2f})"
    )


def speed(account: dict[str, Any], rounds: int, folder: Path) -> None:
    ours, bare = [], []
    for number in range(rounds):
        ours.append(timed(partial(parts.harvest, account, folder / str(number))))
        bare.append(timed(partial(parts.download, account)))
    compare("harvest → vault", ours, bare)
    documents = parts.prepared(folder / "0")
    ours, bare = [], []
    for number in range(rounds):
        ours.append(timed(partial(parts.index, folder / str(number))))
        bare.append(timed(partial(parts.index_bare, documents, folder / f"bare{number}")))
    compare("vault → index", ours, bare)
    for query in ("table", '"table for"', "re*", "a OR the"):
        asked = parts.Asked(folder / "0", query)
        pairs = [(timed(asked.ours), timed(asked.bare)) for _ in range(10 * rounds)]
        compare(f"search {query}", [pair[0] for pair in pairs], [pair[1] for pair in pairs])


def memory(account: dict[str, Any]) -> None:
    """Peak resident memory for a tenth of the time and for all of it, which is as full; each in a fresh process."""
    for what in ("harvest", "harvest + index"):
        peaks = []
        for days in (39, 390):
            with tempfile.TemporaryDirectory() as folder:
                command = [sys.executable, "-m", "benchmarks.parts", json.dumps(account), folder, what, str(days)]
                peaks.append(int(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        print(
            f"peak memory        {what:<16} {peaks[0] / 1e6:6.1f} MB for 39 days, {peaks[1] / 1e6:6.1f} MB for 390: "
            f"{peaks[1] / peaks[0]:.2f} times"
        )


def main() -> None:
    options = parser(__doc__, conversations=2_000, rounds=3).parse_args()
    with simulator(options.data, options.conversations) as account, tempfile.TemporaryDirectory() as folder:
        speed(account.described, options.rounds, Path(folder))
        memory(account.described)


if __name__ == "__main__":
    main()
