"""What somebody who mistyped a word probably meant. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def suggest(word: str, known: Iterable[str], *, what: str, suffix: str = "") -> str:
    """A sentence for an error's hint: the nearest known word, or all of them under the heading `what`."""
    choices = sorted(known)
    near = difflib.get_close_matches(word, choices, n=1)
    return f"Did you mean {near[0]}{suffix}?" if near else f"{what}: {', '.join(choices)}."
