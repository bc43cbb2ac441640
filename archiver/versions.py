"""Whether a read of a conversation says less than another one: then it is evidence, and not what is current. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archiver.encoding import canonical, decode
from archiver.records import items, section

_SDES = ("sdes", "unAuthSdes")


def is_shallower(raw: bytes, than: bytes) -> bool:
    """Whether a record says nothing that the other does not, and leaves out SDEs or thumbnails.

    A search gives only some SDEs and no thumbnail (Get Conversation by Conversation ID): looking at a conversation by
    a search after it was looked up by its id must not make the archive forget what it knew.
    """
    try:
        new, old = decode(raw), decode(than)
    except ValueError:
        return False
    if not isinstance(new, dict) or not isinstance(old, dict):
        return False
    fewer = [set(_extras(record)) for record in (new, old)]
    return fewer[0] < fewer[1] and canonical(_bare(new)) == canonical(_bare(old))


def _extras(record: dict[str, Any]) -> Iterator[bytes]:
    """What a search may leave out, piece by piece."""
    for name in _SDES:
        yield from (canonical([name, event]) for event in items(section(record, name), "events"))
    for message in items(record, "messageRecords"):
        preview = section(section(message, "messageData"), "file").get("preview")
        if preview is not None:
            yield canonical(["preview", message.get("messageId"), preview])


def _bare(record: dict[str, Any]) -> dict[str, Any]:
    """The record without all that."""
    bare = {name: value for name, value in record.items() if name not in _SDES}
    messages = record.get("messageRecords")
    if isinstance(messages, list):
        bare["messageRecords"] = [_without_preview(message) for message in messages]
    return bare


def _without_preview(message: Any) -> Any:
    data = section(message, "messageData")
    file = section(data, "file")
    if "preview" not in file:
        return message
    bare = {name: value for name, value in file.items() if name != "preview"}
    return {**message, "messageData": {**data, "file": bare}}
