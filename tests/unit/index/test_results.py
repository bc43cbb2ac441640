"""The order of results."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from archiver.index.results import rank
from archiver.model import EPOCH


@given(st.integers(0, 200 * 365).map(lambda days: EPOCH + timedelta(days=days)), st.text(), st.text())
def test_ranks_sort_by_time_whoever_is_ranked_and_fit_a_signed_64_bit_integer(
    moment: datetime, identity: str, other: str
) -> None:
    later = rank(moment + timedelta(milliseconds=1), other)
    assert 0 <= rank(moment, identity) < later < 2**63


def test_those_of_one_moment_have_ranks_of_their_own_that_never_change() -> None:
    ranks = [rank(EPOCH, f"c{number}") for number in range(200)]
    assert len(set(ranks)) == 200
    assert ranks == [rank(EPOCH, f"c{number}") for number in range(200)]
    assert max(ranks) < rank(EPOCH + timedelta(milliseconds=1), "")
