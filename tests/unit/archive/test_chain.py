"""Fingerprints, commitments and the hash chain."""

from __future__ import annotations

import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as st

from archiver.archive import chain
from archiver.archive.chain import Entry
from archiver.value import as_dict
from tests.conftest import NOW, record


def entries(count: int) -> list[tuple[Entry, bytes]]:
    made: list[tuple[Entry, bytes]] = []
    prev = chain.GENESIS
    for seq in range(1, count + 1):
        salt, body = bytes([seq]) * 32, b"body %d" % seq
        entry = Entry(seq, "a", f"c{seq}", "2026-01-01", "record", b"f", chain.commit(salt, body), len(body), prev)
        prev = chain.link(entry)
        made.append((entry, prev))
    return made


def test_an_untouched_chain_has_no_faults() -> None:
    assert list(chain.faults(entries(20))) == []


@given(st.data())
def test_any_changed_removed_added_or_swapped_entry_is_found(data: st.DataObject) -> None:
    chained = entries(8)
    at = data.draw(st.integers(0, 6))
    kind = data.draw(st.sampled_from(["change", "remove", "repeat", "swap"]))
    if kind == "change":
        entry, stored = chained[at]
        values = as_dict(entry)
        name = data.draw(st.sampled_from(sorted(values)))
        values[name] = values[name] + type(values[name])(
            1 if isinstance(values[name], int) else b"x" if isinstance(values[name], bytes) else "x"
        )  # type: ignore[operator]
        chained[at] = (Entry(**values), stored)
    elif kind == "remove":
        del chained[at]
    elif kind == "repeat":
        chained.insert(at, chained[at])
    else:
        chained[at], chained[at + 1] = chained[at + 1], chained[at]
    assert list(chain.faults(chained))


def test_a_commitment_is_about_the_bodys_hash_and_in_older_formats_behind_a_longer_salt_about_the_body() -> None:
    digest = hashlib.sha256(b"body").digest()
    newer, older = hashlib.sha256(b"s" * 16 + digest).digest(), hashlib.sha256(b"s" * 32 + b"body").digest()
    assert chain.commit(b"s" * 16, digest) == newer
    assert chain.is_committed(newer, b"s" * 16, b"body")
    assert chain.is_committed(older, b"s" * 32, b"body")
    for length in (0, 15, 16, 17, 31, 32, 33, 48):
        for commitment in (newer, older):
            for body in (b"bodY", digest, b"s" * 16 + digest, digest[16:], b""):
                assert not chain.is_committed(commitment, b"s" * length, body)


def test_what_moves_between_two_looks_at_an_open_conversation_is_no_new_version() -> None:
    key = bytes(32)
    first = record(
        "c", NOW, "hi", info={"status": "OPEN", "duration": 1, "mcs": 10}, messageScores=[1], responseTime={}
    )
    again = record(
        "c", NOW, "hi", info={"status": "OPEN", "duration": 2, "mcs": 20}, messageScores=[2], responseTime={"a": 1}
    )
    said = record("c", NOW, "hi", "more", info={"status": "OPEN", "duration": 2})
    prints = [chain.content_of(key, raw, is_open=True).fingerprint for raw in (first, again, said)]
    assert prints[0] == prints[1] != prints[2]


def test_a_closed_conversations_score_is_content() -> None:
    one, two = record("c", NOW, info={"mcs": 1}), record("c", NOW, info={"mcs": 2})
    assert chain.content_of(bytes(32), one).fingerprint != chain.content_of(bytes(32), two).fingerprint


def test_a_fingerprint_tells_nothing_without_the_key_and_those_of_older_formats_count() -> None:
    raw = b'{ "b": [2], "a": 1 }'
    assert chain.content_of(b"k", raw).fingerprint != chain.content_of(b"l", raw).fingerprint
    assert chain.is_fingerprint(chain.content_of(b"k", raw).fingerprint, b"k", raw)
    assert chain.is_fingerprint(hmac.digest(b"k", b'{"a":1,"b":[2]}', "sha256"), b"k", raw)
    assert chain.is_fingerprint(hmac.digest(b"k", raw, "sha256"), b"k", raw)
    assert not chain.is_fingerprint(chain.content_of(b"l", raw).fingerprint, b"k", raw)
