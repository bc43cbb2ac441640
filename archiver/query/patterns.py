"""Patterns for one word: wildcards, similar words, and a small language of regular expressions. Pure.

Each pattern has a meaning of its own here, in time linear in the word's length, and a spelling that every search engine
reads alike. A regular expression consists of letters, digits, `.`, `[a-c]`, `[^a-c]`, `( | )`, `* + ?` and `{2,3}`, and
must fit the whole word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from archiver.query.ast import How, Term
from archiver.query.tokens import words
from archiver.value import Value

MOST_CHARACTERS = 100
MOST_STATES = 500
_MOST_TIMES = 20
_REMEMBERED = 10_000


def fits(term: Term, word: str) -> bool:
    """Whether a folded word is what a term asks for."""
    match term.how:
        case How.EXACT:
            return word == term.text
        case How.PREFIX:
            return word.startswith(term.text)
        case How.FUZZY:
            return abs(len(word) - len(term.text)) <= term.edits and _distance(term.text, word) <= term.edits
        case How.WILD | How.REGEX:
            return _matches(regex_of(term), word)


@lru_cache(_REMEMBERED)
def _distance(text: str, word: str) -> int:
    return distance(text, word)


@lru_cache(_REMEMBERED)
def _matches(pattern: str, word: str) -> bool:
    return compiled(pattern).fits(word)


def regex_of(term: Term) -> str:
    """The regular expression of a term, for whole words, as every engine reads it."""
    match term.how:
        case How.PREFIX:
            return f"{escaped(term.text)}.*"
        case How.WILD:
            return "".join({"*": ".*", "?": "."}.get(char) or escaped(char) for char in term.text)
        case How.REGEX:
            return term.text
        case _:
            return escaped(term.text)


_SPECIAL = frozenset(r"\.+*?()|[]{}^$#&-~/<>@\"")


def escaped(text: str) -> str:
    """A text in which no character has a meaning of its own."""
    return "".join(f"\\{char}" if char in _SPECIAL else char for char in text)


def distance(first: str, second: str) -> int:
    """How many characters have to be added, left out, replaced, or swapped with their neighbour, each place once."""
    before: list[int] = []
    last = list(range(len(second) + 1))
    for row, one in enumerate(first, 1):
        line = [row]
        for column, other in enumerate(second, 1):
            cost = min(last[column] + 1, line[-1] + 1, last[column - 1] + (one != other))
            if row > 1 and column > 1 and one == second[column - 2] and first[row - 2] == other:
                cost = min(cost, before[column - 2] + 1)
            line.append(cost)
        before, last = last, line
    return last[-1]


# ── regular expressions ──


class _State(Value):
    """Reads one character of a set (None: any; `is_not`: any other), or goes on without reading if it has no `to`."""

    chars: frozenset[str] | None = None
    is_not: bool = False
    to: int = -1
    also: tuple[int, ...] = ()


class Automaton:
    """A compiled regular expression. Matching takes time linear in the word's length."""

    def __init__(self, states: list[_State], start: int) -> None:
        self._states, self._start = states, start

    def fits(self, word: str) -> bool:
        """Whether the whole word fits."""
        now = self._closed((self._start,))
        for char in word:
            now = self._closed(
                state.to for state in (self._states[at] for at in now) if state.to >= 0 and _reads(state, char)
            )
        return 0 in now

    def _closed(self, places: Iterable[int]) -> set[int]:
        found: set[int] = set()
        pending = list(places)
        while pending:
            at = pending.pop()
            if at not in found:
                found.add(at)
                pending += self._states[at].also
        return found


def _reads(state: _State, char: str) -> bool:
    return state.chars is None or (char in state.chars) != state.is_not


@lru_cache(_REMEMBERED)
def compiled(pattern: str) -> Automaton:
    """The automaton of a regular expression. Raises ValueError with the reason if it is none, or too large."""
    return _Compiler(pattern).automaton()


_RANGE = re.compile(r"(\w)-(\w)", re.ASCII)
_TIMES = re.compile(r"\{([0-9]{1,2})(?:(,)([0-9]{1,2})?)?\}")


class _Compiler:
    """Builds the states from the end to the begin: each part is built for the state that follows it."""

    def __init__(self, pattern: str) -> None:
        self._pattern, self._at = pattern, 0
        self._states: list[_State] = [_State()]  # the end

    def automaton(self) -> Automaton:
        tree = self._either()
        if self._at < len(self._pattern):
            raise ValueError("there is a ) without a (")
        return Automaton(self._states, self._build(tree, 0))

    # A tree is ("char", chars, is_not), ("any",), ("seq", [trees]), ("or", [trees]) or ("times", tree, low, high).

    def _either(self) -> tuple[object, ...]:
        parts = [self._sequence()]
        while self._pattern.startswith("|", self._at):
            self._at += 1
            parts.append(self._sequence())
        return ("or", parts) if len(parts) > 1 else parts[0]

    def _sequence(self) -> tuple[object, ...]:
        parts: list[tuple[object, ...]] = []
        while self._at < len(self._pattern) and self._pattern[self._at] not in "|)":
            parts.append(self._repeated(self._one()))
        return ("seq", parts)

    def _one(self) -> tuple[object, ...]:
        char = self._pattern[self._at]
        self._at += 1
        if char == "(":
            inner = self._either()
            if not self._pattern.startswith(")", self._at):
                raise ValueError("a ( is never closed")
            self._at += 1
            return inner
        if char == "[":
            return self._set()
        if char == ".":
            return ("char", None, False)
        if char == "\\" and self._at < len(self._pattern):
            char = self._pattern[self._at]
            self._at += 1
            if char == "d":
                return ("char", frozenset("0123456789"), False)
            if char.isalnum():
                raise ValueError(f"\\{char} is not known; write the characters as in [a-z0-9]")
        elif not char.isalnum() and not words(char):
            raise ValueError(f"{char} is not known here; words consist of letters and digits")
        return ("char", frozenset((char,)), False)

    def _set(self) -> tuple[object, ...]:
        end = self._pattern.find("]", self._at)
        if end < 0:
            raise ValueError("a [ is never closed")
        inside = self._pattern[self._at : end]
        self._at = end + 1
        is_not = inside.startswith("^")
        inside = inside.removeprefix("^")
        chars = set(_RANGE.sub("", inside))
        for first, last in _RANGE.findall(inside):
            chars |= {chr(code) for code in range(ord(first), ord(last) + 1)}
        if not chars or any(not char.isalnum() for char in chars):
            raise ValueError("between [ and ] stand letters, digits and ranges such as a-f")
        return ("char", frozenset(chars), is_not)

    def _repeated(self, tree: tuple[object, ...]) -> tuple[object, ...]:
        while self._at < len(self._pattern):
            char = self._pattern[self._at]
            if char in "*+?":
                self._at += 1
                low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}[char]
            elif char == "{":
                low, high = self._times()
            else:
                break
            tree = ("times", tree, low, high)
        return tree

    def _times(self) -> tuple[int, int | None]:
        match = _TIMES.match(self._pattern, self._at)
        if not match:
            raise ValueError("write {2}, {2,} or {2,5}")
        self._at = match.end()
        low = int(match[1])
        high = low if not match[2] else (int(match[3]) if match[3] else None)
        if low > _MOST_TIMES or (high or 0) > _MOST_TIMES or (high is not None and high < low):
            raise ValueError(f"repeat at most {_MOST_TIMES} times, the smaller number first")
        return low, high

    def _build(self, tree: tuple[object, ...], following: int) -> int:
        match tree:
            case ("char", chars, bool(is_not)):
                return self._add(_State(chars, is_not, following))  # type: ignore[arg-type]
            case ("seq", list(parts)):
                for part in reversed(parts):
                    following = self._build(part, following)
                return following
            case ("or", list(parts)):
                return self._add(_State(frozenset(), also=tuple(self._build(part, following) for part in parts)))
            case ("times", tuple(part), int(low), high):
                return self._build_times(part, low, high, following)  # type: ignore[arg-type]
        raise AssertionError(tree)

    def _build_times(self, part: tuple[object, ...], low: int, high: int | None, following: int) -> int:
        if high is None:
            loop = self._add(_State(frozenset()))
            self._states[loop] = _State(frozenset(), also=(self._build(part, loop), following))
            following = loop
        else:
            end = following
            for _ in range(high - low):
                following = self._add(_State(frozenset(), also=(self._build(part, following), end)))
        for _ in range(low):
            following = self._build(part, following)
        return following

    def _add(self, state: _State) -> int:
        if len(self._states) >= MOST_STATES:
            raise ValueError("it is too large")
        self._states.append(state)
        return len(self._states) - 1


def read_regex(source: str) -> str:
    """A regular expression as typed, for folded words: letters in lower case. Raises ValueError."""
    if len(source) > MOST_CHARACTERS:
        raise ValueError(f"it is longer than {MOST_CHARACTERS} characters")
    pattern = "".join(_folded(char) for char in source)
    if compiled(pattern).fits(""):
        raise ValueError("it fits words of no characters, so it would find everything")
    return pattern


def _folded(char: str) -> str:
    return "".join(words(char)) or char if char.isalpha() else char


def alternatives(term: Term) -> Iterator[str]:
    """The regular expressions of a similar word: each fits words with at most `edits` changes, all together all."""
    found = {escaped(term.text)}
    shapes = {tuple(term.text)}
    for _ in range(term.edits):
        shapes |= {shape for before in shapes for shape in _changed(before)}
    found |= {"".join("." if char == "\0" else escaped(char) for char in shape) for shape in shapes}
    yield from sorted(found)


def _changed(shape: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """A word with one change; \\0 stands for any character."""
    for at in range(len(shape) + 1):
        yield (*shape[:at], "\0", *shape[at:])
        if at < len(shape):
            yield shape[:at] + shape[at + 1 :]
            yield (*shape[:at], "\0", *shape[at + 1 :])
        if at + 1 < len(shape):
            yield (*shape[:at], shape[at + 1], shape[at], *shape[at + 2 :])
