"""What results are counted by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from archiver.query.fields import FACETS, facet_values
from archiver.transcript.projection import project
from tests.conftest import NOW, record

PEOPLE = {
    "agentParticipants": [
        {"agentId": "1", "agentFullName": "Ann", "userType": "1"},
        {"agentId": "2", "agentFullName": "Robo", "userType": "2"},
        {"agentId": "3", "agentFullName": "Bea", "userType": "1"},
        {"agentId": "1", "agentFullName": "Ann", "userType": "1"},
    ],
    "consumerParticipants": [{"participantId": "cust", "firstName": "Carl"}],
}


def values(name: str, start: datetime = NOW, **changes: Any) -> tuple[str, ...]:
    return facet_values(project(record("c", start, "hello", **changes)), name)


@pytest.mark.parametrize(
    ("start", "month"),
    [
        (datetime(2026, 6, 1, tzinfo=UTC), "2026-06"),
        (datetime(2026, 6, 30, 23, 59, 59, tzinfo=UTC), "2026-06"),
        (datetime(2026, 7, 1, tzinfo=UTC), "2026-07"),
        (datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC), "2025-12"),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01"),
    ],
)
def test_a_month_is_that_of_the_start_in_utc(start: datetime, month: str) -> None:
    assert values("month", start) == (month,)


def test_all_days_of_a_month_are_one_value_and_each_month_of_a_year_its_own() -> None:
    found = [values("month", datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)) for day in range(365)]
    assert [len(set(found[:31])), len(set(found))] == [1, 12]
    assert sorted(set(found)) == list(dict.fromkeys(found))  # as text they sort by time


def test_a_conversation_without_a_start_has_no_month() -> None:
    assert values("month", info={"startTimeL": None}) == ()


def test_people_are_counted_as_agents_and_programs_as_bots() -> None:
    assert values("agent", **PEOPLE) == ("Ann", "Bea")
    assert values("bot", **PEOPLE) == ("Robo",)


def test_a_value_is_counted_once_and_cut_at_256_characters() -> None:
    assert values("skill", info={"latestSkillName": "x" * 300}) == ("x" * 256,)
    assert values("skill", info={"latestSkillName": None}) == ("7",)  # its id, where it has no name


def test_what_is_not_there_is_no_value() -> None:
    bare = project(b'{"info":{"conversationId":"c"}}')
    assert {name: facet_values(bare, name) for name in FACETS} == dict.fromkeys(FACETS, ())
