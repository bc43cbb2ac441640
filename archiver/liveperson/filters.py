"""The filters and parameters of the Messaging Interactions API, typed. Pure.

Pages: Messaging Interactions API, Methods: Conversations, Get Conversation by Conversation ID, Get Conversations by
Consumer ID. The names used on the wire are in `Filters.body` and `Parameters.query`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from archiver.model import Window, to_ms
from archiver.value import Value

MOST_PER_PAGE = 100
SOURCE = "archiver"  # the calling program's name, at most 20 characters
CONTENT = (
    "campaign", "messageRecords", "agentParticipants", "agentParticipantsLeave", "agentParticipantsActive",
    "consumerParticipants", "transfers", "interactions", "messageScores", "messageStatuses", "conversationSurveys",
    "coBrowseSessions", "summary", "sdes", "unAuthSdes", "monitoring", "dialogs", "responseTime", "skillChanges",
    "intents", "uniqueIntents", "latestAgentSurvey", "previouslySubmittedAgentSurveys",
)  # fmt: skip

# Enough to know which conversations there are; `info` always comes. Not empty: that might be read as "not given".
LIGHT_CONTENT = ("campaign",)


class Status(StrEnum):
    OPEN = "OPEN"
    CLOSED = "CLOSE"


class Order(StrEnum):
    START_ASC = "start:asc"
    START_DESC = "start:desc"
    END_ASC = "end:asc"
    END_DESC = "end:desc"


class Range(Value):
    """Inclusive bounds; None leaves that side open."""

    low: float | None = None
    high: float | None = None


class AgentSurveyFilter(Value):
    """Conditions on the agent survey (`agentSurveySearch`). All given ones must hold."""

    pending: tuple[bool, ...] = ()
    question_ids: tuple[str, ...] = ()
    question_names: tuple[str, ...] = ()
    question_keywords: tuple[str, ...] = ()
    answer_keywords: tuple[str, ...] = ()
    survey_ids: tuple[int, ...] = ()


def _span(window: Window) -> dict[str, int]:
    return {"from": to_ms(window.start), "to": to_ms(window.end) - 1}  # the server's bounds are inclusive


def _range(range_: Range) -> dict[str, float]:
    return {name: bound for name, bound in (("from", range_.low), ("to", range_.high)) if bound is not None}


def _agent_survey(survey: AgentSurveyFilter) -> dict[str, list[Any]]:
    named = {
        "pendingAgentSurvey": survey.pending, "questionId": survey.question_ids, "questionName": survey.question_names,
        "questionKeywords": survey.question_keywords, "answerKeywords": survey.answer_keywords,
        "surveyId": survey.survey_ids,
    }  # fmt: skip
    return {name: list(values) for name, values in named.items() if values}


def _filter(name: str, write: Callable[[Any], Any] = lambda value: value, default: Any = None) -> Any:
    return field(default=default, metadata={"name": name, "write": write})


def _any_of(name: str) -> Any:
    return _filter(name, list, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which conversations a search (method A) returns. All filters must hold; of one filter's values, any.

    The server rounds `start`, `end`, `full_dialog_end` outward and `updated_since` down to 10 minutes; the spans may be
    three months long at most. `start` is required, also with `updated_since`.
    """

    start: Window = field(metadata={"name": "start", "write": _span})
    end: Window | None = _filter("end", _span)
    """When the conversation ended; leaves out open ones."""
    full_dialog_end: Window | None = _filter("fullDialogEndTime", _span)
    """When it ended with its survey."""
    updated_since: datetime | None = _filter("latestUpdateTime", lambda moment: {"from": to_ms(moment)})
    statuses: tuple[Status, ...] = _any_of("status")
    skill_ids: tuple[int, ...] = _any_of("skillIds")
    """Any skill that it ever passed; -1 is none."""
    latest_skill_ids: tuple[int, ...] = _any_of("latestSkillIds")
    agent_ids: tuple[str, ...] = _any_of("agentIds")
    """Its assigned agents, or those in the roles of `user_permissions`."""
    user_permissions: tuple[str, ...] = _any_of("userPermissions")
    """ASSIGNED_AGENT, AGENT, AGENT_MANGER (LivePerson's spelling), READER."""
    latest_agent_ids: tuple[str, ...] = _any_of("latestAgentIds")
    agent_group_ids: tuple[int, ...] = _any_of("agentGroupIds")
    keyword: str | None = _filter("keyword")
    """Words of message texts; a phrase in quotes inside the string."""
    summary: str | None = _filter("summary")
    duration_s: Range | None = _filter("duration", _range)
    """In seconds, though `info.duration` is in milliseconds."""
    mcs: Range | None = _filter("mcs", _range)
    """0 to 100."""
    alerted_mcs: tuple[str, ...] = _any_of("alertedMcsValues")
    """"-1", "0", "1"."""
    csat: Range | None = _filter("csat", _range)
    """1 to 5."""
    nps: Range | None = _filter("nps", _range)
    """0 to 10."""
    fcr: tuple[str, ...] = _any_of("fcr")
    """yes, no."""
    channels: tuple[str, ...] = _any_of("source")
    """APP, SHARK (web), AGENT, SMS, FACEBOOK …; not the URL parameter of the same name."""
    devices: tuple[str, ...] = _any_of("device")
    """DESKTOP, TABLET, MOBILE, NA."""
    message_types: tuple[str, ...] = _any_of("messageContentTypes")
    queue_state: str | None = _filter("latestConversationQueueState")
    """IN_QUEUE or ACTIVE."""
    sdes: Mapping[str, str] | None = _filter("sdeSearch", dict)
    """Words by kind of SDE (personalInfo, customerInfo, lead …); any of them. Searchable after two hours."""
    response_due: Range | None = _filter("responseTime", _range)
    """When the agent's response is due, in epoch milliseconds."""
    survey_question: str | None = _filter("questionBrick")
    invalid_free_text: str | None = _filter("invalidFreeTextAnswer")
    """INVALID_FREE_TEXT_ANSWER."""
    survey_bot: str | None = _filter("surveyBotConversations")
    """SURVEY_BOT."""
    survey_ids: tuple[str, ...] = _any_of("surveyIds")
    question_type: Mapping[str, str] | None = _filter("questionTypeAndFormatToRetrieve", dict)
    """`type` (custom, csat, nps, fcr) and `format` (single, open)."""
    answer_words: tuple[str, ...] = _any_of("answerText")
    agent_survey: AgentSurveyFilter | None = _filter("agentSurveySearch", _agent_survey)
    selected_intent_only: bool | None = _filter("selectedIntentOnly")
    intents: tuple[str, ...] = _any_of("intentName")
    intent_confidence: float | None = _filter("intentConfidenceScore")
    stepped_up_only: bool | None = _filter("conversationsWithStepUpOnly")
    annotation_states: tuple[str, ...] = _any_of("annotationStates")
    """OPEN, SUBMITTED, VETTED."""
    sde_capping: str | None = _filter("cappingConfiguration")
    """How many SDEs of each type: `EventName:max:desc` in a comma list. Not in LivePerson's documents."""
    content: tuple[str, ...] = field(default=CONTENT, metadata={"name": "contentToRetrieve", "write": list})
    """The sections wanted; `info` always comes."""

    def body(self) -> dict[str, Any]:
        """The JSON body; filters that are not given are left out."""
        given = ((item.metadata, getattr(self, item.name)) for item in fields(self))
        return {wire["name"]: wire["write"](value) for wire, value in given if value is not None and value != ()}


class Parameters(Value, kw_only=True):
    """The URL parameters; each method sends those that it supports."""

    limit: int = MOST_PER_PAGE
    """1 to 100."""
    order: Order = Order.START_ASC
    version: int = 2
    """2 adds unauthenticated SDEs and types their values; 1 writes all values as strings."""
    source: str = SOURCE
    """The calling program, required, 1 to 20 characters."""
    rollover: bool = False
    """Conversations of the rollover account too (method A)."""
    nc: bool = False
    """Seen in LivePerson's own workspace (methods B and C), undocumented."""
    company: str | None = None
    """Seen in LivePerson's own tools (method B), undocumented."""

    def __post_init__(self) -> None:
        if not 0 < self.limit <= MOST_PER_PAGE:
            raise ValueError(f"limit must be 1 to {MOST_PER_PAGE}, not {self.limit}")
        if not 0 < len(self.source) <= 20:
            raise ValueError("source must have 1 to 20 characters")

    def of_search(self, offset: int) -> dict[str, str | int]:
        """Method A."""
        rollover: dict[str, str | int] = {"rollover": "true"} if self.rollover else {}
        return {"offset": offset, "limit": self.limit, "sort": self.order.value, **self._common(), **rollover}

    def of_look_up(self, offset: int) -> dict[str, str | int]:
        """Method B. Offset and limit are sent only after a first incomplete response: the API page does not document
        them here.
        """
        paging: dict[str, str | int] = {"offset": offset, "limit": self.limit} if offset else {}
        company: dict[str, str | int] = {"company": self.company} if self.company else {}
        return {**paging, **self._common(), **self._nc(), **company}

    def of_consumer(self, offset: int) -> dict[str, str | int]:
        """Method C."""
        return {"offset": offset, "limit": self.limit, **self._common(), **self._nc()}

    def _common(self) -> dict[str, str | int]:
        return {"v": self.version, "source": self.source}

    def _nc(self) -> dict[str, str | int]:
        return {"NC": "true"} if self.nc else {}
