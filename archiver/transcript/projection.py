"""Projects a raw record to its transcript: metadata, messages, SDEs, survey answers, events. Pure and total.

Every field of a record is optional and may have another type than documented (Messaging Interactions API,
Conversations). What cannot be read is left out here and stays in the raw record; what people wrote is never altered.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archiver.errors import RecordError
from archiver.jsontext import decode
from archiver.model import Metadata, Participant, Transcript
from archiver.rawrecord import (
    integer,
    is_true,
    items,
    moment,
    name_of,
    number,
    section,
    text_of,
    unique,
    unread,
)
from archiver.transcript.about import about
from archiver.transcript.facts import facts
from archiver.transcript.messages import messages
from archiver.transcript.participants import agents, consumers
from archiver.transcript.sdes import sdes
from archiver.transcript.surveys import answers, first_contact_resolution, score
from archiver.transcript.text import summary_texts
from archiver.transcript.timeline import dialogs, events

# Part of the shape of every index. Raise it when the transcript of any record changes, so that indexes made by the
# earlier projection are rebuilt; a golden test checks this.
VERSION = 11

# Members that the transcript has under a name of its own or in another form; all others are `extra`.
_KNOWN_OF_INFO = frozenset(
    (
        "conversationId", "brandId", "status", "startTime", "startTimeL", "endTime", "endTimeL", "duration",
        "closeReason", "closeReasonDescription", "source", "device", "language", "browser", "operatingSystem",
        "latestSkillId", "latestSkillName", "latestAgentGroupId", "latestAgentGroupName", "csatRate", "csat", "mcs",
        "firstConversation", "isPartial", "latestAgentId", "latestAgentNickname", "latestAgentFullName",
        "latestAgentLoginName", "conversationEndTime", "conversationEndTimeL", "fullDialogEndTime",
        "fullDialogEndTimeL",
    )
)  # fmt: skip
# Those that a search by field does not tell from others of their kind.
_LATEST_AGENT = frozenset(
    ("latestAgentId", "latestAgentNickname", "latestAgentFullName", "latestAgentLoginName", "fullDialogEndTimeL")
)  # fmt: skip
_NO_FACTS = _KNOWN_OF_INFO - _LATEST_AGENT


def project(raw: bytes, *, with_events: bool = True, with_facts: bool = True) -> Transcript:
    """The transcript of one raw record. Raises RecordError, whatever is wrong with the record or with this program.

    Without events, which no index holds, and facts, which no text shows, the projection is quicker.
    """
    try:
        return _transcript(decode(raw), with_events, with_facts)
    except ValueError as error:
        raise RecordError(f"the record is not readable: {error}") from error
    except Exception as error:
        raise RecordError(f"this program fails at the record: {type(error).__name__}: {error}") from error


def _transcript(record: Any, with_events: bool, with_facts: bool) -> Transcript:
    info = section(record, "info")
    conversation_id = text_of(info.get("conversationId"))
    if conversation_id is None:
        raise ValueError("it has no info.conversationId")
    brand, customers = agents(record), consumers(record)
    by_id = {id_: person for person in (*customers, *brand) for id_ in person.ids}
    read, metadata = messages(record, conversation_id, by_id), _metadata(record, conversation_id, brand, customers)
    return Transcript(
        metadata=metadata,
        messages=read,
        sdes=tuple(sdes(record, conversation_id)),
        answers=tuple(answers(record)),
        summaries=summary_texts(_summary(record)),
        events=events(record) if with_events else (),
        dialogs=dialogs(record),
        about=about(record, (*customers, *brand), read, metadata.extra),
        facts=facts(record, _NO_FACTS) if with_facts else (),
    )


def _metadata(
    record: dict[str, Any], conversation_id: str, brand: tuple[Participant, ...], customers: tuple[Participant, ...]
) -> Metadata:
    info, campaign, monitoring = section(record, "info"), section(record, "campaign"), section(record, "monitoring")
    csat = number(info.get("csatRate"))
    return Metadata(
        conversation_id=conversation_id,
        account=text_of(info.get("brandId")) or "",
        status=text_of(info.get("status")),
        started_at=moment(info, "startTime"),
        ended_at=moment(info, "endTime"),
        duration_ms=integer(info.get("duration")),
        close_reason=text_of(info.get("closeReason")),
        close_description=text_of(info.get("closeReasonDescription")),
        source=text_of(info.get("source")),
        device=text_of(info.get("device")),
        language=text_of(info.get("language")),
        browser=text_of(info.get("browser")),
        operating_system=text_of(info.get("operatingSystem")),
        skill_id=text_of(info.get("latestSkillId")),
        skill=name_of(info.get("latestSkillName")),
        skills=unique(_skills(record, "Name")),
        skill_ids=unique(_skills(record, "Id")),
        group_id=text_of(info.get("latestAgentGroupId")),
        group=name_of(info.get("latestAgentGroupName")),
        agents=brand,
        consumers=customers,
        csat=csat if csat is not None else number(info.get("csat")),
        mcs=_mcs(info),
        nps=score(record, "nps"),
        fcr=first_contact_resolution(record),
        campaign=unique(name_of(value) for name, value in campaign.items() if name.endswith("Name")),
        intents=unique(name_of(item.get("intentLabel")) for item in items(record, "uniqueIntents")),
        pages=unique(_pages(record)),
        country=name_of(monitoring.get("country")),
        city=name_of(monitoring.get("city")),
        transfers=len(items(record, "transfers")),
        is_first=info.get("firstConversation") if isinstance(info.get("firstConversation"), bool) else None,
        is_partial=is_true(info.get("isPartial")),
        extra=unread(info, _KNOWN_OF_INFO),
    )


def _summary(record: dict[str, Any]) -> Any:
    summary = section(record, "summary")
    return summary.get("text") if summary else record.get("summary")


def _mcs(info: dict[str, Any]) -> int | None:
    score = integer(info.get("mcs"))
    return score if score is not None and score >= 0 else None


def _skills(record: dict[str, Any], part: str) -> Iterator[str | None]:
    read = name_of if part == "Name" else text_of
    for transfer in items(record, "transfers"):
        yield read(transfer.get(f"sourceSkill{part}"))
        yield read(transfer.get(f"targetSkill{part}"))
    for change in (*items(record, "dialogs"), *items(record, "skillChanges")):
        yield read(change.get(f"skill{part}"))
    yield read(section(record, "info").get(f"latestSkill{part}"))


def _pages(record: dict[str, Any]) -> Iterator[str | None]:
    monitoring = section(record, "monitoring")
    yield name_of(monitoring.get("conversationStartPageTitle"))
    yield text_of(monitoring.get("conversationStartPage"))
    for view in items(record, "pageView"):
        yield name_of(view.get("title"))
        yield text_of(view.get("page"))
