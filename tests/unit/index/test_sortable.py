"""Numbers as text: their order, and the pieces of a range."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from archiver.index.sortable import between, pieces, sortable

NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**15), 10**15).map(float)


@given(NUMBERS, NUMBERS)
def test_texts_are_in_the_order_of_the_numbers(one: float, other: float) -> None:
    assert (sortable(one) < sortable(other)) == (one < other)
    assert (sortable(one) == sortable(other)) == (one == other)


@given(st.none() | NUMBERS, st.none() | NUMBERS, NUMBERS)
def test_the_pieces_of_a_range_hold_each_of_its_numbers_once_and_no_other(
    low: float | None, high: float | None, number: float
) -> None:
    found = 0
    for begin, first, last in pieces(*between(low, high)):
        found += bool(re.fullmatch(f"{begin}[{first}-{last}].*" if first else begin, sortable(number)))
    assert found == ((low is None or low <= number) and (high is None or number < high))
