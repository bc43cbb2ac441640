"""Turns a version of a conversation into the lines of a bulk request. Pure.

A conversation becomes one metadata document, one document for each message and one for each SDE. Each carries the
vault's sequence number as its external version: late or repeated writes never replace newer content.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from archiver.index.elastic.queries import KEYWORDS_FIELD
from archiver.index.elastic.word_fields import WordFields, keywords
from archiver.index.ranks import RANKED, rank, rank_by
from archiver.index.results import Version
from archiver.jsontext import canonical, encode
from archiver.model import Message, Metadata, Role, Transcript, Zone, to_ms
from archiver.query import REPEATED_KEYWORDS, SHARED_FACETS, all_facets, every_message, own_facets
from archiver.resources import sde_types
from archiver.transcript import kind_of
from archiver.value import Value, as_dict

KINDS = ("messages", "sdes", "metadata")
_YEARS = range(1990, 2100)
_LONGEST_ID = 480  # bytes; Elasticsearch allows 512
_LONGEST_EXTRA = 2_000  # characters of an unknown field's value
_NO_VALUE = "undefined"  # what a web page writes where it has none


class Body(Value):
    """All bulk lines of one version: each document an action line and a source line. `month` is the index's suffix."""

    conversation_id: str
    seq: int
    is_first: bool
    month: str
    count: int
    lines: bytes


class _Derived(Value):
    """What several documents of a conversation have in common and that takes time to find out."""

    words: WordFields
    waits_ms: Mapping[str, int]
    facets: Mapping[str, Sequence[str]]


def _derive(transcript: Transcript) -> _Derived:
    return _Derived(WordFields(transcript), response_times_ms(transcript.messages), all_facets(transcript))


class Names:
    """The names of one family's indices and documents."""

    def __init__(self, prefix: str, family: int) -> None:
        self.prefix = prefix
        self.family = family

    def alias(self, kind: str) -> str:
        return f"{self.prefix}-{kind}"

    def of_family(self, kind: str) -> str:
        return f"{self.prefix}-{kind}-v{self.family}"

    def index(self, kind: str, month: str) -> str:
        return f"{self.of_family(kind)}-{month}"


def month_of(started_at: datetime | None) -> str:
    """The month whose index holds a conversation: its start never changes. Times that can't be of LivePerson share an
    index with unknown ones, because each index costs the server.
    """
    return f"{started_at:%Y.%m}" if started_at and started_at.year in _YEARS else "undated"


def body(version: Version, names: Names, *, is_retry: bool = False) -> Body:
    """With `is_retry`, documents of the same version are written again."""
    transcript = version.transcript
    month = month_of(transcript.metadata.started_at)
    common, derived = _common(version), _derive(transcript)
    kind_of_version = b"external_gte" if is_retry else b"external"
    lines: list[bytes] = []
    digest = hashlib.blake2b(digest_size=16)
    for kind, documents in (("messages", _messages(version, common, derived)), ("sdes", _sdes(version, common))):
        head = _action_head(names.index(kind, month))
        for id_, source in documents:
            digest.update(source)
            lines += (_action(head, id_, version.seq, kind_of_version), source)
    source = encode(common | _metadata(version, derived) | {"digest": digest.hexdigest()})
    head = _action_head(names.index("metadata", month))
    lines += (_action(head, _document_id(transcript), version.seq, kind_of_version), source, b"")
    return Body(transcript.id, version.seq, version.is_first, month, len(lines) // 2, b"\n".join(lines))


def stub(index: str, id_: str, conversation_id: str, seq: int) -> bytes:
    """The lines that replace a document which its conversation no longer has by one that no query returns."""
    source = encode({"conversation_id": conversation_id, "vault_seq": seq, "superseded": True})
    return b"\n".join((_action(_action_head(index), id_, seq, b"external"), source, b""))


def _action_head(index: str) -> bytes:
    return b'{"index":{"_index":"%s","_id":' % index.encode()


def _action(head: bytes, id_: str, seq: int, kind_of_version: bytes) -> bytes:
    return b'%s%s,"version":%d,"version_type":"%s"}}' % (head, encode(id_), seq, kind_of_version)


def _document_id(transcript: Transcript, *parts: str) -> str:
    """Deterministic, so that a repeated write replaces the same document."""
    id_ = ":".join((transcript.metadata.account, transcript.id, *parts))
    raw = id_.encode()
    if len(raw) <= _LONGEST_ID:
        return id_
    return f"{raw[:400].decode(errors='ignore')}~{hashlib.sha256(raw).hexdigest()}"


def _common(version: Version) -> dict[str, Any]:
    metadata = version.transcript.metadata
    return {
        "account": metadata.account,
        "conversation_id": metadata.conversation_id,
        "started_at": metadata.started_at,
        "vault_seq": version.seq,
    }


def _messages(version: Version, common: dict[str, Any], derived: _Derived) -> Iterator[tuple[str, bytes]]:
    transcript, metadata = version.transcript, version.transcript.metadata
    shown = {message.id for message in transcript.messages}
    shared = common | {name: getattr(metadata, name) for name in ("skill", "group", "status", "source", "language")}
    shared[KEYWORDS_FIELD] = list(keywords(transcript, REPEATED_KEYWORDS))
    tail = b"," + encode(shared | {f"facets.{name}": derived.facets[name] for name in SHARED_FACETS})[1:]
    for message in every_message(transcript):
        is_shown = message.id in shown
        own: dict[str, Any] = {
            "id": message.id, "dialog_id": message.dialog_id, "seq": message.seq, "sent_at": message.sent_at,
            "role": message.role, "sender_id": message.sender_id, "sender": message.sender, "type": message.type,
            "is_private": message.is_private, "text": message.text if is_shown else "", "file": message.file,
            "is_deleted": not is_shown, "earlier_text": derived.words.earlier_texts(message),
            "kind": kind_of(message), "links": [part.text for part in message.parts if part.zone is Zone.LINK],
            "mcs": message.mcs, "deliveries": [delivery.status for delivery in message.deliveries],
            "response_ms": derived.waits_ms.get(message.id), "rank": rank(message.sent_at),
            **{f"facets.{name}": value for name, value in own_facets(message)},
            **derived.words.of_message(message),
        }  # fmt: skip
        if message.extra:
            own["extra"] = _flattened(message.extra)
        if message.context:
            own["context"] = _flattened(message.context)
        yield _document_id(transcript, message.id), encode(own)[:-1] + tail


def response_times_ms(messages: Iterable[Message]) -> dict[str, int]:
    """By message id of an answer: how many milliseconds the customer's first unanswered message had waited for it."""
    waits_ms: dict[str, int] = {}
    waiting_since: datetime | None = None
    for message in messages:
        if message.sent_at is None or message.is_private:
            continue
        if message.role is Role.CUSTOMER:
            waiting_since = waiting_since or message.sent_at
        elif message.role in (Role.AGENT, Role.BOT) and waiting_since:
            waits_ms[message.id] = to_ms(message.sent_at) - to_ms(waiting_since)
            waiting_since = None
    return waits_ms


def _sdes(version: Version, common: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    for sde in version.transcript.sdes:
        identity = canonical([sde.type, sde.at, sde.is_authenticated, sde.values])
        id_ = _document_id(version.transcript, hashlib.sha256(identity).hexdigest()[:32])
        values = [(path, value) for path, value in sde.values if value != _NO_VALUE]
        own: dict[str, Any] = {"type": sde.type, "at": sde.at, "is_authenticated": sde.is_authenticated}
        own["values"] = _flattened(values)
        own["text"] = "\n".join(str(value) for _, value in values)
        yield id_, encode(common | own | _typed(values))


def _typed(values: Iterable[tuple[str, Any]]) -> dict[str, list[Any]]:
    """The values of documented paths, each of which is a field of its own."""
    types, typed = sde_types(), defaultdict(list)
    for path, value in values:
        made = _READ[types[path]](value) if path in types else None
        if made is not None:
            typed[path].append(made)
    return typed


def _number(value: Any) -> float | None:
    try:
        return None if isinstance(value, bool) else float(value)
    except (ValueError, OverflowError):
        return None


_READ: Mapping[str, Callable[[Any], Any]] = {
    "keyword": str, "double": _number, "boolean": lambda value: value if isinstance(value, bool) else None,
}  # fmt: skip


def _flattened(values: Iterable[tuple[str, Any]]) -> dict[str, list[str]]:
    """For a flattened field: paths without the characters it refuses in a name, values as text."""
    fields: dict[str, list[str]] = defaultdict(list)
    for path, value in values:
        fields[path.replace("\0", "")[:_LONGEST_EXTRA] or "_"].append(str(value)[:_LONGEST_EXTRA])
    return fields


def _metadata(version: Version, derived: _Derived) -> dict[str, Any]:
    transcript, metadata = version.transcript, version.transcript.metadata
    fields = _plain(metadata) | {
        "message_count": len(transcript.messages),
        "message_documents": sum(1 for _ in every_message(transcript)),
        "sde_count": len(transcript.sdes),
        "first_response_ms": next(iter(derived.waits_ms.values()), None),
        "harvested_at": version.fetched_at,
        "harvest_lag_ms": _lag_ms(version),
        "survey": [text for answer in transcript.answers for text in (answer.question, answer.answer) if text],
        "summary": transcript.summaries,
        "about": list(dict.fromkeys(text for _, text in transcript.about)),
        "facets": derived.facets,
        "rank": rank(metadata.started_at),
        "ranks": {sort.value: rank_by(sort, transcript) for sort in RANKED},
        "sent_at": sorted({message.sent_at for message in transcript.messages if message.sent_at}),
    }
    return fields | derived.words.of_conversation()


def _plain(metadata: Metadata) -> dict[str, Any]:
    return as_dict(metadata) | {"extra": _flattened(metadata.extra)}


def _lag_ms(version: Version) -> int | None:
    """Milliseconds from the end of a conversation to its harvest."""
    ended_at = version.transcript.metadata.ended_at
    if ended_at is None or version.fetched_at is None:
        return None
    return to_ms(datetime.fromisoformat(version.fetched_at)) - to_ms(ended_at)
