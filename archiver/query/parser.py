"""The query language: text → expression, or a QueryError with a position. Pure.

    query   = or                              or    = and {"OR" and}
    and     = not {["AND"] not}               not   = ("-" | "NOT") not | term
    term    = "(" or ")" | field | phrase | word | "*"
    field   = name ":" (value | phrase | "(" or ")")
    word    = any run of other characters; ends in "*" for a prefix

docs/query-language.md describes what matches a query. Operators are upper case. Text that looks like a field but cannot
be one (12:30, https://...) is read as words. Quotes and dashes that word processors write stand for " and -.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from archiver.errors import QueryError
from archiver.model import Role
from archiver.query.ast import And, Everything, Expression, Not, Or, Query, Words
from archiver.query.comparisons import is_empty, read_value
from archiver.query.faults import lonely_operator, meaning, needs_role, not_available, quoted, unknown_field
from archiver.query.fields import BY, KEYWORDS, MEANING, MESSAGE_ZONES, SAME_ZONE, ZONES
from archiver.query.tokens import words
from archiver.query.values import known, unusual
from archiver.query.writing import DASHES, NEGATION, dash_notice, straight

MOST_CHARACTERS = 10_000
MOST_DEPTH = 10  # of parentheses and from: in one another; Elasticsearch allows 30 levels in its own language
MOST_TERMS = 500
MOST_PATH_CHARACTERS = 200


def parse(text: str, *, now: datetime) -> Query:
    """The parsed query. Raises QueryError and nothing else; an empty query matches everything."""
    if len(text) > MOST_CHARACTERS:
        raise QueryError(f"the query is longer than {MOST_CHARACTERS:,} characters", position=MOST_CHARACTERS)
    parser = _Parser(straight(text), now)
    return Query(parser.whole(), tuple(parser.notices))


@dataclass(frozen=True, slots=True)
class _Context:
    places: tuple[str, ...] = ZONES
    role: Role | None = None
    depth: int = 0


_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9_]*(?:\.[\w.-]+)?):(?!//)", re.ASCII)
_PLAIN = re.compile(r'[^\s()"]+')
_OPERATOR = re.compile(r'(OR|AND|NOT)(?=[\s()"]|$)')
_LATER = re.compile(r"[wW]/[0-9]|[pP][rR][eE]/[0-9]|.*~[0-9]*$")


class _Parser:
    def __init__(self, text: str, now: datetime) -> None:
        self.text = text
        self.now = now
        self.at = 0
        self.terms = 0
        self.notices: list[str] = []

    def whole(self) -> Expression:
        self._blanks()
        if self.at == len(self.text):
            return Everything()
        expression = self._or(_Context())
        if self.at < len(self.text):
            raise QueryError("there is a ) without a (", position=self.at, hint='Put it in quotes: ")"')
        if expression is None:
            raise QueryError("there is no word to search for", position=0, hint="Words are letters, digits or emoji.")
        return expression

    def _blanks(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def _operator(self) -> str | None:
        match = _OPERATOR.match(self.text, self.at)
        return match[1] if match else None

    def _note(self, notice: str | None) -> None:
        if notice:
            self.notices.append(notice)

    def _take(self, length: int) -> None:
        self.at += length
        self._blanks()

    # None is a term without any word (`&`), which is left out of its group.

    def _or(self, context: _Context) -> Expression | None:
        children = [self._and(context)]
        while self._operator() == "OR":
            position = self.at
            self._take(2)
            self._needs_term(position, "OR")
            children.append(self._and(context))
        return _join(Or, children)

    def _and(self, context: _Context) -> Expression | None:
        children = [self._not(context)]
        while self.at < len(self.text) and self.text[self.at] != ")" and self._operator() != "OR":
            if self._operator() == "AND":
                position = self.at
                self._take(3)
                self._needs_term(position, "AND")
            children.append(self._not(context))
        return _join(And, children)

    def _needs_term(self, position: int, operator: str) -> None:
        is_end = self.at >= len(self.text) or self.text[self.at] == ")"
        if is_end or self._operator() in ("OR", "AND"):
            raise lonely_operator(operator, "after", position)

    def _not(self, context: _Context) -> Expression | None:
        position, signs = self.at, 0
        while True:
            dashes = NEGATION.match(self.text, self.at)
            if self._operator() == "NOT":
                self._take(3)
                self._needs_term(position, "NOT")
                signs += 1
            elif dashes:
                self.at = dashes.end(1)
                signs += len(dashes[1])
                self._note(dash_notice(dashes[1], self.text[self.at :]))
            else:
                break
        child = self._term(context)
        return Not(child) if child is not None and signs % 2 else child

    def _term(self, context: _Context) -> Expression | None:
        self._count()
        operator = self._operator()
        if operator in ("OR", "AND"):
            raise lonely_operator(operator, "before", self.at)
        char = self.text[self.at]
        if char == ")":
            raise QueryError("there is a ) without anything before it", position=self.at, hint='Put it in quotes: ")"')
        if char == "(":
            return self._group(context)
        if char == '"':
            return self._phrase(context)
        field = _FIELD.match(self.text, self.at)
        return self._field(field, context) if field else self._word(context)

    def _count(self) -> None:
        self.terms += 1
        if self.terms > MOST_TERMS:
            raise QueryError(f"the query has more than {MOST_TERMS} terms", position=self.at)

    def _inside(self, places: tuple[str, ...], role: Role | None, outer: _Context) -> _Context:
        """The context of what begins here: a group, or what a from: applies to."""
        if outer.depth >= MOST_DEPTH:
            raise QueryError(f"parentheses or from: are nested more than {MOST_DEPTH} deep", position=self.at)
        return _Context(places, role, outer.depth + 1)

    def _group(self, context: _Context) -> Expression | None:
        opened = self.at
        inner = self._inside(context.places, context.role, context)
        self._take(1)
        if self.text.startswith(")", self.at):
            raise QueryError("there is nothing between ( and )", position=opened)
        expression = None
        if self.at < len(self.text):
            expression = self._or(inner)
        if not self.text.startswith(")", self.at):
            raise QueryError("this ( is never closed", position=opened, hint="Add a ) at the end of the group.")
        self._take(1)
        return expression

    def _quoted(self) -> str:
        opened = self.at
        closed = self.text.find('"', opened + 1)
        if closed < 0:
            raise QueryError("this quote is never closed", position=opened, hint='Add a " at the end of the phrase.')
        inside = self.text[opened + 1 : closed]
        self.at = closed + 1
        if self.at < len(self.text) and self.text[self.at] == "~":
            raise QueryError('proximity ("a b"~5) is not available yet', position=self.at)
        self._blanks()
        wild = re.search(r"\w\*", inside)
        if wild:
            raise QueryError("a * does not work inside quotes", position=opened + 2 + wild.start())
        return inside

    def _phrase(self, context: _Context) -> Expression:
        position = self.at
        phrase = tuple(words(self._quoted()))
        if not phrase:
            raise QueryError("there is no word between the quotes", position=position)
        return known(Words(phrase, context.places, role=context.role), position)

    def _word(self, context: _Context) -> Expression | None:
        position, word = self.at, self._plain()
        if word == "*":  # within from: it means any message of that role
            return Words((context.role.value,), (BY,)) if context.role else Everything()
        if _LATER.match(word):
            raise not_available(word, position)
        return self._words(word, position, context)

    def _plain(self) -> str:
        match = _PLAIN.match(self.text, self.at)
        assert match is not None  # the callers have checked
        self._take(len(match[0]))
        return match[0]

    def _words(self, word: str, position: int, context: _Context) -> Expression | None:
        is_prefix = word.endswith("*")
        stem = word[:-1] if is_prefix else word
        star = re.search(r"\*(?=\w)|(?<=\w)\*", stem)
        if star:
            raise QueryError("a * works only at the end of a word", position=position + star.start(), hint="reserv*")
        parts = tuple(words(stem))
        if not parts:
            self.notices.append(f"{quoted(word)} holds no letters or digits and was ignored")
            return None
        if is_prefix and not re.search(r"\w$", stem):
            is_prefix = False
            self.notices.append(f"{quoted(word)} was read as the words {' '.join(parts)[:MOST_PATH_CHARACTERS]}")
        leaf = known(Words(parts, context.places, is_prefix, context.role), position)
        self._note(unusual(leaf))
        return leaf

    def _field(self, match: re.Match[str], context: _Context) -> Expression | None:
        name, position = match[1], self.at
        path = name[4:].lower() if name.lower().startswith("sde.") else None
        name = SAME_ZONE.get(name.lower(), name.lower()) if path is None else "sde." + path
        if path is None and name not in MEANING:
            raise unknown_field(name, position, match[0])
        if len(name) > MOST_PATH_CHARACTERS:
            raise QueryError(f"this path is longer than {MOST_PATH_CHARACTERS} characters", position=position)
        self.at += len(match[0])
        if self.at >= len(self.text) or self.text[self.at].isspace() or self.text[self.at] == ")":
            if name == "from":
                raise needs_role(position)
            raise QueryError(f"{name}: needs a value", position=position, hint=meaning(name))
        if name == "from":
            return self._from(position, context)
        if path is not None or name in ZONES or name in KEYWORDS:
            return self._worded(name, position, context)
        return self._value(name, position)

    def _worded(self, name: str, position: int, context: _Context) -> Expression | None:
        if context.role and name not in MESSAGE_ZONES and (name in ZONES or name.startswith("sde.")):
            raise QueryError(f"{name}: does not search messages, so from: can't limit it", position=position)
        inner = _Context((name,), None if name in KEYWORDS else context.role, context.depth)
        start = self.at
        if self.text[start] == "(":
            expression = self._group(inner)
        elif self.text[start] == '"':
            expression = self._phrase(inner)
        else:
            expression = self._words(self._plain(), start, inner)
        return expression

    def _from(self, position: int, context: _Context) -> Expression | None:
        word = self._plain() if _PLAIN.match(self.text, self.at) else ""
        try:
            role = Role({"consumer": "customer"}.get(word.lower(), word.lower()))
        except ValueError:
            raise needs_role(position, word) from None
        if not self._is_text_next():
            return Words((role.value,), (BY,))
        places = tuple(place for place in context.places if place in MESSAGE_ZONES) or MESSAGE_ZONES
        return self._not(self._inside(places, role, context))

    def _is_text_next(self) -> bool:
        """Whether a word, phrase or group of them follows, to which a preceding from: applies."""
        if self.at >= len(self.text) or self.text[self.at] == ")" or self._operator() in ("OR", "AND"):
            return False
        field = _FIELD.match(self.text, self.at + (self.text[self.at] in DASHES))
        return not field or SAME_ZONE.get(field[1].lower(), field[1].lower()) in MESSAGE_ZONES

    def _value(self, name: str, position: int) -> Expression:
        start = self.at
        if self.text[start] == "(":
            raise QueryError(f"{name}: takes one value, not a group", position=start, hint=meaning(name))
        value = self._quoted() if self.text[start] == '"' else self._plain()
        try:
            condition = read_value(name, value, self.now)
        except ValueError as error:
            raise QueryError(f"{name}: {error}", position=start, hint=meaning(name)) from None
        self._note(f"{name}:{quoted(value)} holds nothing: it ends before it begins" if is_empty(condition) else None)
        return condition


def _join(kind: type[And] | type[Or], children: list[Expression | None]) -> Expression | None:
    kept = tuple(child for child in children if child is not None)
    return kind(kept) if len(kept) > 1 else (kept[0] if kept else None)
