"""The simulated account: what happens by its clock, what each filter lets through, what a scenario may say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

import archiver
from archiver.errors import ConfigError
from archiver.jsontext import decode, encode
from archiver.liveperson.client import Client
from archiver.liveperson.filters import AgentSurveyFilter, Filters, Order, Parameters, Range
from archiver.model import Window, to_ms
from archiver.simulator.courses import Course, courses
from archiver.simulator.faults import KINDS, PLACES, Fault, Faults
from archiver.simulator.running import simulate
from archiver.simulator.scenario import Scenario, read_scenario
from archiver.simulator.sections import record as shown
from archiver.simulator.services import Simulator
from tests.conftest import NOW, TOP, connected, record
from tests.documented import FIELDS
from tests.unit.liveperson.test_filters import EVERY

DAY = timedelta(days=1)
SPAN = Window(NOW - 20 * DAY, NOW)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def account(simulator: Simulator) -> Simulator:
    simulator.world.schedule(courses(SPAN.start, SPAN.end, 120, deletes=True))
    return simulator


def all_courses() -> Iterator[Course]:
    return courses(SPAN.start, SPAN.end, 120, deletes=True)


def found(simulator: Simulator, **filters: Any) -> list[dict[str, Any]]:
    center = connected(simulator, simulator)
    pages = center.search(Filters(**{"start": SPAN, **filters}))
    return [decode(item.raw) for page in pages for item in page.conversations]


def search(simulator: Simulator, body: dict[str, Any], **query: Any) -> httpx.Response:
    """A search as anybody may send it."""
    form = {
        "client_id": simulator.tokens.client_id, "client_secret": simulator.tokens.client_secret,
        "grant_type": "client_credentials",
    }  # fmt: skip
    given = decode(simulator.tokens.give(httpx.Request("POST", "https://lp/app/token", data=form)).content)
    url = f"https://lp/messaging_history/api/account/{simulator.world.account}/conversations/search"
    headers = {"Authorization": f"Bearer {given['access_token']}"}
    return simulator(httpx.Request("POST", url, params=query, content=encode(body), headers=headers))


# ── conversations by the clock ──


def a_course(*, surveyed: bool = True) -> Course:
    return next(
        course for course in all_courses() if (course.surveyed_at is not None) == surveyed and course.number > 3
    )


def test_a_conversation_opens_grows_moves_closes_and_gets_its_survey() -> None:
    course = a_course()
    assert course.surveyed_at
    opened = shown(course, course.started_at)
    assert (opened["info"]["status"], opened["info"]["endTimeL"], opened["transfers"]) == ("OPEN", -1, [])
    assert len(opened["messageRecords"]) == 1
    grown = shown(course, course.turns[3].at)
    assert len(grown["messageRecords"]) == 4
    assert len(grown["transfers"]) == 1
    closed = shown(course, course.closed_at)
    assert (closed["info"]["status"], closed["info"]["fullDialogStatus"]) == ("CLOSE", "OPEN")
    assert closed["info"]["endTimeL"] == to_ms(course.closed_at)
    assert closed["conversationSurveys"][0]["surveyData"] == []
    done = shown(course, course.surveyed_at)
    assert done["info"]["endTimeL"] == to_ms(course.surveyed_at)  # the survey moves the end
    assert done["info"]["conversationEndTimeL"] == to_ms(course.closed_at)
    assert done["conversationSurveys"][0]["surveyStatus"] == "FILLED"
    assert [dialog["dialogType"] for dialog in done["dialogs"]] == ["MAIN", "POST_SURVEY"]


def test_a_card_number_is_masked_when_the_conversation_closes() -> None:
    course = next(course for course in all_courses() if any("4111" in turn.text for turn in course.turns))
    before, after = (
        encode(shown(course, course.closed_at + offset)) for offset in (-timedelta(seconds=1), timedelta(0))
    )
    assert b"4111 1111 1111 1111" in before
    assert b"4111" not in after
    assert b"****" in after


def test_a_customers_data_are_deleted_days_after_the_close() -> None:
    course = next(course for course in all_courses() if course.deleted_at)
    assert course.deleted_at
    gone = shown(course, course.deleted_at)
    assert any(item["messageData"] == {"msg": {"text": "** LP deleted data **"}} for item in gone["messageRecords"])
    assert course.customer.name.encode() not in encode(gone)
    assert course.customer.name.encode() in encode(shown(course, course.deleted_at - DAY))


def test_what_is_asked_again_later_has_gone_on(simulator: Simulator) -> None:
    now = [NOW - 10 * DAY]
    simulator.world.clock = lambda: now[0]
    simulator.world.schedule(all_courses())
    first = {item["info"]["conversationId"]: item for item in found(simulator)}
    is_open = [id_ for id_, item in first.items() if item["info"]["status"] == "OPEN"]
    assert is_open
    now[0] += 6 * DAY
    later = {item["info"]["conversationId"]: item for item in found(simulator)}
    assert len(later) > len(first)
    assert all(later[id_]["info"]["status"] == "CLOSE" for id_ in is_open)
    assert all(len(later[id_]["messageRecords"]) > len(first[id_]["messageRecords"]) for id_ in is_open)


def test_updates_are_found_by_when_they_happened_within_the_span_of_starts(account: Simulator) -> None:
    since = NOW - DAY
    updated = {item["info"]["conversationId"] for item in found(account, updated_since=since)}
    expected = {course.id for course in all_courses() if since <= max(at for at in course.moments() if at <= NOW)}
    assert updated == expected
    assert 0 < len(updated) < 120


def test_what_happens_is_shown_late_and_what_is_too_old_is_gone(simulator: Simulator) -> None:
    simulator.world.delay = timedelta(seconds=60)
    simulator.world.put(record("new", NOW - timedelta(seconds=30)))
    simulator.world.put(record("old", NOW - 400 * DAY))
    assert found(simulator) == []
    center = connected(simulator, simulator)
    assert next(center.by_ids(["new", "old"])).conversations == ()
    simulator.world.clock = lambda: NOW + timedelta(seconds=31)
    assert len(next(center.by_ids(["new"])).conversations) == 1


def test_the_duration_of_an_open_conversation_is_that_of_the_moment(simulator: Simulator) -> None:
    simulator.world.put(record("c", NOW - DAY, "hi", info={"status": "OPEN", "endTimeL": -1}))
    (one,) = found(simulator)
    simulator.world.clock = lambda: NOW + MINUTE
    (two,) = found(simulator)
    assert two["info"]["duration"] - one["info"]["duration"] == 60_000


# ── filters ──


MET_BY_NONE_OR_ALL = frozenset(
    ("nps", "fcr", "invalid_free_text", "annotation_states", "user_permissions", "queue_state", "response_due")
)


@pytest.mark.parametrize("name", sorted(EVERY.keys() - {"content", "selected_intent_only", "sde_capping"}))
def test_a_filter_lets_through_what_a_record_says_and_nothing_else(account: Simulator, name: str) -> None:
    """What the account gives with a filter is what a plain reading of its records gives."""
    value, reading = READINGS[name]
    everything = [shown(course, NOW) for course in all_courses()]
    expected = {item["info"]["conversationId"] for item in everything if reading(item)}
    assert {item["info"]["conversationId"] for item in found(account, **{name: value})} == expected
    if name not in MET_BY_NONE_OR_ALL:
        assert 0 < len(expected) < 121, name


def texts(item: dict[str, Any]) -> str:
    return encode([message["messageData"] for message in item["messageRecords"]]).decode().lower()


def survey(item: dict[str, Any]) -> list[dict[str, Any]]:
    return [data for one in item["conversationSurveys"] for data in one["surveyData"]]


def between(low: float, high: float, value: Any) -> bool:
    return value is not None and low <= value <= high


HALF = Window(NOW - 10 * DAY, NOW)
READINGS: dict[str, tuple[Any, Any]] = {
    "end": (HALF, lambda item: item["info"]["endTimeL"] >= to_ms(HALF.start)),
    "full_dialog_end": (HALF, lambda item: item["info"]["fullDialogEndTimeL"] >= to_ms(HALF.start)),
    "updated_since": (NOW - 400 * DAY, lambda item: True),
    "statuses": (("CLOSE",), lambda item: item["info"]["status"] == "CLOSE"),
    "skill_ids": ((503,), lambda item: item["info"]["latestSkillId"] == 503),
    "latest_skill_ids": ((501, 502), lambda item: item["info"]["latestSkillId"] in (501, 502)),
    "agent_ids": (("3601",), lambda item: any(agent["agentId"] == "3601" for agent in item["agentParticipants"])),
    "user_permissions": (("ASSIGNED_AGENT",), lambda item: True),
    "latest_agent_ids": (("3602",), lambda item: item["info"]["latestAgentId"] == "3602"),
    "agent_group_ids": ((-1,), lambda item: True),
    "keyword": ('"window table" saturday', lambda item: "window table" in texts(item) and "saturday" in texts(item)),
    "summary": ("solved", lambda item: "solved" in item["summary"].get("text", "")),
    "duration_s": (Range(60, 900), lambda item: between(60_000, 900_000, item["info"]["duration"])),
    "mcs": (Range(high=40), lambda item: item["info"]["mcs"] <= 40),
    "alerted_mcs": (("-1", "0"), lambda item: item["info"]["alertedMCS"] in (-1, 0)),
    "csat": (Range(1, 2), lambda item: between(1, 2, item["info"].get("csatRate"))),
    "nps": (Range(0, 6), lambda item: False),
    "fcr": (("yes",), lambda item: False),
    "channels": (("APP", "SMS"), lambda item: item["info"]["source"] in ("APP", "SMS")),
    "devices": (("MOBILE",), lambda item: item["info"]["device"] == "MOBILE"),
    "message_types": (("HOSTED_FILE",), lambda item: any(m["type"] == "HOSTED_FILE" for m in item["messageRecords"])),
    "queue_state": ("ACTIVE", lambda item: True),
    "sdes": ({"lead": "city trips", "purchase": "O-1"}, lambda item: _has_sde(item, "LEAD", "PURCHASE")),
    "response_due": (Range(0, 1e15), lambda item: item["responseTime"]["latestEffectiveResponseDueTime"] >= 0),
    "survey_question": ("csat", lambda item: bool(survey(item))),
    "invalid_free_text": ("INVALID_FREE_TEXT_ANSWER", lambda item: False),
    "survey_bot": ("SURVEY_BOT", lambda item: bool(item["conversationSurveys"])),
    "survey_ids": (("81",), lambda item: bool(item["conversationSurveys"])),
    "question_type": ({"type": "custom", "format": "open"}, lambda item: bool(survey(item))),
    "answer_words": (("friendly", "long"), lambda item: any(_said(data, "friendly", "long") for data in survey(item))),
    "agent_survey": (AgentSurveyFilter(answer_keywords=("solved",)), lambda item: bool(item["latestAgentSurvey"])),
    "intents": (("intent-flights",), lambda item: item["info"]["latestSkillName"] == "Flights"),
    "intent_confidence": (0.5, lambda item: bool(item["intents"])),
    "stepped_up_only": (True, lambda item: item["info"]["wasStepUp"]),
    "annotation_states": (("OPEN",), lambda item: False),
}


def _has_sde(item: dict[str, Any], *kinds: str) -> bool:
    return any(event["sdeType"] in kinds for event in item["sdes"]["events"])


def _said(data: dict[str, Any], *words: str) -> bool:
    return any(word in data["answer"].lower().split() for word in words)


def test_filters_are_joined_by_and(account: Simulator) -> None:
    both = found(account, latest_skill_ids=(501,), channels=("APP",))
    assert both
    assert {(item["info"]["latestSkillId"], item["info"]["source"]) for item in both} == {(501, "APP")}


@pytest.mark.parametrize(
    "body",
    [
        {}, {"start": {"from": 1}}, {"start": {"from": 5, "to": 1}}, {"keywordSearchArea": "x"}, {"status": "OPEN"},
        {"mcs": {}}, {"sdeSearch": {"magic": "x"}}, {"agentIds": 7}, {"end": {"from": 1, "to": to_ms(NOW)}},
    ],
)  # fmt: skip
def test_a_body_that_cannot_be_is_refused(account: Simulator, body: dict[str, Any]) -> None:
    whole = {"start": {"from": to_ms(SPAN.start), "to": to_ms(NOW)}, **body} if "start" not in body and body else body
    assert search(account, whole, source="t").status_code == 400


@pytest.mark.parametrize("order", list(Order))
def test_every_order_is_kept(account: Simulator, order: Order) -> None:
    center: Client = connected(account, account)
    pages = center.search(Filters(start=SPAN), Parameters(order=order, limit=50))
    name = "startTimeL" if "start" in order else "endTimeL"
    raws = {item.id: item.raw for page in pages for item in page.conversations}  # neighbouring pages share rows
    times = [decode(raw)["info"][name] for raw in raws.values()]
    assert len(times) == 120
    assert times == sorted(times, reverse="desc" in order)


def test_version_1_writes_sdes_as_text_and_leaves_unauthenticated_ones_out(account: Simulator) -> None:
    center = connected(account, account)
    pages = center.search(Filters(start=SPAN), Parameters(version=1))
    for item in (decode(item.raw) for page in pages for item in page.conversations):
        assert "unAuthSdes" not in item
        assert all(isinstance(event["serverTimeStamp"], str) for event in item["sdes"]["events"])
    assert any(item["unAuthSdes"]["events"] for item in found(account))


def test_capping_and_selected_intents_shape_the_answer(account: Simulator) -> None:
    few = found(account, latest_skill_ids=(503,))
    more = found(account, latest_skill_ids=(503,), sde_capping="LeadEvent:10:desc,PurchaseEvent:2:desc")
    assert sum(len(item["sdes"]["events"]) for item in more) >= sum(len(item["sdes"]["events"]) for item in few)
    selected = found(account, selected_intent_only=True)
    assert not any("allClassifications" in intent for item in selected for intent in item["intents"])


# ── shapes ──


def names(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield f"{path}{name}"
            yield from names(item, f"{path}{name}.")
    elif isinstance(value, list):
        for item in value:
            yield from names(item, path)


def test_records_have_every_section_and_field_that_liveperson_documents() -> None:
    at_some_time = [
        shown(course, moment) for course in all_courses() for moment in (course.turns[2].at, course.closed_at, NOW)
    ]
    for section, wanted in FIELDS.items():
        present = {name for item in at_some_time for name in names(item[section])}
        assert set(wanted) <= present, section
    assert set(at_some_time[0]) == set(FIELDS)


# ── scenarios ──


def test_unconfirmed_behaviour_can_be_either_way(account: Simulator) -> None:
    body = Filters(start=SPAN).body()

    def status(**query: Any) -> int:
        return search(account, body, source="t", **query).status_code

    assert [status(limit=500), status(sort="up"), status(offset=10_000)] == [400, 400, 200]
    account.is_lenient, account.deepest = True, 10_000
    assert [status(limit=500), status(sort="up"), status(offset=10_000)] == [200, 200, 500]


def scenario(tmp_path: Path, text: str) -> Any:
    path = tmp_path / "scenario.toml"
    path.write_text(text)
    return read_scenario(path)


def test_the_documented_scenario_is_one_and_every_kind_and_place_is_documented(tmp_path: Path) -> None:
    text = (TOP / "docs/simulator.md").read_text(encoding="utf-8")
    found = scenario(tmp_path, text.split("```toml\n")[1].split("```")[0])
    assert (found.speed, found.faults[0].wait_as, found.faults[1].kind) == (60, "date", "partial-result")
    assert [name for name in (*KINDS, *PLACES) if f"`{name}`" not in text] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("speeed = 2", "speed"), ("speed = 'fast'", "float"), ("speed = -1", "0.001"), ("speed = nan", "speed"),
        ("days = 1e9", "3,650"), ("token_life_as = 'rune'", "rune"), ("= 3", "TOML"), ("fault = 3", "[[fault]]"),
        ("fault = [1]", "[[fault]]"), ("[[fault]]", "kind"), ("[[fault]]\nkind = '42'", "42"),
        ("[[fault]]\nkind = '429'\nplace = 'moon'", "moon"), ("[[fault]]\nkind = '429'\ntimes = 'ever'", "always"),
        ("[[fault]]\nkind = '429'\nevery = 0", "every"), ("[[fault]]\nkind = '429'\nwait_s = -1", "wait_s"),
    ],
)  # fmt: skip
def test_a_scenario_that_cannot_be_is_told_with_what_may_stand_there(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as told:
        scenario(tmp_path, text)
    assert said in f"{told.value.message} {told.value.hint}"


def test_a_scenarios_clock_goes_as_fast_as_it_says_and_conversations_lie_ahead(tmp_path: Path) -> None:
    real = [NOW]

    def now() -> datetime:
        return real[0]

    found = scenario(tmp_path, "conversations = 40\ndays = 2\ndays_ahead = 3\nspeed = 3600")
    world = found.fill(found.world(now), NOW)
    before = world.search({"start": {"from": to_ms(NOW - 3 * DAY), "to": -1}}, 0, 1, order="start:asc").count
    real[0] += timedelta(seconds=60)  # sixty hours of the account's
    after = world.search({"start": {"from": to_ms(NOW - 3 * DAY), "to": -1}}, 0, 1, order="start:asc").count
    assert 0 < before < after


def test_a_fault_that_another_one_came_before_is_not_used_up(simulator: Simulator) -> None:
    faults = Faults(simulator, [Fault("429", times=1), Fault("503", times=1)], sleep=lambda seconds: None)
    request = httpx.Request("POST", "https://api.simulator.test/messaging_history/api/account/x/conversations/search")
    assert [faults(request).status_code for _ in range(3)][:2] == [429, 503]


# ── time, hosts and age ──


@pytest.mark.parametrize("old_host", ["404", "redirect", "html"])
def test_a_client_follows_an_account_that_moves_to_another_host(tmp_path: Path, old_host: str) -> None:
    scenario = Scenario(conversations=30, days=3, moves_after=5, old_host=old_host)
    with simulate(scenario) as account, archiver.open(tmp_path / "archive", **account.settings) as archive:
        assert archive.harvest("4d").conversations == 30


def test_an_account_may_keep_conversations_longer_than_13_months(tmp_path: Path) -> None:
    scenario = Scenario(conversations=40, days=440, kept_months=15)
    with simulate(scenario) as account, archiver.open(tmp_path / "archive", **account.settings) as archive:
        assert archive.harvest().conversations == 40


@pytest.mark.parametrize(("scenario", "said"), [
    (Scenario(conversations=3, date=False), "no time (Date header)"),
    (Scenario(conversations=3, date_off_s=7_200), "2.0 hours behind"),
    (Scenario(conversations=3, date_off_s=-7_200), "2.0 hours ahead of"),
])  # fmt: skip
def test_an_account_s_date_may_be_absent_or_off(tmp_path: Path, scenario: Scenario, said: str) -> None:
    with simulate(scenario) as account, archiver.open(tmp_path / "archive", **account.settings) as archive:
        summary = archive.harvest("1d")
        assert all(said in gap.reason for gap in summary.unproven)
        assert summary.unproven
