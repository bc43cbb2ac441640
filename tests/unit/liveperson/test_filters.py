"""What may be asked of LivePerson, and how it is written on the wire."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from archiver.liveperson.filters import CONTENT, AgentSurveyFilter, Filters, Order, Parameters, Range, Status
from archiver.model import Window, to_ms
from archiver.simulator.filters import FILTERS
from tests.conftest import NOW

WINDOW = Window(NOW - timedelta(days=1), NOW)
SPAN = {"from": to_ms(WINDOW.start), "to": to_ms(WINDOW.end) - 1}
# One value for each filter, and what it is on the wire (Methods: Conversations, table of body parameters).
EVERY: dict[str, tuple[Any, str, Any]] = {
    "end": (WINDOW, "end", SPAN),
    "full_dialog_end": (WINDOW, "fullDialogEndTime", SPAN),
    "updated_since": (NOW, "latestUpdateTime", {"from": to_ms(NOW)}),
    "statuses": ((Status.OPEN, Status.CLOSED), "status", ["OPEN", "CLOSE"]),
    "skill_ids": ((501, -1), "skillIds", [501, -1]),
    "latest_skill_ids": ((501,), "latestSkillIds", [501]),
    "agent_ids": (("3601",), "agentIds", ["3601"]),
    "user_permissions": (("ASSIGNED_AGENT", "AGENT_MANGER"), "userPermissions", ["ASSIGNED_AGENT", "AGENT_MANGER"]),
    "latest_agent_ids": (("3601",), "latestAgentIds", ["3601"]),
    "agent_group_ids": ((-1,), "agentGroupIds", [-1]),
    "keyword": ('"red shoes" now', "keyword", '"red shoes" now'),
    "summary": ("solved", "summary", "solved"),
    "duration_s": (Range(60, 600), "duration", {"from": 60, "to": 600}),
    "mcs": (Range(high=40), "mcs", {"to": 40}),
    "alerted_mcs": (("-1",), "alertedMcsValues", ["-1"]),
    "csat": (Range(1, 2), "csat", {"from": 1, "to": 2}),
    "nps": (Range(0, 6), "nps", {"from": 0, "to": 6}),
    "fcr": (("yes",), "fcr", ["yes"]),
    "channels": (("APP", "SHARK"), "source", ["APP", "SHARK"]),
    "devices": (("MOBILE",), "device", ["MOBILE"]),
    "message_types": (("HOSTED_FILE",), "messageContentTypes", ["HOSTED_FILE"]),
    "queue_state": ("ACTIVE", "latestConversationQueueState", "ACTIVE"),
    "sdes": ({"lead": "trips"}, "sdeSearch", {"lead": "trips"}),
    "response_due": (Range(1, 2), "responseTime", {"from": 1, "to": 2}),
    "survey_question": ("csat", "questionBrick", "csat"),
    "invalid_free_text": ("INVALID_FREE_TEXT_ANSWER", "invalidFreeTextAnswer", "INVALID_FREE_TEXT_ANSWER"),
    "survey_bot": ("SURVEY_BOT", "surveyBotConversations", "SURVEY_BOT"),
    "survey_ids": (("81",), "surveyIds", ["81"]),
    "question_type": (
        {"type": "csat", "format": "single"},
        "questionTypeAndFormatToRetrieve",
        {"type": "csat", "format": "single"},
    ),
    "answer_words": (("friendly",), "answerText", ["friendly"]),
    "agent_survey": (
        AgentSurveyFilter(pending=(False,), question_ids=("1",), answer_keywords=("solved",), survey_ids=(91,)),
        "agentSurveySearch",
        {"pendingAgentSurvey": [False], "questionId": ["1"], "answerKeywords": ["solved"], "surveyId": [91]},
    ),
    "selected_intent_only": (True, "selectedIntentOnly", True),
    "intents": (("intent-flights",), "intentName", ["intent-flights"]),
    "intent_confidence": (0.5, "intentConfidenceScore", 0.5),
    "stepped_up_only": (True, "conversationsWithStepUpOnly", True),
    "annotation_states": (("OPEN",), "annotationStates", ["OPEN"]),
    "sde_capping": ("LeadEvent:10:desc", "cappingConfiguration", "LeadEvent:10:desc"),
    "content": (("summary",), "contentToRetrieve", ["summary"]),
}


def test_every_filter_is_here() -> None:
    assert {item.name for item in fields(Filters)} == {"start", *EVERY}


@pytest.mark.parametrize("name", EVERY)
def test_a_filter_is_written_as_liveperson_documents_it(name: str) -> None:
    value, wire, written = EVERY[name]
    body = replace(Filters(start=WINDOW), **{name: value}).body()
    assert body[wire] == written
    assert set(body) == {"start", "contentToRetrieve", wire}


def test_without_filters_only_the_span_and_all_sections_are_asked_for() -> None:
    assert Filters(start=WINDOW).body() == {"start": SPAN, "contentToRetrieve": list(CONTENT)}


def test_the_simulated_account_knows_the_same_filters() -> None:
    assert {wire for _, wire, _ in EVERY.values()} | {"start"} == FILTERS


def test_each_method_gets_the_url_parameters_that_it_knows() -> None:
    everything = Parameters(
        limit=10, order=Order.END_DESC, version=1, source="me", rollover=True, nc=True, company="lp"
    )
    common = {"v": 1, "source": "me"}
    assert everything.of_search(20) == {"offset": 20, "limit": 10, "sort": "end:desc", "rollover": "true", **common}
    assert everything.of_consumer(20) == {"offset": 20, "limit": 10, "NC": "true", **common}
    assert everything.of_look_up(0) == {"NC": "true", "company": "lp", **common}
    assert everything.of_look_up(5) == {"offset": 5, "limit": 10, "NC": "true", "company": "lp", **common}
    assert Parameters().of_search(0) == {
        "offset": 0, "limit": 100, "sort": "start:asc", "v": 2, "source": "archiver",
    }  # fmt: skip


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": 101}, {"source": ""}, {"source": "x" * 21}])
def test_what_liveperson_would_refuse_is_refused_here(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        Parameters(**wrong)


def test_a_bound_of_a_window_is_inclusive_on_the_wire() -> None:
    assert datetime.fromtimestamp(Filters(start=WINDOW).body()["start"]["to"] / 1000, NOW.tzinfo) < WINDOW.end
