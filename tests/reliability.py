"""`python -m tests.reliability [--many] [--write] [WORD…]`: what was injected, how often, and what came of it.

Runs the tests that inject faults and prints one row for each kind of fault: how many cases were tried, and whether each
ended as it has to. `--many` tries many times more examples (about an hour), `--write` puts the table into
docs/reliability.md, words choose the kinds that contain one of them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "reliability.md"
_BEGIN, _END = "<!-- the table begins -->\n", "<!-- the table ends -->\n"
_TALLY = re.compile(r"^tally (\d+) (\d+) (\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault. `tests` are files or tests; `times` is by how much `--many` multiplies its examples."""

    fault: str
    injected: str
    promise: str
    tests: tuple[str, ...]
    times: int = 1


_IN = "tests/integration"
KINDS = (
    Kind(
        "a harvest killed at any write", "SIGKILL before and after each write to the archive's file",
        "what is left is whole; the same command ends like an undisturbed one", (f"{_IN}/archive/test_crashes.py",),
    ),
    Kind(
        "odd records", "values of any type, sentinels, broken characters, depth, damaged bytes, through all commands",
        "the others are found, shown, exported and verified; an odd one is read, refused by name or quarantined",
        (f"{_IN}/test_odd_records.py", "tests/unit/test_lenientjson.py", "tests/unit/transcript"), 85,
    ),
    Kind(
        "unreadable records on a page", "quotes, brackets and escapes that do not fit; a page cut off",
        "costs only itself; a page that was cut off is asked for again", ("tests/unit/liveperson/test_answers.py",),
    ),
    Kind(
        "odd, deep and huge queries", "random text and grammar, 100,000 characters, hundreds of brackets",
        "an answer, or an error with its position", ("tests/unit/query",), 200,
    ),
    Kind(
        "queries compared with a scan", "random archives and queries over every store",
        "the same answers as a scan of the raw records",
        ("tests/contract/test_stores.py", "tests/contract/test_parity.py"), 10,
    ),
    Kind(
        "LivePerson's answers", "errors, HTML, cut JSON, wrong counts, missing pages, moving rows, endless answers",
        "complete, or named as not proven",
        (f"{_IN}/liveperson/test_answers.py", f"{_IN}/liveperson/test_completeness.py"), 5,
    ),
    Kind(
        "a host that moves, a bad directory", "resets, time-outs, 404, 5xx, HTML and cut JSON of each service",
        "found again without a wait over 15 s", (f"{_IN}/liveperson/test_waits.py",),
    ),
    Kind(
        "wrong clocks", "a clock 11 minutes to 200 days off, at 1970, corrected meanwhile; no Date header",
        "everything kept, nothing proven that can't be; old proofs of the future are withdrawn",
        (f"{_IN}/harvest/test_time.py",),
    ),
    Kind(
        "truncated records", "isPartial that becomes whole later, or never", "read again; never proven while truncated",
        (f"{_IN}/harvest/test_cut_records.py",),
    ),
    Kind(
        "the edge of LivePerson's retention", "conversations older than 13 months, and about to be deleted",
        "kept while LivePerson returns them, never called proven", (f"{_IN}/harvest/test_leftovers.py",),
    ),
    Kind(
        "histories of any order", "open, grown, closed, masked, deleted conversations with harvests in between",
        "nothing that LivePerson showed is lost", (f"{_IN}/harvest/test_histories.py",), 5,
    ),
    Kind(
        "the archive's file", "garbage in any column, flipped and exchanged bytes and pages, foreign parts and logs",
        "named or repaired, exit 6 or 9 in words; no conversation hidden, no wrong answer",
        (f"{_IN}/archive/test_garbage.py", f"{_IN}/archive/test_verify.py", f"{_IN}/archive/test_lease.py"), 10,
    ),
    Kind(
        "archives that may not be written", "read-only files, folders and mounts; any umask",
        "searched, shown, exported and verified; files are their owner's only",
        (f"{_IN}/archive/test_read_only.py", f"{_IN}/archive/test_private.py"),
    ),
    Kind(
        "the embedded index", "flipped bits in each file, lost files, an index of another archive, restored backups",
        "named by verify, refused or made again; never a wrong answer", (f"{_IN}/index/test_damage.py",), 5,
    ),
    Kind(
        "losses on Elasticsearch", "state, month, documents or alias lost or altered; two families or rebuilds at once",
        "noticed before an answer, named, healed", (f"{_IN}/index/test_elastic_losses.py",),
    ),
    Kind(
        "Elasticsearch that fails", "busy, blocked, killed; refused and oversized documents; a catch-up killed",
        "nothing lost or doubled; what it will never take is refused by name", (f"{_IN}/index/test_elastic_faults.py",),
    ),
    Kind(
        "a service in trouble", "full and read-only disks, refused credentials, a hanging index, 1,000 connections",
        "goes on or waits, says so, ends within seconds when told", (f"{_IN}/service",),
    ),
    Kind(
        "terminals, pipes and arguments", "encodings, arguments that are no UTF-8, secrets in addresses",
        "the same text when read; no secret printed; nothing overwritten", (f"{_IN}/cli/test_printing.py",),
    ),
)  # fmt: skip


def run(kind: Kind, *, is_many: bool) -> str:
    """The row of a kind."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.tally", "-p", "no:cacheprovider", *kind.tests]
    environment = {**os.environ, "ARCHIVER_TEST_TIMES": str(kind.times if is_many else 1)}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    found = _TALLY.search(done.stdout)
    cases, failed, skipped = map(int, found.groups()) if found else (0, 1, 0)
    if failed:
        print(done.stdout[-5_000:], file=sys.stderr)
    result = kind.promise if not failed else f"**{failed} tests failed**"
    more = f" ({skipped} tests could not run here)" if skipped else ""
    return f"| {kind.fault} | {kind.injected} | {cases:,} | {result}{more} |\n"


def rows_of_page() -> dict[str, str]:
    """The rows of docs/reliability.md by their fault."""
    table = PAGE.read_text().partition(_BEGIN)[2].partition(_END)[0]
    lines = [line for line in table.splitlines(keepends=True) if line.startswith("| ")][1:]
    return {line.split("|")[1].strip(): line for line in lines}


def write(rows: dict[str, str]) -> None:
    """Puts rows into docs/reliability.md; kinds that were not run keep theirs."""
    known = rows_of_page() | rows
    head = "| what went wrong | how it was injected | cases | what came of it |\n|---|---|---|---|\n"
    table = head + "".join(known[kind.fault] for kind in KINDS if kind.fault in known)
    before, _, rest = PAGE.read_text().partition(_BEGIN)
    PAGE.write_text(before + _BEGIN + table + _END + rest.partition(_END)[2])


def main(words: list[str]) -> Iterator[str]:
    is_many = "--many" in words
    chosen = [word for word in words if not word.startswith("-")]
    for kind in KINDS:
        if not chosen or any(word in f"{kind.fault} {' '.join(kind.tests)}" for word in chosen):
            row = run(kind, is_many=is_many)
            if "--write" in words:
                write({kind.fault: row})
            yield row


if __name__ == "__main__":
    found = list(main(sys.argv[1:]))
    print("".join(found), end="")
    sys.exit(any("tests failed" in row for row in found))
