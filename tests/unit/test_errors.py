"""The words of errors and reports."""

from __future__ import annotations

import pytest

from archiver.errors import abridged, counted


@pytest.mark.parametrize(
    ("count", "noun", "words"),
    [
        (1, "day", "1 day"),
        (397, "day", "397 days"),
        (0, "conversation", "0 conversations"),
        (2, "vault entry", "2 vault entries"),
        (2_000, "query", "2,000 queries"),
        (2, "saved search", "2 saved searches"),
        (1, "saved search", "1 saved search"),
    ],
)
def test_a_number_stands_with_the_right_form_of_its_noun(count: int, noun: str, words: str) -> None:
    assert counted(count, noun) == words


def test_an_abridged_list_says_that_there_are_others() -> None:
    assert abridged(["a", "b", "c"], 2) == "a, b, …"
    assert abridged(["a", "b"], 2) == "a, b"
