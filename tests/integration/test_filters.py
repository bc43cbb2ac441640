"""Every filter of LivePerson's own search has an equivalent in the query language, and both find the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from archiver.app import Archive
from archiver.archive.opening import make_archive
from archiver.config import find_settings
from archiver.jsontext import decode
from archiver.liveperson.answers import read_record
from archiver.model import to_ms
from archiver.received import Conversation
from archiver.simulator.filters import FILTERS
from archiver.simulator.services import Simulator
from tests.conftest import ACCOUNT, NOW, TOP, record
from tests.integration.simulator.test_simulator import search

HOUR = timedelta(hours=1)
DOCUMENT = TOP / "docs" / "liveperson-filters.md"
# What shapes the answer, the window itself, and the one filter without an equivalent.
WITHOUT_EXAMPLE = {"start", "contentToRetrieve", "selectedIntentOnly", "cappingConfiguration", "latestUpdateTime"}


def survey(**answer: Any) -> dict[str, Any]:
    return {"conversationSurveys": [{"surveyId": 77, "surveyType": "CSAT", "surveyData": [answer]}]}


def agent(id_: str, group: int, permission: str = "ASSIGNED_AGENT") -> dict[str, Any]:
    return {
        "agentId": id_,
        "agentFullName": f"Agent {id_}",
        "userType": "1",
        "agentGroupId": group,
        "permission": permission,
    }


def intent(name: str, score: float, state: str) -> dict[str, Any]:
    chosen = {"intentName": name, "intentLabel": name, "confidenceScore": score}
    return {"intents": [{"selectedClassification": chosen, "annotationState": state}]}


def info(**changes: Any) -> dict[str, Any]:
    return {"info": changes}


def agent_survey(id_: int, question: str, answer: str) -> dict[str, Any]:
    given = {
        "questionId": f"q{id_}", "questionDefinition": f"reason{id_}", "questionText": question,
        "answers": [{"answer": answer}],
    }  # fmt: skip
    return {"previouslySubmittedAgentSurveys": [{"surveyId": id_, "submittedAnswers": [given]}]}


def sde(kind: str, **values: str) -> dict[str, Any]:
    return {"sdes": {"events": [{"sdeType": kind, kind: {kind: values}}]}}


# What one conversation has that others have not; every kind of value that a filter looks at, at least twice.
SPECIAL: dict[str, dict[str, Any]] = {
    "skill-8": info(latestSkillId=8, latestSkillName="Flights"),
    "was-8": {
        "transfers": [
            {"sourceSkillId": 8, "sourceSkillName": "Flights", "targetSkillId": 7, "targetSkillName": "Restaurants"}
        ]
    },
    "agent-1": {"agentParticipants": [agent("1", 5)], "info": {"latestAgentId": "1", "latestAgentGroupId": 5}},
    "agents-1-2": {
        "agentParticipants": [agent("1", 5), agent("2", 6)],
        "info": {"latestAgentId": "2", "latestAgentGroupId": 6},
    },
    "manager-2": {"agentParticipants": [agent("2", 6, "MANAGER")]},
    "open": info(status="OPEN", endTimeL=-1, endTime="-1", latestQueueState="ACTIVE"),
    "waiting": info(latestQueueState="IN_QUEUE"),
    "long": info(duration=90 * 60_000, source="SHARK", device="MOBILE"),
    "short": info(duration=1_000, source="WHATSAPP", device="DESKTOP"),
    "mcs-20": info(mcs=20, alertedMCS=-1),
    "mcs-80": info(mcs=80, alertedMCS=1),
    "csat-2": info(csatRate=2),
    "csat-5": info(csatRate=5),
    "nps-3": survey(
        questionType="nps",
        questionFormat="single",
        answer="3",
        questionId="n1",
        questionName="recommend",
        isValidAnswer=True,
    ),
    "nps-9": survey(questionType="nps", questionFormat="single", answer="9", questionName="recommend"),
    "fcr-yes": survey(questionType="fcr", questionFormat="single", answer="1", questionName="solved"),
    "fcr-no": survey(questionType="fcr", questionFormat="open", answer="no", questionName="solved"),
    "free": survey(questionType="custom", answer="slow refund", isValidAnswer=False),
    "summary": {"summary": {"text": "customer wants a refund"}},
    "file": {"messageRecords": [{"type": "HOSTED_FILE", "messageId": "f"}]},
    "customer": sde("customerInfo", customerId="C77", customerType="gold"),
    "person": sde("personalInfo", name="gold"),
    "due-soon": {"responseTime": {"latestEffectiveResponseDueTime": to_ms(NOW + HOUR)}},
    "due-later": {"responseTime": {"latestEffectiveResponseDueTime": to_ms(NOW + 9 * HOUR)}},
    "intent-a": intent("cancel", 0.9, "confirmed"),
    "intent-b": intent("cancel", 0.3, "rejected"),
    "intent-c": intent("refund", 0.6, "confirmed"),
    "step-up": info(wasStepUp=True),
    "no-step-up": info(wasStepUp=False),
    "pending": info(pendingAgentSurvey=True),
    "agent-survey": agent_survey(5, "why refund", "was broken"),
    "agent-survey-2": agent_survey(6, "why not", "too late"),
    "said": {},
    "survey-end": info(fullDialogEndTimeL=to_ms(NOW - 2 * HOUR), fullDialogEndTime="x"),
}

KINDS = (
    "userUpdate", "marketingCampaignInfo", "lead", "purchase", "viewedProduct", "cartStatus", "serviceActivity",
    "visitorError", "searchContent",
)  # fmt: skip
SPECIAL |= {f"sde-{kind}": sde(kind, topic="gold") for kind in KINDS}


def raws() -> Iterator[bytes]:
    for at, (id_, changes) in enumerate(SPECIAL.items()):
        texts = ("a refund please", "sure") if id_ == "said" else ("hello", "good day")
        yield record(id_, NOW - timedelta(days=20, hours=at), *texts, **changes)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    folder = tmp_path_factory.mktemp("filters") / "archive"
    with make_archive(folder, ACCOUNT) as made:
        made.keep([item for item in map(read_record, raws()) if isinstance(item, Conversation)], (), NOW)
    with Archive(find_settings({"archive": str(folder)}), clock=lambda: NOW) as opened:
        yield opened


def rows() -> list[tuple[str, str]]:
    """The examples of the document: a filter's body and the query that finds the same."""
    found = re.findall(r"^\| `(\{.*?\})` \| `(.*?)` \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    return [(body.replace("\\|", "|"), query.replace("\\|", "|")) for body, query in found]


def test_every_filter_of_the_search_is_in_the_table_or_named_as_without_equivalent() -> None:
    shown = {name for body, _ in rows() for name in decode(body.encode())}
    text = DOCUMENT.read_text(encoding="utf-8")
    assert FILTERS - shown == WITHOUT_EXAMPLE
    assert all(f"`{name}`" in text for name in WITHOUT_EXAMPLE)
    within = {
        (name, key) for body, _ in rows() for name, value in decode(body.encode()).items() for key in keys_of(value)
    }
    assert {("sdeSearch", kind) for kind in (*KINDS, "customerInfo", "personalInfo")} <= within
    surveys = ("pendingAgentSurvey", "surveyId", "questionId", "questionName", "questionKeywords", "answerKeywords")
    assert {("agentSurveySearch", key) for key in surveys} <= within


def keys_of(value: Any) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, dict) else ()


@pytest.mark.parametrize(("body", "query"), rows())
def test_a_filter_and_its_query_find_the_same_conversations(
    archive: Archive, simulator: Simulator, body: str, query: str
) -> None:
    simulator.world.fill(raws())
    start = {"from": to_ms(NOW - timedelta(days=30)), "to": to_ms(NOW)}
    answer = search(simulator, {"start": start} | decode(body.encode()), limit=100, v=2, source="archiver_tests")
    assert answer.status_code == 200, answer.text
    theirs = {item["info"]["conversationId"] for item in decode(answer.content)["conversationHistoryRecords"]}
    ours = {hit.transcript.id for hit in archive.search(query, limit=None)}
    assert ours == theirs
    assert 0 < len(theirs) < len(SPECIAL), "the example tells some conversations from others"
