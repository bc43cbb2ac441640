"""Which index document a part of a query is about."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from archiver.query.ast import And, Compare, Expression, Near, Not, OfConversation, Or, Words
from archiver.query.documents import REPEATED_KEYWORDS, REPEATED_NUMBERS, for_messages
from archiver.query.fields import MESSAGE_ZONES, SENT
from archiver.query.parser import parse
from archiver.query.reading import Reading
from archiver.transcript.projection import project
from tests.archives import Versions, archives, queries
from tests.conftest import NOW


def planned(text: str) -> Expression:
    return for_messages(parse(text, now=NOW).expression)


def leaves(expression: Expression, *, inside: bool = False) -> list[tuple[Words | Near | Compare, bool]]:
    """Every leaf, and whether conversation documents answer it."""
    match expression:
        case Words() | Near() | Compare():
            return [(expression, inside)]
        case Not(child):
            return leaves(child, inside=inside)
        case OfConversation(child):
            return leaves(child, inside=True)
        case And(children) | Or(children):
            return [leaf for child in children for leaf in leaves(child, inside=inside)]
    return []


@given(archives(), queries(3))
def test_a_planned_query_is_true_of_the_same_messages(records: list[Versions], query: tuple[str, Any]) -> None:
    expression = parse(query[0], now=NOW).expression
    for *_, raw in records:
        reading = Reading(project(raw))
        for message in reading.transcript.messages:
            assert reading.is_true(for_messages(expression), message) == reading.is_true(expression, message)


@given(queries(3), st.sampled_from(["skill:Hotels", "mcs:<40", "agent:mara", "after:2026-01", "refund", "by"]))
def test_message_documents_answer_what_they_hold_and_nothing_else(query: tuple[str, Any], more: str) -> None:
    for leaf, is_conversations in leaves(planned(f"({query[0]}) {more}")):
        if isinstance(leaf, Compare):
            assert is_conversations == (leaf.field not in (*REPEATED_NUMBERS, SENT))
        else:
            on_message = leaf.where.places[0] in (*MESSAGE_ZONES, "by", *REPEATED_KEYWORDS)
            assert is_conversations == (not on_message)


def test_what_is_about_the_conversation_is_looked_up_in_one_go() -> None:
    query = planned("refund agent:mara mcs:<40 -campaign:spring skill:Hotels")
    assert isinstance(query, And)
    joined = [child for child in query.children if isinstance(child, OfConversation)]
    assert len(joined) == 1
    assert isinstance(joined[0].child, And)
    assert len(joined[0].child.children) == 3
