"""Signs that word processors, phones and other scripts write for the quotes and the minus of a query. Pure."""

from __future__ import annotations

import re

_QUOTES = "\u201c\u201d\u201e\u201f\u00ab\u00bb\u300c\u300d\u300e\u300f\uff02"
_QUOTED_OR_QUOTE = re.compile(f'("[^"]*")|[{_QUOTES}]')

DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
# Dashes that exclude the term behind them; a dash between words or alone is none.
NEGATION = re.compile(rf'([{DASHES}]+)(?:[\w("]|\*(?:[\s)]|$))')


def straight(text: str) -> str:
    """The text with straight quotes in place of all others, except inside straight quotes. Positions do not change."""
    return _QUOTED_OR_QUOTE.sub(lambda match: match[1] or '"', text)


def lower_operator(word: str, before: str, rest: str) -> str | None:
    """What a reader must know about an operator in lower case between two words: it is searched as a word."""
    if word in ("or", "and", "not") and before and rest.strip():
        return f"{word!r} is searched as a word; to join or exclude write {word.upper()}"
    return None


def dash_notice(dashes: str, rest: str) -> str | None:
    """What a reader must know about dashes before `rest`, if they are not those of the keyboard."""
    if not dashes.strip("-"):
        return None
    word = re.split(r"[\s()]", rest[:40], maxsplit=1)[0] or "("
    return f"{dashes} before {word!r} was read as -, which excludes what follows"
