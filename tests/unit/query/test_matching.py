"""Spans that a query marks."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from archiver.query.ast import How, Term, Where, Words
from archiver.query.haystack import Haystack
from archiver.query.matching import Snippet, merge, places, positive_words, spans
from archiver.query.parser import parse
from archiver.query.tokens import tokens
from tests.archives import WORDS, queries
from tests.conftest import NOW


@given(st.text(max_size=30), st.lists(st.tuples(st.integers(0, 30), st.integers(1, 5)), max_size=5))
def test_pieces_of_a_snippet_are_its_text(text: str, drawn: list[tuple[int, int]]) -> None:
    marks = merge((start, min(start + length, len(text))) for start, length in drawn if start < len(text))
    assert "".join(piece for piece, _ in Snippet(text, marks).pieces()) == text


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 5)), max_size=6))
def test_merged_spans_are_the_same_characters_in_order_and_never_touch(drawn: list[tuple[int, int]]) -> None:
    found = [(start, start + length) for start, length in drawn]
    merged = merge(found)
    assert {at for span in merged for at in range(*span)} == {at for span in found for at in range(*span)}
    assert all(earlier[1] < later[0] for earlier, later in pairwise(merged))


TEXTS = st.lists(
    st.lists(
        st.sampled_from([*WORDS, "RESERVE", "Table-for", "x", "Éa", "\u65e5\u672c", "\u0e04\u0e33", "q" * 70]),
        max_size=6,
    ).map(" ".join)
    | st.text(max_size=8),
    max_size=5,
)


@given(queries(2), TEXTS)
def test_a_text_that_is_passed_over_unread_holds_nothing_that_is_searched(
    query: tuple[str, Any], texts: list[str]
) -> None:
    haystack = Haystack(texts)
    for leaf in positive_words(parse(query[0], now=NOW).expression):
        holding = {number for number, text in enumerate(texts) if any(spans(leaf, tokens(text)))}
        assert holding <= haystack.holding(leaf) <= set(range(len(texts)))


@given(queries(2), TEXTS)
def test_the_places_of_words_in_a_text_are_their_spans_among_its_tokens(
    query: tuple[str, Any], texts: list[str]
) -> None:
    for leaf in positive_words(parse(query[0], now=NOW).expression):
        for text in texts:
            assert list(places(leaf, text)) == list(spans(leaf, tokens(text)))


@given(TEXTS, st.data())
def test_each_word_of_a_text_is_found_in_it_exactly_or_by_its_beginning(texts: list[str], data: st.DataObject) -> None:
    haystack = Haystack(texts)
    for number, text in enumerate(texts):
        for token in tokens(text):
            length = data.draw(st.integers(1, len(token.text)))
            for term in (Term(token.text), Term(token.text[:length], How.PREFIX)):
                leaf = Words((term,), Where(("said",)))
                assert number in haystack.holding(leaf)
                assert list(places(leaf, text)) == list(spans(leaf, tokens(text)))


@given(texts=st.lists(st.lists(st.sampled_from([*WORDS, "-", "!?", ""])).map(" ".join), max_size=4))
def test_any_word_is_held_by_every_text_and_marks_just_its_words(texts: list[str]) -> None:
    leaf = Words((Term("", How.PREFIX),), Where(("note",)))
    assert Haystack(texts).holding(leaf) == set(range(len(texts)))
    for text in texts:
        assert list(places(leaf, text)) == [(token.start, token.end) for token in tokens(text)]
