"""Spans that a query marks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from archiver.query.matching import Snippet, merge


@given(st.text(max_size=30), st.lists(st.tuples(st.integers(0, 30), st.integers(1, 5)), max_size=5))
def test_pieces_of_a_snippet_are_its_text(text: str, drawn: list[tuple[int, int]]) -> None:
    marks = merge((start, min(start + length, len(text))) for start, length in drawn if start < len(text))
    assert "".join(piece for piece, _ in Snippet(text, marks).pieces()) == text
