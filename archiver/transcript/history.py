"""What a conversation said before: texts of earlier versions that its present one does not have. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from archiver.errors import RecordError
from archiver.model import Former, Message, Transcript
from archiver.transcript.projection import project
from archiver.value import replace

Moment = tuple[int, datetime]  # an entry of the vault, and when it was made


def with_history(
    current: Transcript, others: Iterable[tuple[int, bytes]], moments: Sequence[Moment], states: Iterable[str]
) -> Transcript:
    """The present version with what others said. `others` are their entries and exact bytes, `moments` those of all
    versions in order, `states` what LivePerson did to the conversation (`fields.HAS_STATES`).
    """
    shown = {message.id: message for message in current.messages}
    newest: dict[str, Message] = {}
    last: dict[tuple[str, object], tuple[int, Message]] = {}
    for seq, raw in others:
        for message in _messages(raw):
            newest[message.id] = message
            if message.id not in shown or shown[message.id].parts != message.parts:
                last[message.id, message.parts] = (seq, message)
    known = newest | shown
    former = [Former(_as_now(message, known), _until(seq, moments)) for seq, message in last.values() if message.parts]
    changed = ("changed",) if former else ()
    return replace(current, former=tuple(sorted(former, key=_order)), states=tuple(dict.fromkeys((*changed, *states))))


def _messages(raw: bytes) -> Iterable[Message]:
    try:
        return project(raw, with_events=False, with_facts=False).messages
    except RecordError:
        return ()  # its bytes are kept, and nobody can read them


def _as_now(message: Message, known: Mapping[str, Message]) -> Message:
    """An earlier message under its last known sender: who spoke is known better later."""
    now = known[message.id]
    return replace(message, role=now.role, sender=now.sender, sender_id=now.sender_id)


def _until(seq: int, moments: Sequence[Moment]) -> datetime:
    """When the version after an entry was read: LivePerson showed the text until then."""
    return next((at for entry, at in moments if entry > seq), moments[-1][1])


def _order(former: Former) -> tuple[bool, datetime, str, datetime]:
    sent = former.message.sent_at
    return (sent is None, sent or former.until, former.message.id, former.until)
