"""A place in a query's text, and what is read from there on: blanks, operators, words, quotes. Pure."""

from __future__ import annotations

import re

from archiver.errors import QueryError
from archiver.query.faults import lonely_operator

_PLAIN = re.compile(r'[^\s()"]+')
_MARK = re.compile(r"[^\W_]\?[^\W_]")  # what would be a wildcard without the quotes
_SHOWN = 40  # characters of a text in a notice
_OPERATOR = re.compile(r'(OR|AND|NOT)(?=[\s()"]|$)')


class Cursor:
    """Reads a text from its begin to its end."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.notices: list[str] = []

    def note(self, notice: str | None) -> None:
        """Keeps a notice, if there is one, for whoever reads the answer."""
        if notice:
            self.notices.append(notice)

    @property
    def is_at_end(self) -> bool:
        return self.at >= len(self.text)

    def sees(self, text: str) -> bool:
        """Whether this text comes next."""
        return self.text.startswith(text, self.at)

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What a pattern finds from here on."""
        return pattern.match(self.text, self.at)

    def blanks(self) -> None:
        """Goes behind all blanks."""
        while not self.is_at_end and self.text[self.at].isspace():
            self.at += 1

    def take(self, length: int) -> None:
        """Goes behind so many characters, and all blanks behind them."""
        self.at += length
        self.blanks()

    def operator(self) -> str | None:
        """The operator that comes next: OR, AND or NOT; None if there is none."""
        match = self.match(_OPERATOR)
        return match[1] if match else None

    def needs_term(self, position: int, operator: str) -> None:
        """Raises QueryError if nothing comes that an operator could apply to."""
        if self.is_at_end or self.text[self.at] == ")" or self.operator() in ("OR", "AND"):
            raise lonely_operator(operator, "after", position)

    def has_plain(self) -> bool:
        """Whether a word comes next."""
        return self.match(_PLAIN) is not None

    def plain(self) -> str:
        """The word that comes next, which there must be."""
        match = self.match(_PLAIN)
        assert match is not None  # the callers have checked
        self.take(len(match[0]))
        return match[0]

    def quoted(self) -> str:
        """What stands between the quotes that come next; what follows them directly is left. Raises QueryError."""
        opened = self.at
        closed = self.text.find('"', opened + 1)
        if closed < 0:
            raise QueryError("this quote is never closed", position=opened, hint='Add a " at the end of the phrase.')
        inside = self.text[opened + 1 : closed]
        self.at = closed + 1
        wild = re.search(r"\w\*", inside)
        if wild:
            raise QueryError("a * does not work inside quotes", position=opened + 2 + wild.start())
        if _MARK.search(inside):
            self.note(f'the ? inside "{inside[:_SHOWN]}" stands for itself, and separates words')
        return inside
