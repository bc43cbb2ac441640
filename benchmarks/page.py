"""`python -m benchmarks.page [--data FILE] [--conversations N] [--readers N] [--seconds N]`

Serves the page of an archive to readers who search, open a transcript and pause a second between clicks, and prints p50
and p95 in milliseconds of both, beside those of one reader alone, how large the pages are, and how long Chromium takes
to paint one; then the times while the same process harvests a simulated account (`serve --harvest`). 50,000
conversations are a million messages, older than those that the account still has.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any
from urllib.parse import quote

import httpx

from archiver.app import Archive
from archiver.config import find_settings
from archiver.windows import provable
from benchmarks.options import parser
from benchmarks.painting import painting
from benchmarks.queries import QUERIES, fill

_PAUSE_S, _PATIENCE_S = 1.0, 120.0
_REPEATED, _SAMPLED = 0.5, 500  # share of queries; conversations
Times = defaultdict[str, list[float]]


@contextmanager
def running(*words: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """The program with these words, as a process of its own."""
    command = [sys.executable, "-m", "archiver", *words]
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env={**os.environ, **environment}, **pipes) as process:
        try:
            yield process
        finally:
            process.terminate()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of the page, as a user has it."""
    with running("--archive", str(folder), "serve", "--listen", "127.0.0.1:0") as process:
        yield _address(process)


@contextmanager
def harvesting(folder: Path, conversations: int, data: Path | None) -> Iterator[str]:
    """The same of a process that harvests meanwhile: the conversations of a data file, or so many."""
    scenario = folder.parent / "scenario.toml"
    scenario.write_text(f"conversations = {conversations}\n")
    given = ("--data", str(data)) if data else ("--scenario", str(scenario))
    with running("simulate", *given) as simulator:
        assert simulator.stdout is not None
        told = json.loads(simulator.stdout.readline())
        names = ("account", "domain_url", "client_id", "client_secret")
        account = {f"ARCHIVER_{name.upper()}": told[name] for name in names}
        words = ("--archive", str(folder), "serve", "--harvest", "--every", "10s", "--listen", "127.0.0.1:0")
        with running(*words, **account) as process:
            yield _address(process)


def _address(process: subprocess.Popen[str]) -> str:
    """The address that a process tells; what it tells later is read and dropped, so that it never waits."""
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(r"http://[0-9.:]+", line):
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return found[0]
    raise RuntimeError("the page did not begin")


class Reader(threading.Thread):
    """Somebody who searches and reads until a moment."""

    def __init__(self, url: str, words: Sequence[str], seed: str, until: float, pause_s: float) -> None:
        super().__init__()
        self._words = words
        self._client, self._dice = httpx.Client(base_url=url, timeout=_PATIENCE_S), random.Random(seed)
        self._until, self._pause_s = until, pause_s
        self.times: Times = defaultdict(list)
        self.sizes: dict[str, int] = {}

    def run(self) -> None:
        time.sleep(self._dice.random() * self._pause_s)  # readers do not come all at once
        while time.perf_counter() < self._until:
            page = self._timed("search", "/", q=self._query())
            found = [part.partition('"')[0] for part in page.split('<h3><a href="')[1:]]
            if found:
                self._timed("transcript", self._dice.choice(found).partition("#")[0].replace("&amp;", "&"))

    def _query(self) -> str:
        """One of a few that are asked again and again, or one that nobody has asked before."""
        if self._dice.random() < _REPEATED:
            return self._dice.choice(QUERIES)
        return " ".join(self._dice.sample(self._words, self._dice.choice((1, 2))))

    def _timed(self, what: str, path: str, **parameters: str) -> str:
        start = time.perf_counter()
        answer = self._client.get(path, params=parameters or None).raise_for_status()
        self.times[what].append(1000 * (time.perf_counter() - start))
        self.sizes[what] = max(self.sizes.get(what, 0), len(answer.content))
        time.sleep(self._pause_s * (0.5 + self._dice.random()))
        return answer.text


def words_of(folder: Path) -> list[str]:
    """The words of some messages of an archive."""
    with Archive(find_settings({"archive": str(folder)})) as archive:
        hits = archive.search("", limit=_SAMPLED)
        texts = [message.text for hit in hits for message in hit.transcript.messages]
    return sorted({word for text in texts for word in re.findall(r"[a-z]{4,}", text.lower())})


def measure(url: str, words: Sequence[str], readers: int, seconds: float, pause_s: float) -> None:
    until = time.perf_counter() + seconds
    threads = [Reader(url, words, f"{number} of {readers}", until, pause_s) for number in range(readers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for what in ("search", "transcript"):
        times = sorted(time_ms for thread in threads for time_ms in thread.times[what])
        cuts = quantiles(times, n=20)
        size = max(thread.sizes.get(what, 0) for thread in threads)
        print(
            f"{readers:>3} readers  {what:<10} {len(times):>6} pages  p50 {cuts[9]:7.1f} ms  p95 {cuts[18]:7.1f} ms"
            f"  largest {size / 1000:.0f} kB"
        )


def main() -> None:
    given = parser(__doc__, conversations=50_000, rounds=1)
    given.add_argument("--readers", type=int, default=20)
    given.add_argument("--seconds", type=float, default=60.0)
    options = given.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "archive"
        fill(folder, options.data, options.conversations, until=provable(datetime.now(UTC)).start)
        with Archive(find_settings({"archive": str(folder)})) as archive:
            print(f"{archive.search('').total:,} conversations, {archive.file.vault.totals()[1]:,} messages")
        words = words_of(folder)
        with served(folder) as url:
            measure(url, words, 1, options.seconds / 4, 0.0)
            measure(url, words, options.readers, options.seconds, _PAUSE_S)
            painting(url, [f"/?q={quote(query)}" for query in QUERIES])
        print("while it harvests:")
        with harvesting(folder, options.conversations, options.data) as url:
            measure(url, words, options.readers, options.seconds, _PAUSE_S)


if __name__ == "__main__":
    main()
