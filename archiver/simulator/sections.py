"""A simulated conversation's record as LivePerson would return it at a moment: every documented section and field.

Pages: Messaging Interactions API, Methods: Conversations (response entities), Engagement Attributes.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from archiver.simulator.attributes import sdes
from archiver.simulator.calendar import to_ms
from archiver.simulator.dialogues import ACCOUNT, BOT, CHANNELS, SKILLS
from archiver.simulator.lives import Life, Turn
from archiver.simulator.messages import DELETED, DEVICES, is_deleted, message, message_id, pid, score, statuses, time

Record = dict[str, Any]
_REASONS = ("AGENT", "CONSUMER", "SYSTEM")
_SYSTEMS = ("WINDOWS", "ANDROID", "MAC_OSX", "IOS")


def record(life: Life, now: datetime) -> Record:
    """The record with everything that happened up to `now`, which is not before `life.started_at`."""
    turns = [turn for turn in life.turns if turn.at <= now]
    is_closed = now >= life.closed_at
    has_survey = is_closed and life.surveyed_at is not None
    return {
        "info": _info(life, now),
        "campaign": _campaign(life),
        "monitoring": _monitoring(life),
        "messageRecords": [message(life, turn, at, now) for at, turn in enumerate(turns)],
        "messageStatuses": [status for at, turn in enumerate(turns) for status in statuses(life, turn, at)],
        "messageScores": [score(life, turn, at) for at, turn in enumerate(turns) if turn.kind == "c"],
        "agentParticipants": [_agent(life, *who) for who in _joined(life, now)],
        "agentParticipantsActive": [] if is_closed else [_agent(life, *_joined(life, now)[-1])],
        "agentParticipantsLeave": [_agent(life, *who) for who in _joined(life, now)[:-1]],
        "consumerParticipants": [_consumer(life, dialog, now) for dialog in _dialogs(life, now)],
        "transfers": [_transfer(life)] if now >= life.transferred_at else [],
        "interactions": [_interaction(life, turns)] if any(turn.kind == "a" for turn in turns) else [],
        "dialogs": [_dialog(life, dialog, now) for dialog in _dialogs(life, now)],
        "skillChanges": [],
        "conversationSurveys": [_survey(life, now)] if has_survey else [],
        "coBrowseSessions": {"coBrowseSessionsList": [_co_browse(life)] if life.number % 10 == 3 else []},
        "summary": _summary(life) if now >= life.summarized_at and life.number % 5 == 0 else {},
        "sdes": {"events": list(sdes(life, is_deleted=is_deleted(life, now)))},
        "unAuthSdes": {"events": list(sdes(life, is_authenticated=False, is_deleted=is_deleted(life, now)))},
        "responseTime": _response_time(life, turns, is_closed=is_closed),
        "intents": [_intent(life, at) for at, turn in enumerate(turns) if turn.kind == "c"][:1],
        "uniqueIntents": [{"intentName": f"intent-{life.skill.lower()}", "intentLabel": f"ask about {life.skill}"}],
        "latestAgentSurvey": _agent_survey(life) if is_closed and life.number % 6 == 0 else {},
        "previouslySubmittedAgentSurveys": [_agent_survey(life)] if is_closed and life.number % 12 == 0 else [],
        "pageView": [
            {
                "page": "https://travel.example/help", "title": "Help", "referrer": "https://travel.example/",
                "sections": ["help"], "visitTime": to_ms(life.started_at),
            }
        ],
    }  # fmt: skip


def _info(life: Life, now: datetime) -> Record:
    is_closed = now >= life.closed_at
    ended_at = life.closed_at if is_closed else None
    full_end = life.surveyed_at or life.closed_at
    is_done = now >= full_end
    score = 20 + life.number * 7 % 76
    return {
        **time("startTime", life.started_at),
        **time("endTime", full_end if is_done else ended_at),
        **time("conversationEndTime", ended_at),
        **time("fullDialogEndTime", full_end if is_done else None),
        "duration": to_ms((full_end if is_done else ended_at) or now) - to_ms(life.started_at),
        "conversationId": life.id,
        "brandId": ACCOUNT,
        "status": "CLOSE" if is_closed else "OPEN",
        "fullDialogStatus": "CLOSE" if is_done else "OPEN",
        **({"closeReason": _REASONS[life.number % 3], "closeReasonDescription": "MANUAL_CLOSE"} if is_closed else {}),
        "firstConversation": life.number % 3 == 0,
        **({"csatRate": 1 + life.number % 5} if is_done and life.surveyed_at else {}),
        "mcs": score,
        "alertedMCS": (score > 40) - (score < 30),
        **_channel(life),
        "latestSkillId": SKILLS[life.skill],
        "latestSkillName": life.skill,
        "latestAgentId": life.agent.id,
        "latestAgentLoginName": _login(life.agent.name),
        "latestAgentNickname": life.agent.name.split()[0],
        "latestAgentFullName": life.agent.name,
        "agentDeleted": False,
        "latestAgentGroupId": -1,
        "latestAgentGroupName": "Main Group",
        "latestQueueState": "ACTIVE",
        "isPartial": False,
        "visitorId": f"visitor-{life.number}",
        "sessionId": f"session-{life.number}",
        "interactionContextId": str(life.number),
        "features": ["PHOTO_SHARING", "QUICK_REPLIES", "RICH_CONTENT", "SECURE_FORMS"],
        "wasStepUp": life.number % 8 == 0,
        "pendingAgentSurvey": False,
        "firstIntentName": f"intent-{life.skill.lower()}",
        "firstIntentLabel": f"ask about {life.skill}",
        "latestHandlerAccountId": ACCOUNT,
        "latestHandlerSkillId": SKILLS[life.skill],
    }


def _channel(life: Life) -> Record:
    return {
        "source": CHANNELS[life.number % len(CHANNELS)], "device": DEVICES[life.number % 4],
        "deviceModel": "undefined", "browser": "CHROME", "browserVersion": "140", "language": "en-US",
        "operatingSystem": _SYSTEMS[life.number % 4], "operatingSystemVersion": "11", "timeZone": "Europe/Lisbon",
        "ipAddress": "203.0.113.7", "integration": "web-sdk", "integrationVersion": "3.0", "appId": "webAsync",
        "appVersion": "1.0",
    }  # fmt: skip


def _campaign(life: Life) -> Record:
    return {
        "campaignEngagementId": "21", "campaignEngagementName": "Help button", "campaignId": "11",
        "campaignName": "Travel help", "goalId": "31", "goalName": "Answer questions", "engagementAgentNote": "",
        "engagementSource": "WEB_SITE", "visitorBehaviorId": "41", "visitorBehaviorName": "All visitors",
        "engagementApplicationId": "5f1b7c9e-0000-4000-8000-000000000001", "engagementApplicationName": "web",
        "engagementApplicationTypeId": "1", "engagementApplicationTypeName": "WEB", "visitorProfileId": "51",
        "visitorProfileName": "Everybody", "lobId": 61, "lobName": life.skill, "locationId": "71",
        "locationName": "Everywhere", "profileSystemDefault": True, "behaviorSystemDefault": True,
    }  # fmt: skip


def _monitoring(life: Life) -> Record:
    return {
        "country": "Portugal", "countryCode": "PT", "state": "Lisboa", "city": "Lisbon", "isp": "Example Net",
        "org": "Example Net", "device": DEVICES[life.number % 4], "ipAddress": "203.0.113.7",
        "browser": "CHROME 140", "operatingSystem": _SYSTEMS[life.number % 4],
        "conversationStartPage": "https://travel.example/help", "conversationStartPageTitle": "Help",
    }  # fmt: skip


def _joined(life: Life, now: datetime) -> list[tuple[str, str, str, datetime]]:
    """Who took part for the brand: agent id, name, type of user, and since when."""
    bot = (BOT[0], BOT[1], "2", life.started_at)
    person = (life.agent.id, life.agent.name, "1", life.transferred_at)
    return [bot, person] if now >= life.transferred_at else [bot]


def _agent(life: Life, agent_id: str, name: str, user_type: str, since: datetime) -> Record:
    return {
        "agentId": agent_id, "agentPid": pid(agent_id), "agentLoginName": _login(name),
        "agentNickname": name.split(maxsplit=1)[0], "agentFullName": name, "agentDeleted": False, "userType": user_type,
        "userTypeName": {"1": "Human", "2": "Bot"}[user_type], "role": "AGENT", "agentGroupId": -1,
        "agentGroupName": "Main Group", **time("time", since), "permission": "ASSIGNED_AGENT", "dialogId": life.id,
        "contextData": {},
    }  # fmt: skip


def _dialogs(life: Life, now: datetime) -> list[str]:
    """The ids of its dialogs: the main one, and after the close that of a survey."""
    return [life.id, f"{life.id}-survey"] if life.surveyed_at and now >= life.closed_at else [life.id]


def _consumer(life: Life, dialog: str, now: datetime) -> Record:
    first, _, last = life.customer.name.partition(" ")
    named = {
        "firstName": first, "lastName": last, "phone": "0", "email": f"{life.customer.id}@consumer.example",
        "consumerName": life.customer.name,
    }  # fmt: skip
    if is_deleted(life, now):
        named = dict.fromkeys(named, DELETED)
    return {
        "participantId": life.customer.id, **named, "token": "undefined", "avatarURL": "undefined",
        **time("time", life.started_at), **time("joinTime", life.started_at), "dialogId": dialog,
    }  # fmt: skip


def _transfer(life: Life) -> Record:
    return {
        **time("time", life.transferred_at), "assignedAgentId": "null", "assignedAgentLoginName": "undefined",
        "assignedAgentNickname": "undefined", "assignedAgentFullName": "undefined",
        "targetSkillId": SKILLS[life.skill], "targetSkillName": life.skill, "sourceSkillId": -1,
        "sourceSkillName": "Unassigned", "sourceAgentId": BOT[0], "sourceAgentLoginName": _login(BOT[1]),
        "sourceAgentNickname": BOT[1].split()[0], "sourceAgentFullName": BOT[1], "by": BOT[0], "reason": "Skill",
        "contextData": {}, "dialogId": life.id,
    }  # fmt: skip


def _interaction(life: Life, turns: list[Turn]) -> Record:
    first = next(turn for turn in turns if turn.kind == "a")
    return {
        "assignedAgentId": life.agent.id, "assignedAgentFullName": life.agent.name,
        "assignedAgentLoginName": _login(life.agent.name), "assignedAgentNickname": life.agent.name.split()[0],
        **time("interactionTime", first.at), "interactiveSequence": 1, "dialogId": life.id,
    }  # fmt: skip


def _dialog(life: Life, dialog: str, now: datetime) -> Record:
    is_main = dialog == life.id
    end = life.closed_at if is_main else life.surveyed_at
    is_over = end is not None and now >= end
    return {
        "dialogId": dialog, "status": "CLOSE" if is_over else "OPEN",
        "dialogType": "MAIN" if is_main else "POST_SURVEY", "dialogChannelType": "MESSAGING",
        **time("startTime", life.started_at if is_main else life.closed_at),
        **time("endTime", end if is_over else None),
        "closeReason": _REASONS[life.number % 3] if is_over else "undefined",
        "closeReasonDescription": "MANUAL_CLOSE" if is_over else "undefined", "skillId": SKILLS[life.skill],
        "skillName": life.skill,
    }  # fmt: skip


def _survey(life: Life, now: datetime) -> Record:
    is_filled = life.surveyed_at is not None and now >= life.surveyed_at
    words = ("Everything was fine", "Very friendly", "It took too long")[life.number % 3]
    questions = (
        ("How satisfied are you?", str(1 + life.number % 5), "csat", "single"),
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
        "dialogId": f"{life.id}-survey", "surveyId": "81", "surveyData": data if is_filled else [],
    }  # fmt: skip


def _co_browse(life: Life) -> Record:
    start, end = life.started_at + timedelta(seconds=30), life.started_at + timedelta(seconds=90)
    return {
        "sessionId": f"cobrowse-{life.number}", **time("startTime", start), **time("endTime", end),
        **time("interactiveTime", start), "interactive": True, "endReason": "AGENT", "duration": 60_000,
        "type": "web", "capabilities": ["view", "interactive"], "agentId": life.agent.id,
    }  # fmt: skip


def _summary(life: Life) -> Record:
    return {"text": f"{life.skill}: solved", "lastUpdatedTime": to_ms(life.summarized_at)}


def _response_time(life: Life, turns: list[Turn], *, is_closed: bool) -> Record:
    waits = bool(turns) and turns[-1].kind == "c" and not is_closed
    due = to_ms(turns[-1].at + timedelta(minutes=10)) if waits else -1
    return {"latestEffectiveResponseDueTime": due, "configuredResponseTime": 600}


def _intent(life: Life, at: int) -> Record:
    classification = {
        "intentName": f"intent-{life.skill.lower()}", "intentLabel": f"ask about {life.skill}", "confidenceScore": 0.87,
        "versions": [{"modelName": "travel", "modelVersion": "3"}],
    }  # fmt: skip
    return {
        "messageId": message_id(life, at), "selectedClassification": classification,
        "allClassifications": [classification],
    }  # fmt: skip


def _agent_survey(life: Life) -> Record:
    answers = [{"answer": "Solved", "answerId": "1"}]
    return {
        "surveyStatus": "SUBMITTED", "statusReason": "SUBMITTED", "dialogId": life.id, "surveyId": "91",
        "acSurveyId": "92", "acSurveyName": "Wrap-up", "acSurveyRevision": 1, "surveySkillId": SKILLS[life.skill],
        "surveySkillName": life.skill, "assignedAgentId": life.agent.id,
        "assignedAgentNickName": life.agent.name.split()[0], "assignedAgentName": life.agent.name,
        "performedByAgentId": life.agent.id, "performedByAgentNickName": life.agent.name.split()[0],
        "performedByAgentName": life.agent.name, "lastUpdateTime": to_ms(life.closed_at),
        "submittedAnswers": [
            {
                "questionText": "How did it end?", "questionId": "1", "questionDefinition": "single",
                "questionCategory": "outcome", "answers": answers,
            }
        ],
    }  # fmt: skip


def _login(name: str) -> str:
    return f"{name.split(maxsplit=1)[0].lower()}@travel.example"
