"""What a record says about a conversation beside what was said: people, ids, campaign, pages, bots. Pure and total.

Facts with few values, such as skill, channel and device, are no text: they are fields of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from archiver.model import Message, Participant
from archiver.rawrecord import Scalar, as_text, items, leaves, section
from archiver.transcript.context import context_of

_NO_TEXT_OF_MONITORING = frozenset(
    ("device", "browser", "operatingSystem", "country", "countryCode", "state", "city")
)  # fmt: skip
_NAMES_OF_INTENTS = (".intentName", ".intentLabel")
_IDS_OF_INFO = ("conversationId", "visitorId", "sessionId", "interactionContextId", "latestAgentId")


def about(
    record: dict[str, Any], people: Iterable[Participant], messages: Iterable[Message],
    extra: Iterable[tuple[str, Scalar]],
) -> tuple[tuple[str, str], ...]:  # fmt: skip
    """Each fact once, as (path, text). `extra` are facts of `info` that have no field of their own."""
    pairs = (
        *_of_people(people),
        *_of_ids(section(record, "info")),
        *leaves("campaign", section(record, "campaign")),
        *leaves("page", section(record, "monitoring"), _NO_TEXT_OF_MONITORING),
        *(pair for item in items(record, "pageView") for pair in leaves("page", item)),
        *_of_intents(record),
        *((f"bot.{path}", value) for message in messages for path, value in message.context if isinstance(value, str)),
        *((f"bot.{path}", value) for path, value in _of_contexts(record) if isinstance(value, str)),
        *extra,
    )
    texts = ((path, as_text(value)) for path, value in pairs if not isinstance(value, bool) and value != "undefined")
    return tuple(dict.fromkeys((path, text) for path, text in texts if text.strip()))


def _of_people(people: Iterable[Participant]) -> Iterator[tuple[str, Scalar]]:
    for person in people:
        yield from ((person.role.value, value) for value in person.known_by)


def _of_ids(info: dict[str, Any]) -> Iterator[tuple[str, Scalar]]:
    for name in _IDS_OF_INFO:
        yield from leaves("id", info.get(name))


def _of_intents(record: dict[str, Any]) -> Iterator[tuple[str, Scalar]]:
    for name in ("uniqueIntents", "intents"):
        for item in items(record, name):
            yield from (("intent", value) for path, value in leaves("", item) if path.endswith(_NAMES_OF_INTENTS))


def _of_contexts(record: dict[str, Any]) -> Iterator[tuple[str, Scalar]]:
    """What bots and programs noted beside messages: of who took part, of transfers, of dialogs."""
    for name in record:
        for item in items(record, name) if name != "messageRecords" else ():
            if item.get("contextData"):
                yield from context_of(item["contextData"])
