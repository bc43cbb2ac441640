"""A simulated conversation's record as LivePerson would return it at a moment: every documented section and field.

Pages: Messaging Interactions API, Methods: Conversations (response entities), Engagement Attributes.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from archiver.simulator.attributes import sdes
from archiver.simulator.calendar import to_ms
from archiver.simulator.courses import Course, Turn
from archiver.simulator.dialogues import ACCOUNT, BOT, CHANNELS, SKILLS
from archiver.simulator.messages import DELETED, DEVICES, is_deleted, message, message_id, pid, score, statuses, time

Record = dict[str, Any]
_REASONS = ("AGENT", "CONSUMER", "SYSTEM")
_SYSTEMS = ("WINDOWS", "ANDROID", "MAC_OSX", "IOS")


def record(course: Course, now: datetime) -> Record:
    """The record with everything that happened up to `now`, which is not before `course.started_at`."""
    turns = [turn for turn in course.turns if turn.at <= now]
    is_closed = now >= course.closed_at
    has_survey = is_closed and course.surveyed_at is not None
    return {
        "info": _info(course, now),
        "campaign": _campaign(course),
        "monitoring": _monitoring(course),
        "messageRecords": [message(course, turn, at, now) for at, turn in enumerate(turns)],
        "messageStatuses": [status for at, turn in enumerate(turns) for status in statuses(course, turn, at)],
        "messageScores": [score(course, turn, at) for at, turn in enumerate(turns) if turn.kind == "c"],
        "agentParticipants": [_agent(course, *who) for who in _joined(course, now)],
        "agentParticipantsActive": [] if is_closed else [_agent(course, *_joined(course, now)[-1])],
        "agentParticipantsLeave": [_agent(course, *who) for who in _joined(course, now)[:-1]],
        "consumerParticipants": [_consumer(course, dialog, now) for dialog in _dialogs(course, now)],
        "transfers": [_transfer(course)] if now >= course.transferred_at else [],
        "interactions": [_interaction(course, turns)] if any(turn.kind == "a" for turn in turns) else [],
        "dialogs": [_dialog(course, dialog, now) for dialog in _dialogs(course, now)],
        "skillChanges": [],
        "conversationSurveys": [_survey(course, now)] if has_survey else [],
        "coBrowseSessions": {"coBrowseSessionsList": [_co_browse(course)] if course.number % 10 == 3 else []},
        "summary": _summary(course) if now >= course.summarized_at and course.number % 5 == 0 else {},
        "sdes": {"events": list(sdes(course, is_deleted=is_deleted(course, now)))},
        "unAuthSdes": {"events": list(sdes(course, is_authenticated=False, is_deleted=is_deleted(course, now)))},
        "responseTime": _response_time(course, turns, is_closed=is_closed),
        "intents": [_intent(course, at) for at, turn in enumerate(turns) if turn.kind == "c"][:1],
        "uniqueIntents": [{"intentName": f"intent-{course.skill.lower()}", "intentLabel": f"ask about {course.skill}"}],
        "latestAgentSurvey": _agent_survey(course) if is_closed and course.number % 6 == 0 else {},
        "previouslySubmittedAgentSurveys": [_agent_survey(course)] if is_closed and course.number % 12 == 0 else [],
        "pageView": [
            {
                "page": "https://travel.example/help", "title": "Help", "referrer": "https://travel.example/",
                "sections": ["help"], "visitTime": to_ms(course.started_at),
            }
        ],
    }  # fmt: skip


def _info(course: Course, now: datetime) -> Record:
    is_closed = now >= course.closed_at
    ended_at = course.closed_at if is_closed else None
    full_end = course.surveyed_at or course.closed_at
    is_done = now >= full_end
    score = 20 + course.number * 7 % 76
    return {
        **time("startTime", course.started_at),
        **time("endTime", full_end if is_done else ended_at),
        **time("conversationEndTime", ended_at),
        **time("fullDialogEndTime", full_end if is_done else None),
        "duration": to_ms((full_end if is_done else ended_at) or now) - to_ms(course.started_at),
        "conversationId": course.id,
        "brandId": ACCOUNT,
        "status": "CLOSE" if is_closed else "OPEN",
        "fullDialogStatus": "CLOSE" if is_done else "OPEN",
        **({"closeReason": _REASONS[course.number % 3], "closeReasonDescription": "MANUAL_CLOSE"} if is_closed else {}),
        "firstConversation": course.number % 3 == 0,
        **({"csatRate": 1 + course.number % 5} if is_done and course.surveyed_at else {}),
        "mcs": score,
        "alertedMCS": (score > 40) - (score < 30),
        **_channel(course),
        "latestSkillId": SKILLS[course.skill],
        "latestSkillName": course.skill,
        "latestAgentId": course.agent.id,
        "latestAgentLoginName": _login(course.agent.name),
        "latestAgentNickname": course.agent.name.split()[0],
        "latestAgentFullName": course.agent.name,
        "agentDeleted": False,
        "latestAgentGroupId": -1,
        "latestAgentGroupName": "Main Group",
        "latestQueueState": "ACTIVE",
        "isPartial": False,
        "visitorId": f"visitor-{course.number}",
        "sessionId": f"session-{course.number}",
        "interactionContextId": str(course.number),
        "features": ["PHOTO_SHARING", "QUICK_REPLIES", "RICH_CONTENT", "SECURE_FORMS"],
        "wasStepUp": course.number % 8 == 0,
        "pendingAgentSurvey": False,
        "firstIntentName": f"intent-{course.skill.lower()}",
        "firstIntentLabel": f"ask about {course.skill}",
        "latestHandlerAccountId": ACCOUNT,
        "latestHandlerSkillId": SKILLS[course.skill],
    }


def _channel(course: Course) -> Record:
    return {
        "source": CHANNELS[course.number % len(CHANNELS)], "device": DEVICES[course.number % 4],
        "deviceModel": "undefined", "browser": "CHROME", "browserVersion": "140", "language": "en-US",
        "operatingSystem": _SYSTEMS[course.number % 4], "operatingSystemVersion": "11", "timeZone": "Europe/Lisbon",
        "ipAddress": "203.0.113.7", "integration": "web-sdk", "integrationVersion": "3.0", "appId": "webAsync",
        "appVersion": "1.0",
    }  # fmt: skip


def _campaign(course: Course) -> Record:
    return {
        "campaignEngagementId": "21", "campaignEngagementName": "Help button", "campaignId": "11",
        "campaignName": "Travel help", "goalId": "31", "goalName": "Answer questions", "engagementAgentNote": "",
        "engagementSource": "WEB_SITE", "visitorBehaviorId": "41", "visitorBehaviorName": "All visitors",
        "engagementApplicationId": "5f1b7c9e-0000-4000-8000-000000000001", "engagementApplicationName": "web",
        "engagementApplicationTypeId": "1", "engagementApplicationTypeName": "WEB", "visitorProfileId": "51",
        "visitorProfileName": "Everybody", "lobId": 61, "lobName": course.skill, "locationId": "71",
        "locationName": "Everywhere", "profileSystemDefault": True, "behaviorSystemDefault": True,
    }  # fmt: skip


def _monitoring(course: Course) -> Record:
    return {
        "country": "Portugal", "countryCode": "PT", "state": "Lisboa", "city": "Lisbon", "isp": "Example Net",
        "org": "Example Net", "device": DEVICES[course.number % 4], "ipAddress": "203.0.113.7",
        "browser": "CHROME 140", "operatingSystem": _SYSTEMS[course.number % 4],
        "conversationStartPage": "https://travel.example/help", "conversationStartPageTitle": "Help",
    }  # fmt: skip


def _joined(course: Course, now: datetime) -> list[tuple[str, str, str, datetime]]:
    """Who took part for the brand: agent id, name, type of user, and since when."""
    bot = (BOT[0], BOT[1], "2", course.started_at)
    person = (course.agent.id, course.agent.name, "1", course.transferred_at)
    return [bot, person] if now >= course.transferred_at else [bot]


def _agent(course: Course, agent_id: str, name: str, user_type: str, since: datetime) -> Record:
    return {
        "agentId": agent_id, "agentPid": pid(agent_id), "agentLoginName": _login(name),
        "agentNickname": name.split(maxsplit=1)[0], "agentFullName": name, "agentDeleted": False, "userType": user_type,
        "userTypeName": {"1": "Human", "2": "Bot"}[user_type], "role": "AGENT", "agentGroupId": -1,
        "agentGroupName": "Main Group", **time("time", since), "permission": "ASSIGNED_AGENT", "dialogId": course.id,
        "contextData": {},
    }  # fmt: skip


def _dialogs(course: Course, now: datetime) -> list[str]:
    """The ids of its dialogs: the main one, and after the close that of a survey."""
    return [course.id, f"{course.id}-survey"] if course.surveyed_at and now >= course.closed_at else [course.id]


def _consumer(course: Course, dialog: str, now: datetime) -> Record:
    first, _, last = course.customer.name.partition(" ")
    named = {
        "firstName": first, "lastName": last, "phone": "0", "email": f"{course.customer.id}@consumer.example",
        "consumerName": course.customer.name,
    }  # fmt: skip
    if is_deleted(course, now):
        named = dict.fromkeys(named, DELETED)
    return {
        "participantId": course.customer.id, **named, "token": "undefined", "avatarURL": "undefined",
        **time("time", course.started_at), **time("joinTime", course.started_at), "dialogId": dialog,
    }  # fmt: skip


def _transfer(course: Course) -> Record:
    return {
        **time("time", course.transferred_at), "assignedAgentId": "null", "assignedAgentLoginName": "undefined",
        "assignedAgentNickname": "undefined", "assignedAgentFullName": "undefined",
        "targetSkillId": SKILLS[course.skill], "targetSkillName": course.skill, "sourceSkillId": -1,
        "sourceSkillName": "Unassigned", "sourceAgentId": BOT[0], "sourceAgentLoginName": _login(BOT[1]),
        "sourceAgentNickname": BOT[1].split()[0], "sourceAgentFullName": BOT[1], "by": BOT[0], "reason": "Skill",
        "contextData": {}, "dialogId": course.id,
    }  # fmt: skip


def _interaction(course: Course, turns: list[Turn]) -> Record:
    first = next(turn for turn in turns if turn.kind == "a")
    return {
        "assignedAgentId": course.agent.id, "assignedAgentFullName": course.agent.name,
        "assignedAgentLoginName": _login(course.agent.name), "assignedAgentNickname": course.agent.name.split()[0],
        **time("interactionTime", first.at), "interactiveSequence": 1, "dialogId": course.id,
    }  # fmt: skip


def _dialog(course: Course, dialog: str, now: datetime) -> Record:
    is_main = dialog == course.id
    end = course.closed_at if is_main else course.surveyed_at
    is_over = end is not None and now >= end
    return {
        "dialogId": dialog, "status": "CLOSE" if is_over else "OPEN",
        "dialogType": "MAIN" if is_main else "POST_SURVEY", "dialogChannelType": "MESSAGING",
        **time("startTime", course.started_at if is_main else course.closed_at),
        **time("endTime", end if is_over else None),
        "closeReason": _REASONS[course.number % 3] if is_over else "undefined",
        "closeReasonDescription": "MANUAL_CLOSE" if is_over else "undefined", "skillId": SKILLS[course.skill],
        "skillName": course.skill,
    }  # fmt: skip


def _survey(course: Course, now: datetime) -> Record:
    is_filled = course.surveyed_at is not None and now >= course.surveyed_at
    words = ("Everything was fine", "Very friendly", "It took too long")[course.number % 3]
    questions = (
        ("How satisfied are you?", str(1 + course.number % 5), "csat", "single"),
        ("What could we do better?", words, "custom", "open"),
    )
    data = [
        {
            "question": question, "answer": answer, "questionId": str(at), "answerId": str(at), "questionType": kind,
            "questionFormat": form, "answerSeq": at, "isValidAnswer": True, "questionName": kind,
        }
        for at, (question, answer, kind, form) in enumerate(questions)
    ]  # fmt: skip
    return {
        "surveyType": "PostSurvey", "surveyStatus": "FILLED" if is_filled else "PARTIALLY_FILLED",
        "dialogId": f"{course.id}-survey", "surveyId": "81", "surveyData": data if is_filled else [],
    }  # fmt: skip


def _co_browse(course: Course) -> Record:
    start, end = course.started_at + timedelta(seconds=30), course.started_at + timedelta(seconds=90)
    return {
        "sessionId": f"cobrowse-{course.number}", **time("startTime", start), **time("endTime", end),
        **time("interactiveTime", start), "interactive": True, "endReason": "AGENT", "duration": 60_000,
        "type": "web", "capabilities": ["view", "interactive"], "agentId": course.agent.id,
    }  # fmt: skip


def _summary(course: Course) -> Record:
    return {"text": f"{course.skill}: solved", "lastUpdatedTime": to_ms(course.summarized_at)}


def _response_time(course: Course, turns: list[Turn], *, is_closed: bool) -> Record:
    waits = bool(turns) and turns[-1].kind == "c" and not is_closed
    due = to_ms(turns[-1].at + timedelta(minutes=10)) if waits else -1
    return {"latestEffectiveResponseDueTime": due, "configuredResponseTime": 600}


def _intent(course: Course, at: int) -> Record:
    classification = {
        "intentName": f"intent-{course.skill.lower()}", "intentLabel": f"ask about {course.skill}",
        "confidenceScore": 0.87,
        "versions": [{"modelName": "travel", "modelVersion": "3"}],
    }  # fmt: skip
    return {
        "messageId": message_id(course, at), "selectedClassification": classification,
        "allClassifications": [classification],
    }  # fmt: skip


def _agent_survey(course: Course) -> Record:
    answers = [{"answer": "Solved", "answerId": "1"}]
    return {
        "surveyStatus": "SUBMITTED", "statusReason": "SUBMITTED", "dialogId": course.id, "surveyId": "91",
        "acSurveyId": "92", "acSurveyName": "Wrap-up", "acSurveyRevision": 1, "surveySkillId": SKILLS[course.skill],
        "surveySkillName": course.skill, "assignedAgentId": course.agent.id,
        "assignedAgentNickName": course.agent.name.split()[0], "assignedAgentName": course.agent.name,
        "performedByAgentId": course.agent.id, "performedByAgentNickName": course.agent.name.split()[0],
        "performedByAgentName": course.agent.name, "lastUpdateTime": to_ms(course.closed_at),
        "submittedAnswers": [
            {
                "questionText": "How did it end?", "questionId": "1", "questionDefinition": "single",
                "questionCategory": "outcome", "answers": answers,
            }
        ],
    }  # fmt: skip


def _login(name: str) -> str:
    return f"{name.split(maxsplit=1)[0].lower()}@travel.example"
