"""The query language: text → expression, or a QueryError with a position. Pure.

    query   = or                              or    = and {"OR" and}
    and     = not {["AND"] not}               not   = ("-" | "NOT") not | near
    near    = term [("w/5" | "pre/5") term]   term  = "(" or ")" | field | phrase | regex | word | "*"
    field   = name ":" (value | phrase | regex | "(" or ")" | "=" whole value)
    phrase  = quoted words ["~5"]             regex = "/" expression "/"
    word    = any run of other characters, with * ? and ~1

docs/query-language.md describes what matches a query. Operators are upper case. Text that looks like a field but cannot
be one (12:30, https://...) is read as words. Quotes and dashes that word processors write stand for " and -.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, tzinfo

from archiver.errors import QueryError
from archiver.query.ast import And, Everything, Expression, Not, Or, Query, Term, Where, Words
from archiver.query.comparisons import is_compared, is_empty, read_value, strange
from archiver.query.cursor import Cursor
from archiver.query.exact import is_exact, read_exact
from archiver.query.faults import lonely_operator, meaning, needs_role, quoted, unknown_field
from archiver.query.fields import KEYWORDS, MEANING, PATHS, RECORD, SAME_ZONE, ZONES
from archiver.query.modifiers import MODIFIERS, read_modifier
from archiver.query.narrowing import Child, Modifier, narrow
from archiver.query.proximity import MOST_DISTANCE, near, near_words
from archiver.query.terms import is_read_as_words, read_regex_term, read_terms, read_words
from archiver.query.tokens import words
from archiver.query.values import anything, known, unusual
from archiver.query.wording import reversed_days
from archiver.query.writing import NEGATION, dash_notice, lower_operator, straight
from archiver.value import Value

MOST_CHARACTERS = 10_000
MOST_DEPTH = 10  # of parentheses in one another; Elasticsearch allows 30 levels in its own language
MOST_TERMS, MOST_PATH_CHARACTERS = 500, 200


def parse(text: str, *, now: datetime, zone: tzinfo = UTC) -> Query:
    """The parsed query, whose days are those of a time zone. Raises QueryError and nothing else; an empty query matches
    everything.
    """
    if len(text) > MOST_CHARACTERS:
        raise QueryError(f"the query is longer than {MOST_CHARACTERS:,} characters", position=MOST_CHARACTERS)
    parser = _Parser(straight(text), now, zone)
    expression = parser.whole()
    return Query(expression, tuple(dict.fromkeys(parser.notices or reversed_days(expression))), text)


class _Context(Value):
    places: tuple[str, ...] = ZONES
    depth: int = 0


_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9_]*(?:\.[\w.-]+(?:\.\*)?)?):(?!//)", re.ASCII)
_GROUP = re.compile(r"\(([^()\"]*)\)")
_NEAR = re.compile(r'([A-Za-z]+)/([0-9]{1,9})(?=[\s()"]|$)', re.ASCII)
_NEAR_WORDS = {"w": False, "pre": True}
_UNKNOWN_NEAR = ("near", "within", "n", "p")
_SLOP = re.compile(r"~([0-9]{1,9})")
_REGEX = re.compile(r"/((?:[^/\s\\]|\\.)+)/(?=[\s()]|$)")


class _Parser(Cursor):
    def __init__(self, text: str, now: datetime, zone: tzinfo) -> None:
        super().__init__(text)
        self.now, self.zone = now, zone
        self.terms = 0

    def whole(self) -> Expression:
        self.blanks()
        if self.is_at_end:
            return Everything()
        expression = self._or(_Context())
        if not self.is_at_end:
            raise QueryError("there is a ) without a (", position=self.at, hint='Put it in quotes: ")"')
        if expression is None:
            raise QueryError("there is no word to search for", position=0, hint="Words are letters, digits or emoji.")
        return expression

    # None is a term without any word (`&`), which is left out of its group.

    def _or(self, context: _Context) -> Expression | None:
        children = [self._and(context)]
        while self.operator() == "OR":
            position = self.at
            self.take(2)
            self.needs_term(position, "OR")
            children.append(self._and(context))
        return _join(Or, children)

    def _and(self, context: _Context) -> Expression | None:
        children = [self._not(context)]
        while not self.is_at_end and self.text[self.at] != ")" and self.operator() != "OR":
            if self.operator() == "AND":
                position = self.at
                self.take(3)
                self.needs_term(position, "AND")
            children.append(self._not(context))
        return _join(And, narrow(children))

    def _near(self, context: _Context) -> Child:
        """A term, or two that stand near one another."""
        start = self.at
        left = self._term(context)
        match = self.match(_NEAR)
        name = match[1].lower() if match else ""
        if not match or (name not in _NEAR_WORDS and name not in _UNKNOWN_NEAR):
            return left
        position, operator = self.at, match[0]
        if name in _UNKNOWN_NEAR:
            raise QueryError(
                f"{operator} is not known", position=position, hint=f"Write w/{match[2]} or pre/{match[2]}."
            )
        self.take(len(operator))
        self.needs_term(position, operator)
        if self.operator() == "NOT" or self.match(NEGATION):
            raise QueryError("a side of a distance has to be words that are searched for", position=self.at)
        right = self._term(context)
        if left is None or right is None or isinstance(left, Modifier) or isinstance(right, Modifier):
            raise lonely_operator(operator, "on both sides of", position)
        again = self.match(_NEAR)
        if again and again[1].lower() in _NEAR_WORDS:
            raise QueryError(
                f"{again[0]} follows {operator}; each stands between two sides", position=self.at,
                hint='For three words near one another write "a b c"~5.',
            )  # fmt: skip
        return near(left, right, self._distance(match[2], position), is_ordered=_NEAR_WORDS[name], at=start)

    def _distance(self, digits: str, position: int) -> int:
        if not 0 < int(digits) <= MOST_DISTANCE:
            raise QueryError(f"a distance is 1 to {MOST_DISTANCE} words, not {digits}", position=position)
        return int(digits)

    def _not(self, context: _Context) -> Child:
        position, signs = self.at, 0
        while True:
            dashes = self.match(NEGATION)
            if self.operator() == "NOT":
                self.take(3)
                self.needs_term(position, "NOT")
                signs += 1
            elif dashes:
                self.at = dashes.end(1)
                signs += len(dashes[1])
                self.note(dash_notice(dashes[1], self.text[self.at :]))
            else:
                break
        child = self._near(context)
        if child is None or not signs % 2:
            return child
        return Modifier(child.kind, child.values, child.at, is_not=True) if isinstance(child, Modifier) else Not(child)

    def _term(self, context: _Context) -> Child:
        self._count()
        operator = self.operator()
        if operator in ("OR", "AND"):
            raise lonely_operator(operator, "before", self.at)
        char = self.text[self.at]
        if char == ")":
            raise QueryError("there is a ) without anything before it", position=self.at, hint='Put it in quotes: ")"')
        distance = self.match(_NEAR)
        if distance and distance[1].lower() in _NEAR_WORDS:
            raise lonely_operator(distance[0], "before", self.at)
        field = self.match(_FIELD)
        return self._field(field, context) if field else self._texts(context)

    def _count(self) -> None:
        self.terms += 1
        if self.terms > MOST_TERMS:
            raise QueryError(f"the query has more than {MOST_TERMS} terms", position=self.at)

    def _texts(self, context: _Context) -> Expression | None:
        """A group, a phrase, a regular expression or a word."""
        char = self.text[self.at]
        if char == "(":
            return self._group(context)
        if char == '"':
            return self._phrase(context)
        regex = self.match(_REGEX)
        if not regex:
            return self._word(context)
        position = self.at
        self.take(len(regex[0]))
        return self._made(lambda: (read_regex_term(regex[1]),), position, context)

    def _group(self, context: _Context) -> Expression | None:
        opened = self.at
        if context.depth >= MOST_DEPTH:
            raise QueryError(f"parentheses are nested more than {MOST_DEPTH} deep", position=self.at)
        self.take(1)
        if self.sees(")"):
            raise QueryError("there is nothing between ( and )", position=opened)
        expression = None
        if not self.is_at_end:
            expression = self._or(_Context(context.places, context.depth + 1))
        if not self.sees(")"):
            raise QueryError("this ( is never closed", position=opened, hint="Add a ) at the end of the group.")
        self.take(1)
        return expression

    def _phrase(self, context: _Context) -> Expression:
        position = self.at
        phrase = tuple(map(Term, words(self.quoted())))
        slop = self.match(_SLOP)
        self.take(len(slop[0]) if slop else 0)
        if not phrase:
            raise QueryError("there is no word between the quotes", position=position)
        if slop and len(phrase) > 1:
            return near_words(phrase, self._distance(slop[1], position), Where(context.places), at=position)
        return known(Words(phrase, Where(context.places), position))

    def _word(self, context: _Context) -> Expression | None:
        position, word = self.at, self.plain()
        if word == "*":
            return anything(Where(context.places), position)
        self.note(lower_operator(word, self.text[:position].strip(), self.text[self.at :]))
        leaf = self._made(lambda: read_terms(word), position, context)
        if leaf is not None and is_read_as_words(word):
            self.note(f"{quoted(word)} was read as the words {read_words(word)[:MOST_PATH_CHARACTERS]}")
        if leaf is None:
            self.note(f"{quoted(word)} holds no letters or digits and was ignored")
        return leaf

    def _made(
        self, read: Callable[[], Sequence[Term]], position: int, context: _Context
    ) -> Expression | None:  # fmt: skip
        try:
            terms = tuple(read())
        except ValueError as error:
            raise QueryError(str(error), position=position, hint="For the words themselves use quotes.") from None
        if not terms:
            return None
        leaf = known(Words(terms, Where(context.places), position))
        self.note(unusual(leaf))
        return leaf

    # ── fields ──

    def _field(self, match: re.Match[str], context: _Context) -> Child:
        name, position = match[1], self.at
        name = SAME_ZONE.get(name.lower(), name.lower())
        is_path = name.startswith(PATHS)
        if not is_path and name not in MEANING:
            raise unknown_field(name, position, match[0])
        if name == RECORD or (name.startswith(f"{RECORD}.") and name.endswith(".*")):
            raise QueryError("record needs a whole path", position=position, hint=meaning(RECORD))
        if len(name) > MOST_PATH_CHARACTERS:
            raise QueryError(f"this path is longer than {MOST_PATH_CHARACTERS} characters", position=position)
        self.at += len(match[0])
        if self.is_at_end or self.text[self.at].isspace() or self.text[self.at] == ")":
            if name == "from":
                raise needs_role(position)
            raise QueryError(f"{name}: needs a value", position=position, hint=meaning(name))
        if name in MODIFIERS:
            return self._modifier(name, position)
        if is_exact(name, self):
            return read_exact(name, self)
        is_worded = name in ZONES or name in KEYWORDS or is_path
        if is_worded and not (is_path and is_compared(self.text[self.at :])):
            return self._texts(_Context((name,), context.depth))
        return self._value(name, position)

    def _modifier(self, name: str, position: int) -> Child:
        """`from:`, `in:` or `is:` with one word, or a group of words with OR between them."""
        start, group = self.at, self.match(_GROUP)
        if group:
            self.take(len(group[0]))
        typed = group[1] if group else self.plain() if self.has_plain() else ""
        return read_modifier(name, typed, start, position)

    def _value(self, name: str, position: int) -> Expression:
        start = self.at
        if self.text[start] == "(":
            raise QueryError(f"{name}: takes one value, not a group", position=start, hint=meaning(name))
        if self.text[start] == '"':
            value = self.quoted()
            self.blanks()
        else:
            value = self.plain()
        try:
            condition = read_value(name, value, self.now, self.zone)
        except ValueError as error:
            raise QueryError(f"{name}: {error}", position=start, hint=meaning(name)) from None
        self.note(f"{name}:{quoted(value)} holds nothing: it ends before it begins" if is_empty(condition) else None)
        self.note(strange(name, condition))
        return condition


def _join(kind: type[And] | type[Or], children: Sequence[Expression | None]) -> Expression | None:
    kept = tuple(child for child in children if child is not None)
    return kind(kept) if len(kept) > 1 else (kept[0] if kept else None)
