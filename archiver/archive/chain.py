"""Fingerprints, commitments and the hash chain of the vault. Pure; the format is in docs/vault-format.md."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from archiver.errors import ArchiveError
from archiver.jsontext import canonical, decode, split_object
from archiver.value import Value

GENESIS = bytes(32)
SALT_BYTES = 16
_OLDER_SALT_BYTES = 32  # in formats before 6


class Entry(Value):
    """One version of one conversation in the vault, or an event. Its body is stored apart, so that it can be removed
    without breaking the chain.
    """

    seq: int
    account: str
    conversation_id: str
    fetched_at: str
    type: str
    fingerprint: bytes
    commitment: bytes
    size: int
    prev: bytes


_TYPES = (int, str, str, str, str, bytes, bytes, int, bytes)


def entry_of(row: Sequence[Any]) -> Entry:
    """The entry in a row, whose columns are its members in order. Raises ArchiveError if one has another type, which
    happens only in a damaged file.
    """
    if tuple(map(type, row)) != _TYPES:
        raise ArchiveError(
            f"the row of vault entry {row[0]} is damaged",
            hint="Restore the file from a backup; do not harvest into it.",
        )
    return Entry(*row)


class Content(Value):
    """The exact bytes of a record or an event, their SHA-256, and the fingerprint of what they say."""

    raw: bytes
    digest: bytes
    fingerprint: bytes


def content_of(key: bytes, raw: bytes, *, is_open: bool = False) -> Content:
    """The content of an entry. The bytes are hashed once: the fingerprint and the commitment are about their digest.

    The fingerprint recognises a record that is already known: it is equal for equal bytes, and for two reads of an
    unchanged open conversation, whose computed members do not count. Only `info` of an open conversation is decoded.
    Keyed with a secret of the archive, because a plain hash of a short text would reveal the text.
    """
    digest = hashlib.sha256(raw).digest()
    lasting = hashlib.sha256(_without_moving_bytes(raw)).digest() if is_open else digest
    return Content(raw, digest, hmac.digest(key, lasting, "sha256"))


def older_fingerprint(key: bytes, raw: bytes, *, is_open: bool = False) -> bytes:
    """The fingerprint that entries of formats 4 and 5 have of the same content."""
    return hmac.digest(key, _without_moving_bytes(raw) if is_open else raw, "sha256")


def is_fingerprint(fingerprint: bytes, key: bytes, raw: bytes) -> bool:
    """Whether a fingerprint belongs to these bytes, by the rule of this or an earlier format of the archive."""
    newest = (content_of(key, raw, is_open=is_open).fingerprint for is_open in (False, True))
    older = (older_fingerprint(key, raw, is_open=is_open) for is_open in (False, True))
    before_format_4 = hmac.digest(key, stable(raw), "sha256")
    return fingerprint in (*newest, *older, before_format_4)


def in_hex(link_: object) -> str:
    """A link in hexadecimal; zeros for what is none, in a damaged file."""
    return link_.hex() if isinstance(link_, bytes) else GENESIS.hex()


def commit(salt: bytes, digest: bytes) -> bytes:
    """SHA-256 of the salt and the body's digest: reveals nothing about a body whose salt was removed."""
    return hashlib.sha256(salt + digest).digest()


def is_committed(commitment: bytes, salt: bytes, raw: bytes) -> bool:
    """Whether a commitment is about these bytes. The length of the salt tells the rule: formats before 6 hashed the
    bytes themselves behind a longer one.
    """
    said = raw if len(salt) == _OLDER_SALT_BYTES else hashlib.sha256(raw).digest()
    return len(salt) in (SALT_BYTES, _OLDER_SALT_BYTES) and commit(salt, said) == commitment


def link(entry: Entry) -> bytes:
    """The chain link of an entry, which is the `prev` of its successor."""
    return hashlib.sha256(b"\x00" + canonical(described(entry))).digest()


def described(entry: Entry) -> dict[str, Any]:
    """The members of an entry as its link hashes them: canonical JSON, behind a zero byte."""
    return {
        "account": entry.account,
        "commitment": entry.commitment.hex(),
        "conversation_id": entry.conversation_id,
        "fetched_at": entry.fetched_at,
        "fingerprint": entry.fingerprint.hex(),
        "prev": entry.prev.hex(),
        "seq": entry.seq,
        "size": entry.size,
        "type": entry.type,
    }


def faults(entries: Iterable[tuple[Entry, bytes]]) -> Iterator[tuple[int, str]]:
    """Everything that is wrong with a chain given as (entry, stored link) in order: (sequence, what)."""
    expected_seq, expected_prev = 1, GENESIS
    for entry, stored in entries:
        if entry.seq != expected_seq:
            yield entry.seq, f"expected entry {expected_seq}: entries are missing or out of order"
        if entry.prev != expected_prev:
            yield entry.seq, "does not follow its predecessor: an entry was changed, removed, added or moved"
        if link(entry) != stored:
            yield entry.seq, "was changed after it was written"
        expected_seq, expected_prev = entry.seq + 1, stored


# What LivePerson computes at the moment of the request, so that two reads of an unchanged conversation differ in it
# (Messaging Interactions API, Conversations: duration, scores and response time of an open conversation).
_MOVING_INFO = ("duration", "mcs", "alertedMCS")
_MOVING_SECTIONS = ("messageScores", "responseTime")


def _without_moving_bytes(raw: bytes) -> bytes:
    """The members of an open record, sorted by name, without those that LivePerson computes at each request; the record
    itself if it is not open.
    """
    try:
        members = split_object(raw)
        info = decode(members.get("info", b"null"))
    except ValueError:
        return raw
    if not isinstance(info, dict) or info.get("status") != "OPEN":
        return raw
    members["info"] = canonical(_without(info, _MOVING_INFO))
    kept = _without(members, _MOVING_SECTIONS)
    return b"\n".join(name.encode("utf-8", "replace") + b"\x00" + kept[name] for name in sorted(kept))


def stable(raw: bytes) -> bytes:
    """A record's canonical JSON without the members that LivePerson computes per request; the bytes if unreadable."""
    try:
        return canonical(without_moving_parts(decode(raw)))
    except ValueError:
        return raw


def without_moving_parts(record: Any) -> Any:
    """A decoded record without the members that LivePerson computes at each request; any other value as it is."""
    info = record.get("info") if isinstance(record, dict) else None
    if not isinstance(info, dict) or info.get("status") != "OPEN":
        return record
    return _without(record, _MOVING_SECTIONS) | {"info": _without(info, _MOVING_INFO)}


def _without(values: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}
