"""Reads surveys: customers' answers after a conversation, and agents' answers in their own surveys. Pure and total."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archiver.model import Role, SurveyAnswer
from archiver.rawrecord import items, section, text_of


def answers(record: dict[str, Any]) -> Iterator[SurveyAnswer]:
    for survey in items(record, "conversationSurveys"):
        kind = text_of(survey.get("surveyType")) or "Survey"
        for item in items(survey, "surveyData"):
            question = _words(item.get("question")) or _words(item.get("questionName"))
            yield SurveyAnswer(kind, Role.CUSTOMER, question, _words(item.get("answer")))
    for survey in (*items(record, "previouslySubmittedAgentSurveys"), section(record, "latestAgentSurvey")):
        yield from _agent_answers(survey)


def _agent_answers(survey: dict[str, Any]) -> Iterator[SurveyAnswer]:
    kind = text_of(survey.get("acSurveyName")) or "Agent survey"
    for item in items(survey, "submittedAnswers"):
        for given in items(item, "answers") or [{}]:
            yield SurveyAnswer(kind, Role.AGENT, _words(item.get("questionText")), _words(given.get("answer")))


def _words(value: Any) -> str | None:
    """A question or an answer as written: people may well answer "undefined" or -1."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value) or None
