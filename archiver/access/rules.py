"""Which conversations a person may see: conditions on facts of a conversation, added to every query. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from archiver.errors import ConfigError, QueryError
from archiver.query import KEYWORDS, And, Everything, Expression, Or, Query, every_leaf, field_of, parse
from archiver.value import replace

_FIELDS = ("skill", "anyskill", "group", "agent", "source", "campaign", "lang", "place")
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)  # rules know no dates, so that any moment will do


def rule_of(text: str) -> Expression:
    """The expression of a rule. Raises ConfigError unless it speaks of a conversation's skill, group, agent and the
    like: of words, it would depend on what is searched.
    """
    try:
        expression = parse(text, now=_NEVER).expression
    except QueryError as error:
        raise ConfigError(f"the rule {text!r} can't be read: {error.message}", hint=error.hint) from None
    leaves = list(every_leaf(expression))
    for leaf in leaves:
        field = field_of(leaf)
        if field not in _FIELDS or field not in KEYWORDS:
            raise ConfigError(
                f"the rule {text!r} is about more than {', '.join(_FIELDS)}",
                hint='Such as: skill:="Billing" OR group:="EU"',
            )
    if not leaves:
        raise ConfigError("the rule is empty", hint='Such as: skill:="Billing" OR group:="EU"')
    return expression


def any_rule(texts: Sequence[str]) -> Expression:
    """Any of several rules; everything without one."""
    rules = tuple(map(rule_of, texts))
    return Everything() if not rules else rules[0] if len(rules) == 1 else Or(rules)


def within(query: Query, rule: Expression) -> Query:
    """A query for only those results of whose conversations a rule is true."""
    if isinstance(rule, Everything):
        return query
    return replace(query, expression=rule if query.is_everything else And((rule, query.expression)))


def narrowed(query: str, rules: Sequence[str]) -> str:
    """The text of a query for only those results of whose conversations one of the rules is true."""
    return f"({query}) ({' OR '.join(f'({rule})' for rule in rules)})" if rules else query
