"""`python -m benchmarks.growth [--data FILE] [--conversations N] [--only WORD]`

Runs every command that reads many conversations as a process, on archives of N, 4 N and 16 N conversations. Prints, as
a Markdown table: CPU time for each conversation, without what the command takes on an archive of a few; peak anonymous
memory (RssAnon: without the files of the index, which the system maps and drops as it likes); and how much the largest
archive costs against the smallest.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.options import parser
from benchmarks.queries import fill

FACTORS = (1, 4, 16)
_FEW = 20  # conversations: what a command takes for these is its start
_SAMPLED_EVERY_S = 0.005
_ANONYMOUS = re.compile(r"RssAnon:\s+(\d+) kB")
COMMANDS: dict[str, tuple[str, ...]] = {
    "reindex": ("reindex",),
    "verify": ("verify",),
    "verify, the vault alone": ("verify", "--no-index"),
    "search, a page": ("search", "table"),
    "search, a page of messages": ("search", "table", "--scope", "message"),
    "search, a frequent word by relevance": ("search", "the", "--sort", "relevance"),
    "search --all": ("search", "table", "--all", "--json"),
    "search --all --scope message": ("search", "table", "--all", "--json", "--scope", "message"),
    "search by matches": ("search", "zebra OR refund", "--sort", "matches"),
    "search, a facet": ("search", "table", "--facet", "skill", "--limit", "0"),
    "histogram": ("histogram", "table", "--interval", "month"),
    "terms": ("terms", "-"),
    "fields": ("fields", "skill"),
    "export": ("export", "--output", "-"),
    "export by query": ("export", "table", "--output", "-"),
    "export --scope message": ("export", "table", "--scope", "message", "--output", "-"),
    **{
        f"export --format {format_}": ("export", "--format", format_, "--output", "{new}/export")
        for format_ in ("csv", "html", "parquet", "rsmf", "vcon", "case")
    },
    "export --changes-since": ("export", "--changes-since", "0", "--output", "-"),
    "singer": ("singer",),
    "certify": ("certify", "zebra", "--output", "{new}/certificate.json"),
    "coverage": ("coverage",),
    "status": ("status",),
    "erasures": ("erasures",),
}
_TERMS = "table\nhotel\nrefund AND ticket\n"


@dataclass(frozen=True)
class Cost:
    """What one run of a command took."""

    cpu_s: float
    anonymous_bytes: int


def run(folder: Path, arguments: Sequence[str]) -> Cost:
    """Runs a command of the archive in a folder to its end. Raises CalledProcessError if it fails."""
    command = [sys.executable, "-m", "archiver", "--archive", str(folder), "--progress", "none"]
    with tempfile.TemporaryDirectory() as new, tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as told:
        command += [word.replace("{new}", new) for word in arguments]
        given.write(_TERMS.encode())
        given.seek(0)
        process = subprocess.Popen(command, stdin=given, stdout=subprocess.DEVNULL, stderr=told)
        peak = 0
        while True:
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
            if ended:
                break
            peak = max(peak, _anonymous_bytes(process.pid))
            time.sleep(_SAMPLED_EVERY_S)
        process.returncode = os.waitstatus_to_exitcode(status)
        told.seek(0)
        if process.returncode not in (0, 3, 9):  # done; with gaps; with findings
            raise subprocess.CalledProcessError(process.returncode, command, stderr=told.read())
    return Cost(usage.ru_utime + usage.ru_stime, peak)


def _anonymous_bytes(pid: int) -> int:
    try:
        found = _ANONYMOUS.search(Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


def row(name: str, arguments: Sequence[str], few: Path, archives: dict[int, Path]) -> str:
    """A line of the table."""
    start = run(few, arguments).cpu_s
    costs = [run(folder, arguments) for folder in archives.values()]
    each = [max(cost.cpu_s - start, 0) / count * 1e6 for cost, count in zip(costs, archives, strict=True)]
    memory = [cost.anonymous_bytes / 1e6 for cost in costs]
    growth = f"{each[-1] / each[0]:.2f}" if each[0] > 1 else "-"
    columns = [name, f"{start:.2f}", *(f"{value:.1f}" for value in each), growth]
    columns += [*(f"{value:.0f}" for value in memory), f"{memory[-1] / memory[0]:.2f}"]
    return f"| {' | '.join(columns)} |"


def main() -> None:
    given = parser(__doc__, conversations=2_000)
    given.add_argument("--only", default="", help="only commands whose name holds this")
    options = given.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        few, archives = Path(temporary) / "few", dict[int, Path]()
        fill(few, options.data, _FEW)
        for factor in FACTORS:
            archives[options.conversations * factor] = Path(temporary) / str(factor)
            fill(Path(temporary) / str(factor), options.data, options.conversations * factor)
        for folder in (few, *archives.values()):
            run(folder, ("reindex",))
        sizes = [f"{count:,}" for count in archives]
        print(f"| command | start s | {' | '.join(f'µs each, {size}' for size in sizes)} | growth |", end="")
        print(f" {' | '.join(f'MB, {size}' for size in sizes)} | growth |")
        print(f"|---|{'--:|' * (3 + 2 * len(FACTORS))}")
        for name, arguments in COMMANDS.items():
            if options.only in name:
                print(row(name, arguments, few, archives), flush=True)


if __name__ == "__main__":
    main()
