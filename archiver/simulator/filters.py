"""Which conversations pass a search's body, by LivePerson's documentation of each filter. All filters must hold; of one
filter's values, any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from archiver.simulator.calendar import floor, from_ms, to_ms
from archiver.simulator.kinds import (
    BadRequest,
    Make,
    Record,
    Test,
    as_list,
    between,
    of_info,
    one_of,
    plain,
    switched,
    time_between,
    with_words,
)
from archiver.simulator.values import items, number, scalars, section
from archiver.simulator.views import View

_SHAPES_THE_ANSWER = frozenset(("contentToRetrieve", "selectedIntentOnly", "cappingConfiguration"))
_SDE_KEYS = frozenset(
    (
        "personalInfo", "customerInfo", "userUpdate", "marketingCampaignInfo", "lead", "purchase", "viewedProduct",
        "cartStatus", "serviceActivity", "visitorError", "searchContent",
    )
)  # fmt: skip
_ROLES = {
    "ASSIGNED_AGENT": "ASSIGNED_AGENT", "AGENT": "ASSIGNED_AGENT", "AGENT_MANGER": "MANAGER", "READER": "READER",
}  # fmt: skip


def tests(body: Record, now: datetime) -> list[Test]:
    """One test per filter of a body except `start`. Raises BadRequest for an unknown filter or an invalid value."""
    conditions: list[Test] = []
    for name, value in body.items():
        if name in ("start", *_SHAPES_THE_ANSWER):
            continue
        if name not in _MAKERS:
            raise BadRequest(f"there is no filter {name}")
        try:
            conditions.append(_MAKERS[name](value, body, now))
        except (TypeError, ValueError, KeyError, AttributeError):
            raise BadRequest(f"{name} has a value that it can't have") from None
    return conditions


def _updated(value: Any, _: Record, __: datetime) -> Test:
    since_ms = to_ms(floor(from_ms(int(value["from"]))))
    return lambda view: view.updated_ms >= since_ms


# ── values of a record ──


def _texts(record: Record) -> Iterator[str]:
    for message in items(record, "messageRecords"):
        yield from map(str, scalars(message.get("messageData")))


def _skills(record: Record) -> Iterator[Any]:
    yield section(record, "info").get("latestSkillId")
    for transfer in items(record, "transfers"):
        yield from (transfer.get("sourceSkillId"), transfer.get("targetSkillId"))
    yield from (dialog.get("skillId") for dialog in items(record, "dialogs"))


def _agents(value: Any, body: Record, _: datetime) -> Test:
    wanted = {str(item) for item in as_list(value)}
    roles = {_ROLES[role] for role in body.get("userPermissions", ["ASSIGNED_AGENT"])}

    def holds(view: View) -> bool:
        return any(
            str(agent.get("agentId")) in wanted and agent.get("permission", "ASSIGNED_AGENT") in roles
            for agent in items(view.record, "agentParticipants")
        )

    return holds


def _any_agent(value: Any, _: Record, __: datetime) -> Test:
    """Alone it filters nothing: it says in which role `agentIds` are looked for."""
    for role in as_list(value):
        _ROLES[role]
    return lambda view: True


def _groups(record: Record) -> Iterator[Any]:
    yield section(record, "info").get("latestAgentGroupId")
    yield from (agent.get("agentGroupId") for agent in items(record, "agentParticipants"))


def _survey_data(record: Record) -> Iterator[dict[str, Any]]:
    for survey in items(record, "conversationSurveys"):
        yield from items(survey, "surveyData")


def _csat(record: Record) -> float | None:
    info = section(record, "info")
    return number(info.get("csatRate", info.get("csat")))


def _nps(record: Record) -> float | None:
    questions = (item for item in _survey_data(record) if item.get("questionType") == "nps")
    return next((number(item.get("answer")) for item in questions), None)


def _fcr(record: Record) -> Iterator[str]:
    spelled = {"1": "yes", "0": "no"}
    for item in _survey_data(record):
        if item.get("questionType") == "fcr":
            answer = str(item.get("answer")).lower()
            yield spelled.get(answer, answer)


def _sdes(value: Any, _: Record, __: datetime) -> Test:
    """Words in an SDE of a kind; of several kinds, any."""
    if not set(value) <= _SDE_KEYS:
        raise ValueError
    wanted = {kind: plain(str(words)) for kind, words in value.items()}

    def holds(view: View) -> bool:
        events = [event for name in ("sdes", "unAuthSdes") for event in items(section(view.record, name), "events")]
        return any(
            words in plain(" ".join(map(str, scalars(event.get(kind)))))
            for event in events
            for kind, words in wanted.items()
        )

    return holds


def _question_kind(value: Any, _: Record, __: datetime) -> Test:
    kind, form = value.get("type"), value.get("format")
    return lambda view: any(
        kind in (None, item.get("questionType")) and form in (None, item.get("questionFormat"))
        for item in _survey_data(view.record)
    )


def _agent_surveys(record: Record) -> Iterator[dict[str, Any]]:
    latest = section(record, "latestAgentSurvey")
    yield from ([latest] if latest else [])
    yield from items(record, "previouslySubmittedAgentSurveys")


def _agent_survey(value: Any, _: Record, __: datetime) -> Test:
    """All given conditions must hold, each for some survey."""
    readers: dict[str, Callable[[Record], Iterable[Any]]] = {
        "pendingAgentSurvey": lambda record: [section(record, "info").get("pendingAgentSurvey")],
        "surveyId": lambda record: (survey.get("surveyId") for survey in _agent_surveys(record)),
        "questionId": lambda record: (item.get("questionId") for item in _submitted(record)),
        "questionName": lambda record: (item.get("questionDefinition") for item in _submitted(record)),
    }
    texts: dict[str, Callable[[Record], Iterable[str]]] = {
        "questionKeywords": lambda record: (str(item.get("questionText")) for item in _submitted(record)),
        "answerKeywords": lambda record: (
            str(answer.get("answer")) for item in _submitted(record) for answer in items(item, "answers")
        ),
    }
    holding: list[Test] = []
    for name, wanted in value.items():
        if name in readers:
            holding.append(one_of(readers[name])(wanted, {}, from_ms(0)))
        else:
            holding += [with_words(texts[name])(word, {}, from_ms(0)) for word in as_list(wanted)]
    return lambda view: all(test(view) for test in holding)


def _submitted(record: Record) -> Iterator[dict[str, Any]]:
    for survey in _agent_surveys(record):
        yield from items(survey, "submittedAnswers")


def _answer_words(value: Any, body: Record, now: datetime) -> Test:
    texts = with_words(lambda record: (str(item.get("answer")) for item in _survey_data(record)))
    any_of = [texts(word, body, now) for word in as_list(value)]
    return lambda view: any(test(view) for test in any_of)


def _intents(record: Record) -> Iterator[dict[str, Any]]:
    for intent in items(record, "intents"):
        yield section(intent, "selectedClassification")


def _confidence(value: Any, _: Record, __: datetime) -> Test:
    least = float(value)
    return lambda view: any((number(item.get("confidenceScore")) or 0) >= least for item in _intents(view.record))


_MAKERS: dict[str, Make] = {
    "end": time_between("endTimeL"),
    "fullDialogEndTime": time_between("fullDialogEndTimeL"),
    "latestUpdateTime": _updated,
    "status": of_info("status"),
    "skillIds": one_of(_skills),
    "latestSkillIds": of_info("latestSkillId"),
    "agentIds": _agents,
    "userPermissions": _any_agent,
    "latestAgentIds": of_info("latestAgentId"),
    "agentGroupIds": one_of(_groups),
    "keyword": with_words(_texts),
    "summary": with_words(lambda record: [str(section(record, "summary").get("text") or "")]),
    "duration": between(lambda record: number(section(record, "info").get("duration")), factor=1_000),
    "mcs": between(lambda record: number(section(record, "info").get("mcs"))),
    "alertedMcsValues": of_info("alertedMCS"),
    "csat": between(_csat),
    "nps": between(_nps),
    "fcr": one_of(_fcr),
    "source": of_info("source"),
    "device": of_info("device"),
    "messageContentTypes": one_of(lambda record: (item.get("type") for item in items(record, "messageRecords"))),
    "latestConversationQueueState": lambda value, body, now: of_info("latestQueueState")([value], body, now),
    "sdeSearch": _sdes,
    "responseTime": between(
        lambda record: number(section(record, "responseTime").get("latestEffectiveResponseDueTime"))
    ),
    "questionBrick": with_words(
        lambda record: (f"{item.get('questionName')} {item.get('questionId')}" for item in _survey_data(record))
    ),
    "invalidFreeTextAnswer": switched(
        lambda record: any(item.get("isValidAnswer") is False for item in _survey_data(record)),
        "INVALID_FREE_TEXT_ANSWER",
    ),
    "surveyBotConversations": switched(lambda record: bool(items(record, "conversationSurveys")), "SURVEY_BOT"),
    "surveyIds": one_of(lambda record: (item.get("surveyId") for item in items(record, "conversationSurveys"))),
    "questionTypeAndFormatToRetrieve": _question_kind,
    "answerText": _answer_words,
    "agentSurveySearch": _agent_survey,
    "intentName": one_of(lambda record: (item.get("intentName") for item in _intents(record))),
    "intentConfidenceScore": _confidence,
    "conversationsWithStepUpOnly": switched(
        lambda record: section(record, "info").get("wasStepUp") is True, True, False
    ),
    "annotationStates": one_of(lambda record: (item.get("annotationState") for item in items(record, "intents"))),
}
FILTERS = frozenset((*_MAKERS, "start", *_SHAPES_THE_ANSWER))


def updated_ms(info: Record) -> int:
    """When a record from a file was last updated: at its end, as far as it has one."""
    times = (int(number(info.get(name)) or 0) for name in ("startTimeL", "endTimeL", "fullDialogEndTimeL"))
    return max(times)
