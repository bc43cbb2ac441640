"""What the metrics of a service say, and in which units."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from archiver.jsontext import decode
from archiver.service.health import answer
from archiver.service.state import ArchiveCounts, IndexState, LaneState, ServiceState, Snapshot
from tests.conftest import ACCOUNT, NOW

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
GOOD = Snapshot(ACCOUNT, fresh_within=HOUR, started_at=NOW - 3 * HOUR, heartbeat_at=NOW, tailed_at=NOW - 5 * MINUTE)


def metrics(state: Snapshot) -> dict[str, float]:
    """Every sample of a state at NOW by its name, and by its label's value where it has one."""
    response = answer("/metrics", ServiceState(state), NOW)
    assert response is not None
    samples = [sample for family in text_string_to_metric_families(response[2].decode()) for sample in family.samples]
    return {" ".join((sample.name, *sample.labels.values())): sample.value for sample in samples}


def with_counts(**counts: float | None) -> Snapshot:
    return replace(GOOD, counts=ArchiveCounts(**counts))  # type: ignore[arg-type]


@pytest.mark.parametrize(("hours", "seconds"), [(48.0, 172_800), (0.5, 1_800), (0.0, 0)])
def test_the_margin_until_a_gap_is_lost_is_in_seconds(hours: float, seconds: int) -> None:
    assert metrics(with_counts(gaps=1, hours_left=hours))["archiver_retention_margin_seconds"] == seconds


def test_without_a_gap_that_can_be_closed_there_is_no_margin() -> None:
    assert "archiver_retention_margin_seconds" not in metrics(with_counts(gaps=1, lost=1, hours_left=None))


def test_gaps_are_counted_and_measured_in_hours() -> None:
    found = metrics(with_counts(gaps=3, gap_hours=36.5, lost=1, lost_hours=12.25))
    names = ("coverage_gaps", "coverage_gap_hours", "coverage_lost_hours")
    assert [found[f"archiver_{name}"] for name in names] == [3, 36.5, 12.25]


def test_the_lag_is_the_age_of_the_newest_conversations_in_seconds() -> None:
    assert metrics(GOOD)["archiver_harvest_lag_seconds"] == 300
    assert metrics(GOOD)["archiver_harvest_last_success_timestamp_seconds"] == (NOW - 5 * MINUTE).timestamp()


def test_a_service_that_was_never_up_to_date_lags_since_its_start() -> None:
    found = metrics(replace(GOOD, tailed_at=None))
    assert found["archiver_harvest_lag_seconds"] == 3 * 3_600
    assert found["archiver_harvest_last_success_timestamp_seconds"] == 0
    assert found["archiver_up_since_timestamp_seconds"] == (NOW - 3 * HOUR).timestamp()


FAILED = LaneState(steps=4, failures=2, error="down")
YELLOW = [
    replace(GOOD, lanes={"tail": FAILED}),
    with_counts(unproven=1),
    with_counts(pending_erasures=1),
    replace(GOOD, index=IndexState(error="away")),
    replace(GOOD, index=IndexState(refused=1)),
]
RED = [
    with_counts(lost=1),
    replace(GOOD, tailed_at=NOW - HOUR - MINUTE),
    replace(GOOD, heartbeat_at=NOW - 30 * MINUTE),
    replace(YELLOW[0], counts=ArchiveCounts(lost=1)),  # the worst of all that is wrong counts
]


@pytest.mark.parametrize(
    ("state", "level"), [(GOOD, 0), *((state, 1) for state in YELLOW), *((state, 2) for state in RED)]
)
def test_the_level_is_0_green_1_yellow_2_red_and_only_red_is_an_error(state: Snapshot, level: int) -> None:
    assert metrics(state)["archiver_harvest_level"] == level
    response = answer("/health/harvest", ServiceState(state), NOW)
    assert response is not None
    assert (response[0], decode(response[2])["level"]) == (
        503 if level == 2 else 200,
        ("green", "yellow", "red")[level],
    )


def test_what_is_just_in_time_is_green() -> None:
    on_the_edge = replace(GOOD, tailed_at=NOW - HOUR, heartbeat_at=NOW - 30 * MINUTE + timedelta(seconds=1))
    assert metrics(on_the_edge)["archiver_harvest_level"] == 0


def test_a_service_is_ready_once_it_was_up_to_date_while_it_lives_and_its_index_answers() -> None:
    not_ready = [
        replace(GOOD, tailed_at=None), replace(GOOD, index=IndexState(error="away")),
        replace(GOOD, heartbeat_at=NOW - 30 * MINUTE),
    ]  # fmt: skip
    found = [answer("/readyz", ServiceState(state), NOW) for state in (GOOD, *not_ready)]
    assert [response and response[0] for response in found] == [200, 503, 503, 503]
    alive = [answer("/healthz", ServiceState(state), NOW) for state in (GOOD, *not_ready)]
    assert [response and response[0] for response in alive] == [200, 200, 200, 503]


def test_lanes_answers_and_the_archive_are_counted_as_they_are() -> None:
    counts = {"conversations": 7, "messages": 30, "head": 9, "watched": 2, "quarantined": 1, "pending_erasures": 3}
    state = replace(
        with_counts(**counts), lanes={"tail": FAILED}, answers={"200": 5, "503": 1}, entries_made=8,
        index=IndexState(applied=4, refused=2, error="away"),
    )  # fmt: skip
    expected = {
        "vault_conversations": 7, "vault_messages": 30, "vault_head": 9, "watched_conversations": 2,
        "quarantined_records": 1, "erasures_pending": 3, "lane_steps_total tail": 4, "lane_failures_total tail": 2,
        "api_answers_total 200": 5, "api_answers_total 503": 1, "vault_entries_made_total": 8, "index_lag_entries": 5,
        "index_refused_conversations": 2, "index_up": 0,
    }  # fmt: skip
    found = metrics(state)
    assert {name: found.get(f"archiver_{name}") for name in expected} == expected
    assert metrics(GOOD)["archiver_index_up"] == 1
    assert "archiver_index_lag_entries" not in metrics(GOOD)  # nobody knows yet how far the index is
