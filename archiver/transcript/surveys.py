"""Reads surveys: customers' answers after a conversation, and agents' answers in their own surveys. Pure and total."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archiver.model import Role, SurveyAnswer
from archiver.rawrecord import items, name_of, number, section, written


def answers(record: dict[str, Any]) -> Iterator[SurveyAnswer]:
    for survey in items(record, "conversationSurveys"):
        kind = name_of(survey.get("surveyType")) or "Survey"
        for item in items(survey, "surveyData"):
            question = written(item.get("question")) or written(item.get("questionName"))
            yield SurveyAnswer(kind, Role.CUSTOMER, question, written(item.get("answer")))
    for survey in (*items(record, "previouslySubmittedAgentSurveys"), section(record, "latestAgentSurvey")):
        yield from _agent_answers(survey)


def _agent_answers(survey: dict[str, Any]) -> Iterator[SurveyAnswer]:
    kind = name_of(survey.get("acSurveyName")) or "Agent survey"
    for item in items(survey, "submittedAnswers"):
        for given in items(item, "answers") or [{}]:
            yield SurveyAnswer(kind, Role.AGENT, written(item.get("questionText")), written(given.get("answer")))


def score(record: dict[str, Any], kind: str) -> float | None:
    """The newest answer to a question of a type that asks for a score, such as nps; None if there is none."""
    scores = [
        number(item.get("answer"))
        for survey in items(record, "conversationSurveys")
        for item in items(survey, "surveyData")
        if str(item.get("questionType")).lower() == kind
    ]
    return next((value for value in reversed(scores) if value is not None), None)
