"""Errors of the parser, each with what to write instead. Pure."""

from __future__ import annotations

from archiver.errors import QueryError, suggest
from archiver.model import Role
from archiver.query.fields import MEANING

_SHOWN_CHARACTERS = 40


def quoted(word: str) -> str:
    """A word as messages quote it: the begin of a long one."""
    return repr(word if len(word) <= _SHOWN_CHARACTERS else word[:_SHOWN_CHARACTERS] + "…")


def lonely_operator(operator: str, side: str, position: int) -> QueryError:
    """`side` says where the operator needs something: before, after, on both sides of."""
    hint = f'For the word itself write "{operator}".'
    return QueryError(f"{operator} needs something {side} it", position=position, hint=hint)


def unknown_field(name: str, position: int, written: str) -> QueryError:
    short = name[:_SHOWN_CHARACTERS]
    hint = f"{suggest(name, MEANING, what='Fields', suffix=':')} Another value of a record: record.{short}:"
    hint += f' For words write "{written[:_SHOWN_CHARACTERS]}…".'
    return QueryError(f"there is no field {short}:", position=position, hint=hint)


def needs_role(position: int, word: str = "") -> QueryError:
    hint = suggest(word, tuple(Role), what="Roles") if word else 'from:agent "table for two"'
    return QueryError("from: needs customer, agent, bot or system", position=position, hint=hint)


def meaning(name: str) -> str:
    """A hint: what the field is for."""
    return f"{name}: means: {MEANING.get(name) or MEANING[name.split('.', maxsplit=1)[0]]}"
