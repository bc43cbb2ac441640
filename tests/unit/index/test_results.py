"""The order of results, and cursors."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import ConfigError
from archiver.index.ranks import rank
from archiver.index.results import Key, Sort, as_cursor, read_cursor

MOMENTS = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
KEYS = st.builds(Key, st.text(), st.none() | st.text(), st.integers(-(2**62), 2**62))


@given(MOMENTS, MOMENTS)
def test_ranks_sort_by_time_in_every_year_and_are_exact_in_javascript(moment: datetime, other: datetime) -> None:
    assert abs(rank(moment)) < 2**53
    assert (rank(moment) <= rank(other)) or moment > other


@given(KEYS)
def test_a_cursor_is_read_as_the_key_that_it_was_made_of_in_its_own_order_only(key: Key) -> None:
    cursor = as_cursor(key, Sort.MCS)
    assert read_cursor(cursor, Sort.MCS) == key
    with pytest.raises(ConfigError, match="sorted by mcs"):
        read_cursor(cursor, Sort.NEWEST)


@given(st.text() | st.integers().map(str))
def test_any_other_text_is_no_cursor(text: str) -> None:
    with pytest.raises(ConfigError, match="no cursor"):
        read_cursor(text, Sort.NEWEST)


@pytest.mark.parametrize("rank_", [2**63, -(2**64), True, 1.5])
def test_a_cursor_beyond_all_ranks_is_none(rank_: int) -> None:
    with pytest.raises(ConfigError, match="no cursor"):
        read_cursor(as_cursor(Key("c", None, rank_), Sort.NEWEST), Sort.NEWEST)
