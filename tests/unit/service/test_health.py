"""What the metrics of a service say, and in which units."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from archiver.jsontext import decode
from archiver.service.health import Response, answer
from archiver.service.state import ArchiveCounts, IndexState, LaneState, Observation, Pause, Snapshot
from archiver.value import replace
from tests import schemas
from tests.conftest import ACCOUNT, NOW
from tests.reported import Reported

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
COUNTED = Observation(ArchiveCounts(), NOW - 5 * MINUTE)
INDEX = IndexState(applied=0, caught_up_at=NOW)
GOOD = Snapshot(ACCOUNT, HOUR, started_at=NOW - 3 * HOUR, heartbeat_at=NOW, archive=COUNTED, index=INDEX)


def asked(path: str, *states: Snapshot) -> Response:
    response = answer(path, [Reported(state) for state in states], NOW)
    assert response is not None
    return response


def samples(*states: Snapshot) -> list[Sample]:
    text = asked("/metrics", *states)[2].decode()
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def metrics(state: Snapshot) -> dict[str, float]:
    """Every sample of a state at NOW by its name, and by the value of its label besides the account."""
    named = ((sample, {**sample.labels, "account": ""}.values()) for sample in samples(state))
    return {" ".join((sample.name, *filter(None, labels))): sample.value for sample, labels in named}


def with_counts(**counts: float | None) -> Snapshot:
    return replace(GOOD, archive=replace(COUNTED, counts=ArchiveCounts(**counts)))  # type: ignore[arg-type]


def tailed(at: datetime | None) -> Snapshot:
    return replace(GOOD, archive=replace(COUNTED, tailed_at=at))


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
    found = metrics(tailed(None))
    assert found["archiver_harvest_lag_seconds"] == 3 * 3_600
    assert "archiver_harvest_last_success_timestamp_seconds" not in found
    assert found["archiver_up_since_timestamp_seconds"] == (NOW - 3 * HOUR).timestamp()


FAILED = LaneState(steps=4, failures=2, error="down", code="source.down")
DAMAGED = LaneState(error="the body of vault entry 3 is damaged", code="integrity")
PAUSE = Pause("source.auth", "refused", "Check them.", NOW - HOUR, attempts=3, retry_at=NOW + HOUR)
READING = {"expiring": LaneState(done_at=NOW - MINUTE)}
YELLOW = [
    replace(GOOD, lanes={"tail": FAILED}),
    replace(GOOD, lanes={"tail": replace(FAILED, code="source")}),  # a single 400
    replace(GOOD, pause=replace(PAUSE, code="source.down")),
    with_counts(unproven=1),
    with_counts(pending_erasures=1),
    replace(with_counts(hours_left=1.0), lanes=READING),
    replace(GOOD, index=replace(INDEX, error="away")),
    replace(GOOD, index=replace(INDEX, refused=1)),
    replace(with_counts(head=9), index=IndexState(applied=4, caught_up_at=NOW - 10 * MINUTE)),
    replace(GOOD, index=IndexState()),  # it has not answered since the start
]
RED = [
    with_counts(lost=1),
    tailed(NOW - HOUR - MINUTE),
    replace(GOOD, heartbeat_at=NOW - 30 * MINUTE),
    replace(with_counts(lost=1), lanes=YELLOW[0].lanes),  # the worst of all that is wrong counts
    replace(GOOD, pause=PAUSE),
    replace(GOOD, pause=replace(PAUSE, code="archive")),
    replace(GOOD, pause=replace(PAUSE, code="locked")),
    replace(GOOD, pause=replace(PAUSE, code="source")),  # such as an account that LivePerson does not know
    replace(GOOD, lease_error="the disk is full"),
    replace(GOOD, ended="the account is another"),
    replace(GOOD, lanes={"watch": DAMAGED}),
    replace(GOOD, archive=Observation(None, NOW, error="the disk can't be read")),
    with_counts(hours_left=47.9),  # nobody reads it
    replace(with_counts(hours_left=1.0), lanes={"expiring": LaneState(done_at=NOW - 31 * MINUTE)}),
    replace(with_counts(hours_left=1.0), lanes={"expiring": replace(FAILED, done_at=NOW)}),
    replace(with_counts(hours_left=1.0, unproven_hours_left=1.0), lanes=READING),
]
GREEN = [
    GOOD,
    with_counts(hours_left=48.0),
    replace(with_counts(head=9), index=IndexState(applied=4, caught_up_at=NOW - 9 * MINUTE)),
    replace(with_counts(head=9), index=IndexState(applied=9, caught_up_at=NOW - HOUR)),
    replace(GOOD, started_at=NOW, index=IndexState(), archive=Observation()),  # just started: no archive yet
]


@pytest.mark.parametrize(
    ("state", "level"),
    [(state, level) for level, states in enumerate((GREEN, YELLOW, RED)) for state in states],
)
def test_the_level_is_0_green_1_yellow_2_red_and_only_red_is_an_error(state: Snapshot, level: int) -> None:
    assert metrics(state)["archiver_harvest_level"] == level
    status, _, body = asked("/health/harvest", state)
    content = schemas.checked(body)
    assert (status, content["level"]) == (503 if level == 2 else 200, ("green", "yellow", "red")[level])
    assert bool(content["accounts"][0]["troubles"]) is (level > 0)


def test_what_is_just_in_time_is_green() -> None:
    on_the_edge = replace(tailed(NOW - HOUR), heartbeat_at=NOW - 30 * MINUTE + timedelta(seconds=1))
    assert metrics(on_the_edge)["archiver_harvest_level"] == 0


def test_a_pause_says_what_is_wrong_how_often_it_was_tried_and_when_the_next_attempt_is() -> None:
    (account,) = decode(asked("/health/harvest", replace(GOOD, pause=PAUSE))[2])["accounts"]
    (trouble,) = account["troubles"]
    assert trouble["what"] == (
        "everything waits: refused; tried 3 times since 2026-06-15 11:00 UTC, again at 13:00 UTC. Check them."
    )
    assert account["paused"]["attempts"] == metrics(replace(GOOD, pause=PAUSE))["archiver_harvest_attempts_in_vain"]


def test_a_service_is_ready_once_it_was_up_to_date_while_it_works_and_its_index_answers() -> None:
    not_ready = [
        tailed(None), replace(GOOD, index=replace(INDEX, error="away")), replace(GOOD, pause=PAUSE), YELLOW[-1],
        replace(GOOD, ended="wrong"), replace(GOOD, archive=Observation(None, NOW, error="unreadable")),
    ]  # fmt: skip
    stuck = replace(GOOD, heartbeat_at=NOW - 30 * MINUTE)
    assert [asked("/readyz", state)[0] for state in (GOOD, *not_ready, stuck)] == [200] + [503] * 7
    assert [asked("/healthz", state)[0] for state in (GOOD, *not_ready, stuck)] == [200] * 7 + [503]


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
        "index_applied": 4, "index_refused_conversations": 2, "index_up": 0, "harvest_attempts_in_vain": 0,
    }  # fmt: skip
    found = metrics(state)
    assert {name: found.get(f"archiver_{name}") for name in expected} == expected
    assert metrics(GOOD)["archiver_index_up"] == 1


def test_what_is_not_known_is_not_said_to_be_0() -> None:
    unknown = metrics(replace(GOOD, index=IndexState(), archive=Observation(error="unreadable")))
    known = {name for name in metrics(GOOD) if name.startswith(("archiver_vault_", "archiver_coverage_"))}
    assert unknown.keys().isdisjoint(known - {"archiver_vault_entries_made_total"})
    named = {"archiver_index_lag_entries", "archiver_index_applied", "archiver_index_refused_conversations"}
    assert unknown.keys().isdisjoint(named)
    assert unknown["archiver_index_up"] == 0


def test_several_accounts_are_told_apart_and_the_worst_of_them_counts() -> None:
    other = replace(with_counts(lost=1), account="87654321", profile="other")
    status, _, body = asked("/health/harvest", GOOD, other)
    content = schemas.checked(body)
    assert (status, content["level"]) == (503, "red")
    assert [(item["account"], item["level"]) for item in content["accounts"]] == [
        (ACCOUNT, "green"), ("87654321", "red")
    ]  # fmt: skip
    levels = {sample.labels["account"]: sample.value for sample in samples(GOOD, other) if "level" in sample.name}
    assert levels == {ACCOUNT: 0, "87654321": 2}
    stuck = replace(other, heartbeat_at=NOW - HOUR)
    assert [asked(path, GOOD, stuck)[0] for path in ("/healthz", "/readyz")] == [503, 503]
    assert asked("/healthz", GOOD, replace(stuck, ended="wrong settings"))[0] == 200  # the others work
