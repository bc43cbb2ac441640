"""A query as it was understood is a query that means the same."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import QueryError
from archiver.query import Reading, parse, understood
from archiver.transcript import project
from tests.conftest import NOW, record

PIECES = (
    "a", "refund", "re*", "*fund", "r?fund", "-", "/", ".", ":", "?", "*", '"', "(", ")", " ", "  ", "OR", "AND", "NOT",
    "w/5", "pre/3", "~1", "~", "from:agent", "from:", "in:note", "is:earlier", "skill:", "skill:=", '"a b"', "日本",
    "_", "1", "12:30", "https://x.y/z?q=1", "@", "&", "mcs:<40", "has:card", "sde.a:", "record.a:", "=", ">", "..", "é",
    "after:2026-01-01", "sent:2026-04", "on:2026-04-01", "ended:2026-01..2026-03-05T10", "sent:..2026-02", "mcs:20..39",
    "record.a:1.000001..5", "sde.b:-3..", "csat:=3", "duration:10m..30m", "duration:>30m", "/ab+/", "before:0999",
    "\\", "[", "ﬁ", "İ", "ß", "'", "…", "“x”",
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_whatever_was_understood_is_the_same_query_when_it_is_read_again(query: str) -> None:
    try:
        read = parse(query, now=NOW).expression
    except QueryError:
        return
    assert parse(understood(read), now=NOW).expression == read, understood(read)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("e-mail*", "e-mail*"),
        ("co-w?rker", "co-w?rker"),
        ('"a b c"~5', '"a b c"~5'),
        ('"a b"~5', "(a w/5 b)"),
        ("* a from:agent", "(from:agent) AND (from:agent a)"),
        ("https://shop.example/order?id=5", '"https shop example order id 5"'),
        ("www.shop.example?id=5", '"www shop example id 5"'),
        ("https://x.y/a?c=1~2", '"https x y a c 1 2"'),
        ("re/f?nd", "re-f?nd"),
        ("page:shop/ord?r", "page:shop-ord?r"),
        ("sent:2026-04", "sent:2026-04-01T00:00:00Z..2026-04-30T23:59:59.999Z"),
        ("on:0999", "started:0999-01-01T00:00:00Z..0999-12-31T23:59:59.999Z"),
        ("record.a:1.000001..5", "record.a:1.000001..5"),
        ("shop.example/order?id=5*", "shop-example-order-id-5*"),
        ("'refund?'", "refund"),
        ("refund?!", "refund"),
        ("refund?-yes", '"refund yes"'),
        ("re?und", "re?und"),
        ("?efund", "?efund"),
    ],
)
def test_what_was_understood_is_said_in_the_words_of_the_language(query: str, said: str) -> None:
    read = parse(query, now=NOW).expression
    assert understood(read) == said
    assert parse(said, now=NOW).expression == read


TEXTS = (
    "www.shop.example?id=5 or x.y/a?b",
    "see https://shop.example/a/b?id=5&x=y now",
    "is it a refund? yes",
    "they said 'refund?' twice",
    "why?_really?!",
)


@pytest.mark.parametrize("text", TEXTS)
def test_words_that_are_copied_from_a_text_find_it(text: str) -> None:
    reading = Reading(project(record("c", datetime(2026, 1, 1, tzinfo=UTC), text)))
    for copied in text.split():
        assert reading.is_true(parse(copied, now=NOW).expression), copied


@pytest.mark.parametrize(
    "word", ["a." * 4_999 + "?", "a/." * 3_300 + "?b", "?" * 9_999, "?" * 9_998 + "b", "a?" * 4_999, "." * 9_999]
)
def test_long_words_with_marks_are_read_or_refused_by_their_length(word: str) -> None:
    try:
        read = parse(word, now=NOW).expression
    except QueryError as error:
        assert error.message
    else:
        assert parse(understood(read), now=NOW).expression == read


def test_the_mark_of_an_address_is_read_as_punctuation_and_that_is_told() -> None:
    read = parse("https://shop.example/order?id=5", now=NOW)
    assert any("was read as the words https shop example order id 5" in notice for notice in read.notices)
    assert not parse("re?und", now=NOW).notices
