"""The options that the benchmarks share."""

from __future__ import annotations

import argparse
from pathlib import Path


def parser(description: str | None, *, conversations: int, rounds: int | None = None) -> argparse.ArgumentParser:
    """A parser with `--data`, `--conversations` and, with a default for it, `--rounds`."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--data", type=Path, help="raw records, as for archiver simulate; repeated as often as needed")
    made.add_argument("--conversations", type=int, default=conversations)
    if rounds is not None:
        made.add_argument("--rounds", type=int, default=rounds)
    return made
