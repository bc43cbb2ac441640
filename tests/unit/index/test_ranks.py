"""The numbers that conversations are sorted by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from archiver.index.ranks import RANKED, most_matches_first, packed, rank, rank_by
from archiver.index.results import Key, Sort
from archiver.model import Transcript
from archiver.transcript.projection import project
from archiver.value import replace
from tests.conftest import NOW, record

VALUES = st.none() | st.integers(0, 2**36)
MOMENTS = st.none() | st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def scored(**scores: float) -> Transcript:
    transcript = project(record("c", NOW, "hello"))
    return replace(transcript, metadata=replace(transcript.metadata, **{"csat": None, "mcs": None, **scores}))


@given(VALUES, MOMENTS, VALUES, MOMENTS)
def test_a_higher_value_is_before_a_lower_one_whenever_they_started_and_none_is_last(
    value: int | None, at: datetime | None, other: int | None, then: datetime | None
) -> None:
    assert 0 <= packed(value, at) < 2**63
    if (-1 if value is None else value) > (-1 if other is None else other):
        assert packed(value, at) > packed(other, then)


def test_of_equal_values_the_newer_is_first() -> None:
    assert packed(3, NOW) > packed(3, NOW - timedelta(minutes=1))


def test_the_lowest_score_is_first_where_that_is_asked_for_and_no_score_is_last() -> None:
    for sort, name, scores in ((Sort.LOWEST_MCS, "mcs", (0, 1, 50, 100)), (Sort.LOWEST_CSAT, "csat", (1, 1.5, 5))):
        ranks = [rank_by(sort, scored(**{name: score})) for score in scores] + [rank_by(sort, scored())]
        assert ranks == sorted(ranks, reverse=True)
        assert len(set(ranks)) == len(ranks)


def test_every_rank_of_an_empty_record_is_a_number() -> None:
    bare = project(b'{"info":{"conversationId":"c"}}')
    assert all(0 <= rank_by(sort, bare) < 2**63 for sort in RANKED)


def test_conversations_with_more_matching_messages_are_first_then_newer_ones() -> None:
    found = [Key(name, None, rank(NOW + timedelta(hours=at))) for at, name in enumerate("abc")]
    assert [key.conversation_id for key in most_matches_first(found, {"a": 2, "b": 1, "c": 1})] == ["a", "c", "b"]
