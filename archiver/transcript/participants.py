"""Who took part in a conversation. Pure and total."""

from __future__ import annotations

from typing import Any

from archiver.model import Participant, Role
from archiver.rawrecord import items, name_of, section, text_of, unique

_ROLES = {"0": Role.SYSTEM, "1": Role.AGENT, "2": Role.BOT}  # userType (Messaging Interactions API, Conversations)


def agents(record: dict[str, Any]) -> tuple[Participant, ...]:
    """Everybody who took part for the brand, once each, in order of joining; the latest agent at least."""
    agents: dict[str, Participant] = {}
    for name in ("agentParticipants", "agentParticipantsActive", "agentParticipantsLeave"):
        for item in items(record, name):
            person = agent(item, "agent")
            if person and person.id not in agents:
                agents[person.id] = person
    latest = agent(section(record, "info"), "latestAgent")
    if latest and latest.id not in {id_ for person in agents.values() for id_ in person.ids}:
        agents[latest.id] = latest
    return tuple(agents.values())


def agent(item: dict[str, Any], prefix: str) -> Participant | None:
    ids = unique(text_of(item.get(prefix + part)) for part in ("Id", "Pid"))
    if not ids:
        return None
    nickname, login = name_of(item.get(f"{prefix}Nickname")), name_of(item.get(f"{prefix}LoginName"))
    name = name_of(item.get(f"{prefix}FullName")) or nickname or login or ids[0]
    return Participant(
        role=_ROLES.get(str(item.get("userType")), Role.AGENT),
        id=ids[0],
        name=name,
        login=login,
        group=name_of(item.get("agentGroupName")),
        ids=ids,
        aliases=(nickname,) if nickname and nickname != name else (),
    )


def consumers(record: dict[str, Any]) -> tuple[Participant, ...]:
    consumers: dict[str, Participant] = {}
    # LivePerson's first documents named the section in the singular.
    for item in (*items(record, "consumerParticipants"), *items(record, "consumerParticipant")):
        id_ = text_of(item.get("participantId"))
        if id_:
            consumers.setdefault(id_, _consumer(item, id_))
    return tuple(consumers.values())


def _consumer(item: dict[str, Any], id_: str) -> Participant:
    name, first, last = (name_of(item.get(part)) for part in ("consumerName", "firstName", "lastName"))
    full = " ".join(part for part in (first, last) if part)
    phone = text_of(item.get("phone"))
    return Participant(
        role=Role.CUSTOMER,
        id=id_,
        name=full or name or "Customer",
        email=text_of(item.get("email")),
        phone=None if phone == "0" else phone,
        ids=(id_,),
        aliases=(name,) if name and name != full else (),
    )
