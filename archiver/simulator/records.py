"""A simulated conversation's record as LivePerson would give it at a moment: every section and field it documents.

Pages: Messaging Interactions API, Methods: Conversations (response entities), Engagement Attributes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from archiver.encoding import encode
from archiver.model import to_ms
from archiver.simulator.attributes import sdes
from archiver.simulator.dialogues import ACCOUNT, BOT, CHANNELS, SKILLS
from archiver.simulator.lives import Life, Turn

Record = dict[str, Any]
_CARD = re.compile(r"\b(?:\d[ -]?){13,16}\b")
_MASK, _DELETED = "****************", "** LP deleted data **"
_TYPES = {"r": "RICH_CONTENT", "f": "HOSTED_FILE", "h": "TEXT_HTML", "l": "LINK", "s": "SECURE_FORM_INVITATION"}
_REASONS = ("AGENT", "CONSUMER", "SYSTEM")
_DEVICES = ("DESKTOP", "MOBILE", "TABLET", "undefined")
_SYSTEMS = ("WINDOWS", "ANDROID", "MAC_OSX", "IOS")


def record(life: Life, now: datetime) -> Record:
    """Everything that happened up to `now`. Not before `life.started_at`."""
    turns = [turn for turn in life.turns if turn.at <= now]
    is_closed = now >= life.closed_at
    has_survey = is_closed and life.surveyed_at is not None
    return {
        "info": _info(life, now),
        "campaign": _campaign(life),
        "monitoring": _monitoring(life),
        "messageRecords": [_message(life, turn, at, now) for at, turn in enumerate(turns)],
        "messageStatuses": [status for at, turn in enumerate(turns) for status in _statuses(life, turn, at)],
        "messageScores": [_score(life, turn, at) for at, turn in enumerate(turns) if turn.kind == "c"],
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
        "sdes": {"events": list(sdes(life, is_deleted=_is_deleted(life, now)))},
        "unAuthSdes": {"events": list(sdes(life, is_authenticated=False, is_deleted=_is_deleted(life, now)))},
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


def time(name: str, moment: datetime | None) -> Record:
    """A pair of text and milliseconds; what has not happened is "undefined" and -1."""
    if moment is None:
        return {name: "undefined", f"{name}L": -1}
    text = f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d}+0000"
    return {name: text, f"{name}L": to_ms(moment)}


def _is_deleted(life: Life, now: datetime) -> bool:
    return life.deleted_at is not None and now >= life.deleted_at


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
        "source": CHANNELS[life.number % len(CHANNELS)], "device": _DEVICES[life.number % 4],
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
        "org": "Example Net", "device": _DEVICES[life.number % 4], "ipAddress": "203.0.113.7",
        "browser": "CHROME 140", "operatingSystem": _SYSTEMS[life.number % 4],
        "conversationStartPage": "https://travel.example/help", "conversationStartPageTitle": "Help",
    }  # fmt: skip


def _message_id(life: Life, at: int) -> str:
    return f"ms::dialog:{life.id}::msg:{at}"


def _is_customers(turn: Turn) -> bool:
    return turn.kind in "cf"


def _sender_id(life: Life, turn: Turn) -> str:
    if _is_customers(turn):
        return life.customer.id
    return _pid(BOT[0]) if turn.kind == "b" else _pid(life.agent.id)


def _pid(agent_id: str) -> str:
    """Messages name an agent by another id than participants do."""
    return f"pid-{agent_id}"


def _message(life: Life, turn: Turn, at: int, now: datetime) -> Record:
    return {
        "type": _TYPES.get(turn.kind, "TEXT_PLAIN"),
        "messageData": _data(turn, at, _shown(life, turn, now)),
        "messageId": _message_id(life, at),
        "seq": at,
        "dialogId": life.id,
        "participantId": _sender_id(life, turn),
        **time("time", turn.at),
        "source": CHANNELS[life.number % len(CHANNELS)],
        "device": _DEVICES[life.number % 4],
        "audience": "AGENTS_AND_MANAGERS" if turn.kind == "n" else "ALL",
        "sentBy": "Consumer" if _is_customers(turn) else "Agent",
        "contextData": _context(life, turn),
        "integrationSource": "undefined",
        "predefinedContent": False,
    }


def _shown(life: Life, turn: Turn, now: datetime) -> str:
    """Masked once the conversation is closed, gone once the customer's data were deleted."""
    if _is_customers(turn) and _is_deleted(life, now):
        return _DELETED
    return _CARD.sub(_MASK, turn.text) if now >= life.closed_at else turn.text


def _data(turn: Turn, number: int, text: str) -> Record:
    title, *rest = text.split("|")
    match turn.kind:
        case "f":
            path = f"/v1/AUTH_async-images/{ACCOUNT}/upload_uuid_{number}.JPG"
            preview = "data:image/jpeg;base64,/9j/4AAQSkZJRg=="
            return {"file": {"relativePath": path, "fileType": "JPG", "caption": text, "preview": preview}}
        case "r":
            elements: list[Record] = [{"type": "text", "text": title}]
            elements += [{"type": "button", "title": name, "click": {"actions": []}} for name in rest]
            return {"richContent": {"content": encode({"type": "vertical", "elements": elements}).decode()}}
        case "q":
            replies = [{"type": "button", "title": name, "click": {"actions": []}} for name in rest]
            content = {"type": "quickReplies", "itemsPerRow": 3, "replies": replies}
            return {"msg": {"text": title}, "quickReplies": {"content": encode(content).decode()}}
        case "l":
            return {"link": {"externalFileLink": title, "fileType": "undefined", "caption": "".join(rest)}}
        case "s":
            return {"secureForm": {"formId": "1", "formName": text, "invitationId": str(number)}}
        case _:
            return {"msg": {"text": text}}


def _context(life: Life, turn: Turn) -> Record:
    if turn.kind != "b":
        return {"rawMetadata": "", "structuredMetadata": []}
    intents = [{"id": "1", "name": f"ask about {life.skill}", "confidence": "HIGH", "confidenceScore": 0.9}]
    response = {"externalConversationId": life.id, "businessCases": ["travel"], "intents": intents}
    structured = [{"botResponse": response}, {"actionReason": {"reason": "welcome"}}]
    return {"rawMetadata": encode([{"type": "BotResponse", **response}]).decode(), "structuredMetadata": structured}


def _statuses(life: Life, turn: Turn, at: int) -> Iterator[Record]:
    reader = (life.agent.id, "Agent") if _is_customers(turn) else (life.customer.id, "Consumer")
    for seconds, status in ((1, "ACCEPT"), (4, "READ")):
        yield {
            "messageId": _message_id(life, at), "seq": at, **time("time", turn.at + timedelta(seconds=seconds)),
            "participantId": reader[0], "participantType": reader[1], "messageDeliveryStatus": status,
            "dialogId": life.id, "contextData": {},
        }  # fmt: skip


def _score(life: Life, turn: Turn, at: int) -> Record:
    score = 20 + life.number * 7 % 76
    return {"messageId": _message_id(life, at), "messageRawScore": at % 5 - 2, "mcs": score, **time("time", turn.at)}


def _joined(life: Life, now: datetime) -> list[tuple[str, str, str, datetime]]:
    """Who took part for the brand: agent id, name, type of user, and since when."""
    bot = (BOT[0], BOT[1], "2", life.started_at)
    person = (life.agent.id, life.agent.name, "1", life.transferred_at)
    return [bot, person] if now >= life.transferred_at else [bot]


def _login(name: str) -> str:
    return f"{name.split(maxsplit=1)[0].lower()}@travel.example"


def _agent(life: Life, agent_id: str, name: str, user_type: str, since: datetime) -> Record:
    return {
        "agentId": agent_id, "agentPid": _pid(agent_id), "agentLoginName": _login(name),
        "agentNickname": name.split(maxsplit=1)[0], "agentFullName": name, "agentDeleted": False, "userType": user_type,
        "userTypeName": {"1": "Human", "2": "Bot"}[user_type], "role": "AGENT", "agentGroupId": -1,
        "agentGroupName": "Main Group", **time("time", since), "permission": "ASSIGNED_AGENT", "dialogId": life.id,
        "contextData": {},
    }  # fmt: skip


def _dialogs(life: Life, now: datetime) -> list[str]:
    """The ids of its dialogs: the main one, and from the close on a survey's."""
    return [life.id, f"{life.id}-survey"] if life.surveyed_at and now >= life.closed_at else [life.id]


def _consumer(life: Life, dialog: str, now: datetime) -> Record:
    first, _, last = life.customer.name.partition(" ")
    named = {
        "firstName": first, "lastName": last, "phone": "0", "email": f"{life.customer.id}@consumer.example",
        "consumerName": life.customer.name,
    }  # fmt: skip
    if _is_deleted(life, now):
        named = dict.fromkeys(named, _DELETED)
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
    asked = (
        ("How satisfied are you?", str(1 + life.number % 5), "csat", "single"),
        ("What could we do better?", words, "custom", "open"),
    )
    data = [
        {
            "question": question, "answer": answer, "questionId": str(at), "answerId": str(at), "questionType": kind,
            "questionFormat": form, "answerSeq": at, "isValidAnswer": True, "questionName": kind,
        }
        for at, (question, answer, kind, form) in enumerate(asked)
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
        "messageId": _message_id(life, at), "selectedClassification": classification,
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
