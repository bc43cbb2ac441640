"""A query as it was understood, in the words of the language with everything that was implied. Pure."""

from __future__ import annotations

from archiver.model import EPOCH, Window, from_ms
from archiver.query.ast import (
    Age,
    And,
    Compare,
    Everything,
    Exactly,
    Expression,
    How,
    Near,
    Not,
    OfConversation,
    Or,
    Term,
    Where,
    Words,
)
from archiver.query.bounds import written_comparison
from archiver.query.comparisons import FINDS_NOTHING
from archiver.query.documents import required
from archiver.query.exact import as_condition
from archiver.query.fields import BY, MESSAGE_ZONES, ZONES

_NAMES = {BY: "from"}  # of the zone that holds who wrote a message
_SIDES = 2  # of w/5 and pre/5
_FIRST = EPOCH.replace(year=1995)  # LivePerson has no older conversations


def understood(expression: Expression) -> str:
    """The expression as text: AND, OR and NOT in full, roles, zones and times with what they stand for."""
    match expression:
        case Everything():
            return "*"
        case Not(child):
            return f"NOT {_inner(child)}"
        case And(children):
            return " AND ".join(map(_inner, children))
        case Or(children):
            return " OR ".join(map(_inner, children))
        case OfConversation(child):
            return understood(child)
        case Compare():
            return written_comparison(expression)
        case Exactly(field, value):
            return as_condition(field, value)
        case Words(terms, where):
            return _placed(_run(terms), where)
        case Near():
            return _placed(_near(expression), expression.where)


def _inner(expression: Expression) -> str:
    text = understood(expression)
    is_role = isinstance(expression, Words | Near) and expression.where.places == (BY,)  # which narrows what follows it
    return f"({text})" if is_role or isinstance(expression, And | Or) else text


def _run(terms: tuple[Term, ...]) -> str:
    written = list(map(_term, terms))
    if all(term.how is How.EXACT for term in terms):
        return f'"{" ".join(written)}"' if len(terms) > 1 else written[0]
    return "-".join(written)  # as in e-mail*: a wildcard does not work inside quotes


def _term(term: Term) -> str:
    forms = {How.PREFIX: "{}*", How.FUZZY: f"{{}}~{term.edits}", How.REGEX: "/{}/"}
    return forms.get(term.how, "{}").format(term.text)


def _near(leaf: Near) -> str:
    if len(leaf.parts) != _SIDES:  # only what stands in quotes has more
        return f'"{" ".join(_term(part[0][0]) for part in leaf.parts)}"~{leaf.distance}'
    sides = [" OR ".join(map(_run, part)) for part in leaf.parts]
    sides = [f"({side})" if " OR " in side else side for side in sides]
    operator = f" {'pre' if leaf.is_ordered else 'w'}/{leaf.distance} "
    return f"({operator.join(sides)})"


def _placed(text: str, where: Where) -> str:
    every = MESSAGE_ZONES if where.roles else ZONES
    if len(where.places) == 1:
        text = f"{_NAMES.get(where.places[0], where.places[0])}:{text}"
    elif where.places != every:
        text = f"in:({' OR '.join(where.places)}) {text}"
    if where.roles:
        roles = [role.value for role in where.roles]
        text = f"from:{roles[0] if len(roles) == 1 else '(' + ' OR '.join(roles) + ')'} {text}"
    if where.age is not Age.ANY:
        text = f"is:{where.age.value} {text}"
    return f"({text})" if " " in text and not text.startswith(('"', "(")) else text


def asked_span(expression: Expression, field: str = "start") -> tuple[float | None, float | None]:
    """The start times that results can have: milliseconds, `low <= start < high`; None leaves a side open. `field` is
    the time that is meant.
    """
    bounds = [part for part in required(expression) if isinstance(part, Compare) and part.field == field]
    lows = [item.low for item in bounds if item.low is not None]
    highs = [item.high for item in bounds if item.high is not None]
    return max(lows, default=None), min(highs, default=None)


def reversed_days(expression: Expression) -> tuple[str, ...]:
    """A notice if the first day that is asked for comes after the last."""
    low, high = asked_span(expression)
    is_reversed = low is not None and high is not None and low >= high
    return (f"the first day that is asked for comes after the last, {FINDS_NOTHING}",) if is_reversed else ()


def span_of(expression: Expression, whole: Window) -> Window | None:
    """The start times that a query asks for: without a first one those of `whole`, and none after its end. What was
    asked for and lies before `whole` belongs to it, as nothing is known of it. None if nothing is left.
    """
    low, high = asked_span(expression)
    try:
        start = whole.start if low is None else max(_FIRST, from_ms(int(low)))
        end = whole.end if high is None else min(whole.end, from_ms(int(high)))
    except OverflowError:
        return None
    return Window(start, end) if start < end else None
