"""Reads one word of a query: its terms, with wildcards, similarity or a regular expression. Pure."""

from __future__ import annotations

import re

from archiver.query.ast import How, Term
from archiver.query.faults import quoted
from archiver.query.patterns import MOST_CHARACTERS, read_regex
from archiver.query.tokens import tokens

_WILD = re.compile(r"([*?]+)")
_QUESTION = re.compile(r"(?<!\?)\?++(?![^\W_]|[*])")
_FUZZY = re.compile(r"(.+)~([0-9]?)", re.DOTALL)
_MOST_EDITS = 2
_SHORTEST_WILD = 2  # letters or digits
_SHORTEST_FUZZY = {1: 3, 2: 5}


def read_terms(word: str) -> tuple[Term, ...]:
    """The terms of a word as typed; none if it holds no letter or digit. Raises ValueError."""
    fuzzy = _FUZZY.fullmatch(word)
    if fuzzy and tokens(fuzzy[1]) and not _is_address(word):
        return (_similar(fuzzy[1], int(fuzzy[2] or 1)),)
    return tuple(_term(text) for text in _words_with_wildcards(_without_marks(word)) if text.strip("*?"))


def read_regex_term(source: str) -> Term:
    """The term of a regular expression. Raises ValueError."""
    try:
        return Term(read_regex(source), How.REGEX)
    except ValueError as error:
        raise ValueError(f"/{source}/ can't be used: {error}") from None


def is_read_as_words(word: str) -> bool:
    """Whether a word holds a * at its end behind no letter or digit, which means nothing, or the ? of an address."""
    texts = _words_with_wildcards(word)
    return (len(texts) > 1 and not texts[-1].strip("*?")) or _is_address(word)


def _is_address(word: str) -> bool:
    """Whether a word is an address of the web with parameters: behind a scheme, a host with a path, or a host if a
    parameter has a value.
    """
    place, mark, parameters = word.partition("?")
    _, dot, behind = place.partition(".")
    is_place = "://" in place or (dot and ("/" in behind or "=" in parameters))
    return bool(mark and is_place) and any(map(str.isalnum, parameters))


def read_words(word: str) -> str:
    """The words as which a word was read."""
    return " ".join(f"{term.text}{'*' if term.how is How.PREFIX else ''}" for term in read_terms(word))


def _without_marks(word: str) -> str:
    """The word without a ? that stands for no character: a question mark behind letters or digits, and what begins the
    parameters of an address such as https://shop.example/order?id=5.
    """
    return word.replace("?", " ") if _is_address(word) else _QUESTION.sub(" ", word)


def _similar(word: str, edits: int) -> Term:
    found = tokens(word)
    if edits > _MOST_EDITS:
        raise ValueError(f"~{edits} is too much; write ~1 or ~2")
    if len(found) > 1 or _WILD.search(word):
        raise ValueError(f"~ works on one plain word, and {quoted(word)} is more")
    if edits and len(found[0].text) < _SHORTEST_FUZZY[edits]:
        raise ValueError(f"~{edits} needs a word of at least {_SHORTEST_FUZZY[edits]} letters")
    return Term(found[0].text, How.FUZZY, edits) if edits else Term(found[0].text)


def _term(text: str) -> Term:
    if not _WILD.search(text):
        return Term(text)
    stem = text.rstrip("*")
    if stem != text and not _WILD.search(stem):
        return Term(stem, How.PREFIX)
    if len(text) - sum(map(text.count, "*?")) < _SHORTEST_WILD:
        raise ValueError(f"{quoted(text)} needs at least {_SHORTEST_WILD} letters or digits beside * and ?")
    term = Term(re.sub(r"\*+", "*", text), How.WILD)
    if len(term.text) > MOST_CHARACTERS:
        raise ValueError(f"{quoted(text)} is longer than {MOST_CHARACTERS} characters")
    return term


def _words_with_wildcards(word: str) -> list[str]:
    """The folded words of a text; a wildcard belongs to the words that it touches."""
    found: list[str] = []
    touches = False  # whether the last word goes on with what comes next
    for piece in _WILD.split(word):
        if _WILD.fullmatch(piece):
            if touches and found:
                found[-1] += piece
            else:
                found.append(piece)
            touches = True
            continue
        for token in tokens(piece):
            if touches and token.start == 0 and found:
                found[-1] += token.text
            else:
                found.append(token.text)
            touches = token.end == len(piece)
        touches = touches and bool(tokens(piece) or not piece)
    return found
