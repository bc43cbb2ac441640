"""Fingerprints, commitments and the hash chain of the vault. Pure; the format is in docs/vault-format.md."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from archiver.jsontext import canonical, decode

GENESIS = bytes(32)
SALT_BYTES = 32


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of one conversation in the vault, or an event. The body lies apart, so that it can go and the chain
    holds.
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


def commit(salt: bytes, body: bytes) -> bytes:
    """SHA-256 of the salt and the exact bytes: says nothing about a body whose salt was thrown away."""
    return hashlib.sha256(salt + body).digest()


def link(entry: Entry) -> bytes:
    """The chain link of an entry, which is the `prev` of its successor."""
    return hashlib.sha256(b"\x00" + canonical(_spelled(entry))).digest()


def _spelled(entry: Entry) -> dict[str, Any]:
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


# What LivePerson computes when it is asked, so that looking twice gives two values
# (Messaging Interactions API, Conversations: duration, scores and response time of an open conversation move).
_MOVING_INFO = ("duration", "mcs", "alertedMCS")
_MOVING_SECTIONS = ("messageScores", "responseTime")


def fingerprint_of(key: bytes, raw: bytes, *, is_open: bool = False) -> bytes:
    """Decides whether a read is the one that is known: equal for the same bytes, and for two looks at an unchanged
    open conversation, whose moving parts do not count.

    Keyed with a secret of the archive, because a plain hash of a short text would reveal the text.
    """
    return hmac.digest(key, stable(raw) if is_open else raw, "sha256")


def is_fingerprint(fingerprint: bytes, key: bytes, raw: bytes) -> bool:
    """Whether a fingerprint is that of some bytes. Before format 3 those of closed ones were made like open ones'."""
    return fingerprint in (fingerprint_of(key, raw), fingerprint_of(key, raw, is_open=True))


def stable(raw: bytes) -> bytes:
    """What a record says: canonical, without what LivePerson computes when it is asked; the bytes if unreadable."""
    try:
        record = decode(raw)
        if isinstance(record, dict) and isinstance(record.get("info"), dict):
            record = _without_moving_parts(record)
        return canonical(record)
    except ValueError:
        return raw


def _without_moving_parts(record: dict[str, Any]) -> dict[str, Any]:
    info = record["info"]
    if info.get("status") != "OPEN":
        return record
    stable = {key: value for key, value in record.items() if key not in _MOVING_SECTIONS}
    stable["info"] = {key: value for key, value in info.items() if key not in _MOVING_INFO}
    return stable
