"""Conversations of an invented travel and dining brand, for the demo and for a simulator without data."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from archiver.encoding import encode
from archiver.model import to_ms

ACCOUNT = "90210042"
CONVERSATIONS = 240
DAYS = 75

_AGENTS = (("3601", "Mara Lindqvist"), ("3602", "Tomás Rivera"), ("3603", "Aiko Tanaka"), ("3604", "Jonas Weiß"))
_CUSTOMERS = ("Priya Nair", "Łukasz Zieliński", "Fatima Haddad", "Oliver Grant", "Chloé Martin", "Björn Dahl")
_BOT = ("3699", "Welcome Bot")
_CHANNELS = ("SHARK", "APP", "WHATSAPP", "SMS")
_SKILLS = {"Restaurants": 501, "Hotels": 502, "Flights": 503, "Billing": 504}

# (skill, turns); a turn begins with who speaks: c customer, a agent, n private note, r rich card, f file.
_SCRIPTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Restaurants", (
        "c Hi, I would like a table for four tonight, around eight.",
        "a Happy to help. Any preference for the kitchen?",
        "c Italian if possible, and one of us needs a gluten-free menu.",
        "a Trattoria Sole has a table for four at 20:15. Shall I book it?",
        "c Yes please, thank you!",
        "a Done, your reservation number is TS-{number}. Enjoy your evening.",
    )),
    ("Restaurants", (
        "c Can I move my reservation from Friday to Saturday?",
        "a Of course. For how many people?",
        "c Six now, we were four.",
        "n Guest is a regular, offer the window table.",
        "a I have reserved the window table for six on Saturday at 19:00.",
        "c Wonderful, you are the best.",
    )),
    ("Hotels", (
        "c I want to book a hotel in Lisbon for the last week of the month.",
        "a Sure, how many nights and guests?",
        "c Five nights, two adults.",
        "r Casa do Rio — river view, 4 stars|Book now|More photos",
        "c The first one looks great, please book it.",
        "a Booked. You can cancel free of charge until two days before arrival.",
    )),
    ("Hotels", (
        "c I need to cancel my hotel booking, my plans changed.",
        "a I am sorry to hear that. Booking HX-{number}, correct?",
        "c Yes. Will I get a full refund?",
        "a As you cancel in time, the refund of {amount} EUR reaches you within five days.",
        "c Perfect, merci beaucoup!",
    )),
    ("Flights", (
        "c My suitcase arrived damaged, what can I do?",
        "a That is annoying, sorry. Could you send a photo?",
        "f damaged suitcase",
        "a Thank you. I opened claim CL-{number} for you.",
        "c How long does it take?",
        "a Usually ten days; you will get an e-mail.",
    )),
    ("Flights", (
        "c The flight to Oslo was delayed by five hours. This is not acceptable!",
        "a I understand, that must have been a long night.",
        "c I expect compensation, otherwise my lawyer will write to you.",
        "n Possible escalation, mentions a lawyer.",
        "a You are entitled to {amount} EUR. I started the transfer.",
        "c Thank you for the quick reply.",
    )),
    ("Billing", (
        "c I was charged twice for order {number}.",
        "a Let me look into it.",
        "a You are right, there is a double charge of {amount} EUR. I have refunded it.",
        "c Great, when will I see the money?",
        "a In three to five business days.",
    )),
    ("Billing", (
        "c Ich brauche eine Rechnung für meine Reise nach Köln, bitte.",
        "a Gerne! Auf welchen Namen soll ich sie ausstellen?",
        "c Auf die Straßenbau Süd GmbH.",
        "a Ist unterwegs, Rechnungsnummer R-{number}.",
        "c Danke schön!",
    )),
)  # fmt: skip


@dataclass(slots=True)
class _Writer:
    """Writes one conversation's messages one after another."""

    conversation_id: str
    customer_id: str
    agent_id: str
    at: datetime
    dice: random.Random
    messages: list[dict[str, Any]]

    def add(self, turn: str) -> None:
        kind, text = turn[0], turn[2:]
        self.at += timedelta(seconds=self.dice.randint(8, 140))
        sender = {"c": self.customer_id, "b": _BOT[0]}.get(kind, self.agent_id)
        self.messages.append(
            {
                "type": {"r": "RICH_CONTENT", "f": "HOSTED_FILE"}.get(kind, "TEXT_PLAIN"),
                "messageData": _data(kind, text, len(self.messages)),
                "messageId": f"ms::dialog:{self.conversation_id}::msg:{len(self.messages)}",
                "seq": len(self.messages),
                "dialogId": self.conversation_id,
                "participantId": self.customer_id if kind == "f" else sender,
                "audience": "AGENTS_AND_MANAGERS" if kind == "n" else "ALL",
                "sentBy": "Consumer" if kind in "cf" else "Agent",
                **_time("time", self.at),
            }
        )


def _data(kind: str, text: str, number: int) -> dict[str, Any]:
    if kind == "f":
        path = f"/v1/AUTH_async-images/{ACCOUNT}/upload_{number}.JPG"
        return {"file": {"relativePath": path, "fileType": "JPG", "caption": text}}
    if kind != "r":
        return {"msg": {"text": text}}
    title, *buttons = text.split("|")
    elements: list[dict[str, Any]] = [{"type": "text", "text": title}]
    elements += [{"type": "button", "title": button, "click": {"actions": []}} for button in buttons]
    return {"richContent": {"content": encode({"type": "vertical", "elements": elements}).decode()}}


def _time(name: str, moment: datetime) -> dict[str, Any]:
    text = f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d}+0000"
    return {name: text, f"{name}L": to_ms(moment)}


def conversations(now: datetime, seed: int = 7) -> Iterator[bytes]:
    """Raw records, spread over the weeks before `now`; the same for the same `now` and seed."""
    dice = random.Random(seed)  # noqa: S311  (no secret)
    for number in range(CONVERSATIONS):
        start = now - timedelta(days=DAYS) * (1 - number / CONVERSATIONS) + timedelta(minutes=dice.randint(0, 300))
        yield encode(_conversation(dice, min(start, now - timedelta(hours=1)), number))


def _conversation(dice: random.Random, start: datetime, number: int) -> dict[str, Any]:
    skill, turns = _SCRIPTS[number % len(_SCRIPTS)]
    (agent_id, agent), customer = dice.choice(_AGENTS), dice.choice(_CUSTOMERS)
    conversation_id, customer_id = (
        str(uuid.UUID(int=dice.getrandbits(128), version=4)),
        f"customer-{dice.randint(1, 90)}",
    )
    writer = _Writer(conversation_id, customer_id, agent_id, start, dice, [])
    writer.add("b Welcome! A colleague will be with you in a moment.")
    moved_at = writer.at
    values = {"number": str(dice.randint(10_000, 99_999)), "amount": str(dice.randint(40, 600))}
    for turn in turns:
        writer.add(turn.format(**values))
    end = writer.at + timedelta(minutes=2)
    return {
        "info": _info(conversation_id, skill, (agent_id, agent), start, end, dice),
        "campaign": {"campaignName": "Travel help", "goalName": "Answer questions"},
        "messageRecords": writer.messages,
        "agentParticipants": [_agent(*_BOT, "2", start), _agent(agent_id, agent, "1", moved_at)],
        "consumerParticipants": [{"participantId": customer_id, "consumerName": customer, **_time("joinTime", start)}],
        "transfers": [_transfer(skill, moved_at)],
        "dialogs": [{"dialogId": conversation_id, "dialogType": "MAIN", "skillId": _SKILLS[skill], "skillName": skill}],
        "conversationSurveys": _survey(conversation_id, dice) if number % 4 == 0 else [],
        "summary": {"text": f"{skill}: solved", "lastUpdatedTime": to_ms(end)} if number % 5 == 0 else {},
        "sdes": {"events": [_customer_info(dice, start)]},
    }


def _info(
    conversation_id: str, skill: str, agent: tuple[str, str], start: datetime, end: datetime, dice: random.Random
) -> dict[str, Any]:
    return {
        **_time("startTime", start),
        **_time("endTime", end),
        **_time("conversationEndTime", end),
        "duration": to_ms(end) - to_ms(start),
        "conversationId": conversation_id,
        "brandId": ACCOUNT,
        "status": "CLOSE",
        "closeReason": dice.choice(("AGENT", "CONSUMER", "SYSTEM")),
        "closeReasonDescription": "MANUAL_CLOSE",
        "source": dice.choice(_CHANNELS),
        "device": dice.choice(("DESKTOP", "MOBILE", "undefined")),
        "latestSkillId": _SKILLS[skill],
        "latestSkillName": skill,
        "latestAgentId": agent[0],
        "latestAgentFullName": agent[1],
        "latestAgentGroupId": -1,
        "csatRate": dice.randint(1, 5),
        "mcs": dice.randint(20, 95),
        "isPartial": False,
    }


def _agent(agent_id: str, name: str, user_type: str, at: datetime) -> dict[str, Any]:
    return {"agentId": agent_id, "agentFullName": name, "userType": user_type, "role": "AGENT", **_time("time", at)}


def _transfer(skill: str, at: datetime) -> dict[str, Any]:
    target = {"targetSkillId": _SKILLS[skill], "targetSkillName": skill, "assignedAgentId": "null"}
    return {**target, "sourceAgentId": _BOT[0], "sourceAgentFullName": _BOT[1], "reason": "Skill", **_time("time", at)}


def _survey(conversation_id: str, dice: random.Random) -> list[dict[str, Any]]:
    answer = dice.choice(("Everything was fine", "Very friendly", "It took too long"))
    data = [{"question": "What could we do better?", "answer": answer}]
    return [{"surveyType": "PostSurvey", "surveyStatus": "FILLED", "dialogId": conversation_id, "surveyData": data}]


def _customer_info(dice: random.Random, at: datetime) -> dict[str, Any]:
    info = {"customerId": f"C{dice.randint(1000, 9999)}", "customerType": dice.choice(("gold", "silver", "new"))}
    stamp = {"serverTimeStamp": to_ms(at)}
    return {"customerInfo": {"customerInfo": info, **stamp}, "sdeType": "CUSTOMER_INFO", **stamp}
