"""The difference between two texts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from archiver.transcript import word_diff

TEXT = st.lists(st.sampled_from(["a", "b", "card", "  ", "\n"])).map(" ".join)


@given(TEXT, TEXT)
def test_the_pieces_of_a_difference_are_both_texts(before: str, after: str) -> None:
    pieces = list(word_diff(before, after))
    assert "".join(text for sign, text in pieces if sign != "+") == before
    assert "".join(text for sign, text in pieces if sign != "-") == after


def test_texts_whose_comparison_would_take_minutes_are_one_piece_each() -> None:
    before, after = (" ".join(f"{letter}{number}" for number in range(50_000)) for letter in "ab")
    assert list(word_diff(before, after)) == [("-", before), ("+", after)]
    assert list(word_diff(before, before)) == [("=", before)]
