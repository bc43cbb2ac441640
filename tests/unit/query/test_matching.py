"""Spans that a query marks."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from archiver.query.matching import Snippet, may_hold, merge, positive_words, spans
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


@given(queries(2), st.lists(st.sampled_from([*WORDS, "RESERVE", "Table-for", "x"]), max_size=6).map(" ".join))
def test_a_text_that_is_passed_over_unread_holds_nothing_that_is_searched(query: tuple[str, Any], text: str) -> None:
    for leaf in positive_words(parse(query[0], now=NOW).expression):
        if any(spans(leaf, tokens(text))):
            assert may_hold(text, leaf)
