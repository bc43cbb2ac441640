"""`python -m benchmarks.harvesting [--data FILE] [--conversations N] [--rounds N]`

Harvests a simulated account that answers after 0, 50 and 200 ms, against a bare download of the same pages, one after
the other, which are read to the end and thrown away. Prints seconds, the speed of the bare download that is reached,
and how many requests for conversations there were for a hundred conversations: of a harvest by searches alone, and of
one that looks each conversation up by its id.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from statistics import median

from archiver.choices import Depth
from benchmarks import parts
from benchmarks.__main__ import Account, simulator, timed
from benchmarks.options import parser

LATENCIES_MS = (0, 50, 200)


def measure(account: Account, latency_ms: int, rounds: int, folder: Path, conversations: int) -> None:
    """Prints a line for each kind of harvest."""
    bare: list[float] = []
    ours: dict[Depth, list[float]] = {Depth.SEARCH: [], Depth.FULL: []}
    requests: dict[Depth, int] = {}
    for number in range(rounds):
        account.answer_after(latency_ms)
        bare.append(timed(partial(parts.download, account.described)))
        for depth, times in ours.items():
            account.answer_after(latency_ms)
            fresh = folder / f"{latency_ms}-{depth}-{number}"
            times.append(timed(partial(parts.harvest, account.described, fresh, depth=depth)))
            requests[depth] = account.answer_after(latency_ms)
    for depth, times in ours.items():
        reached = median(there / here for here, there in zip(times, bare, strict=True))
        print(
            f"{latency_ms:>4} ms  {depth:<7} ours {median(times):6.2f} s   bare {median(bare):6.2f} s   "
            f"speed of the bare download: {reached:.2f}   requests per 100: {requests[depth] * 100 / conversations:.2f}"
        )


def main() -> None:
    options = parser(__doc__, conversations=12_000, rounds=2).parse_args()
    with simulator(options.data, options.conversations) as account, tempfile.TemporaryDirectory() as folder:
        for latency_ms in LATENCIES_MS:
            measure(account, latency_ms, options.rounds, Path(folder), options.conversations)


if __name__ == "__main__":
    main()
