"""The order of results."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from archiver.index.results import rank
from archiver.model import EPOCH


@given(st.integers(0, 200 * 365).map(lambda days: EPOCH + timedelta(days=days)), st.text())
def test_ranks_sort_by_time_and_fit_a_signed_64_bit_integer(moment: datetime, identity: str) -> None:
    later = rank(moment + timedelta(milliseconds=1), identity)
    assert rank(moment, identity) < later < 2**63
