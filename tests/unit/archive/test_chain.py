"""Fingerprints, commitments and the hash chain."""

from __future__ import annotations

import hashlib

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


def test_a_commitment_is_the_hash_of_salt_and_body() -> None:
    assert chain.commit(b"s" * 32, b"body") == hashlib.sha256(b"s" * 32 + b"body").digest()


def test_what_moves_between_two_looks_at_an_open_conversation_is_no_new_version() -> None:
    key = bytes(32)
    first = record(
        "c", NOW, "hi", info={"status": "OPEN", "duration": 1, "mcs": 10}, messageScores=[1], responseTime={}
    )
    again = record(
        "c", NOW, "hi", info={"status": "OPEN", "duration": 2, "mcs": 20}, messageScores=[2], responseTime={"a": 1}
    )
    said = record("c", NOW, "hi", "more", info={"status": "OPEN", "duration": 2})
    prints = [chain.fingerprint_of(key, raw, is_open=True) for raw in (first, again, said)]
    assert prints[0] == prints[1] != prints[2]


def test_a_closed_conversations_score_is_content() -> None:
    one, two = record("c", NOW, info={"mcs": 1}), record("c", NOW, info={"mcs": 2})
    assert chain.fingerprint_of(bytes(32), one) != chain.fingerprint_of(bytes(32), two)


def test_a_fingerprint_tells_nothing_without_the_key_and_those_of_older_formats_count() -> None:
    raw = b'{ "b": [2], "a": 1 }'
    assert chain.fingerprint_of(b"k", raw) != chain.fingerprint_of(b"l", raw)
    assert chain.is_fingerprint(chain.fingerprint_of(b"k", raw), b"k", raw)
    assert chain.is_fingerprint(chain.fingerprint_of(b"k", b'{"a":1,"b":[2]}'), b"k", raw)
    assert not chain.is_fingerprint(chain.fingerprint_of(b"l", raw), b"k", raw)
