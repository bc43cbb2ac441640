"""Reads surveys: customers' answers after a conversation, and agents' answers in their own surveys. Pure and total."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archiver.model import Role, SurveyAnswer
from archiver.rawrecord import items, name_of, number, section, text_of, written


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
    scores = list(map(number, _answers_to(record, kind)))
    return next((value for value in reversed(scores) if value is not None), None)


def first_contact_resolution(record: dict[str, Any]) -> str | None:
    """The newest answer to the question whether the first contact solved the problem: yes, no, or as it was given."""
    given = [text for text in map(text_of, _answers_to(record, "fcr")) if text]
    return _SPELLED.get(given[-1].lower(), given[-1].lower()) if given else None


_SPELLED = {"1": "yes", "0": "no", "true": "yes", "false": "no"}


def _answers_to(record: dict[str, Any], kind: str) -> list[Any]:
    """The answers to all survey questions of a type, oldest first."""
    return [
        item.get("answer")
        for survey in items(record, "conversationSurveys")
        for item in items(survey, "surveyData")
        if str(item.get("questionType")).lower() == kind
    ]
