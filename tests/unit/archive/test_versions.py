"""A read that only leaves things out does not take the place of one that has them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.archive.file import ArchiveFile
from archiver.archive.versions import Change, compare_raw
from archiver.jsontext import decode, encode
from archiver.liveperson.answers import read_record
from archiver.received import Conversation
from tests.conftest import NOW, record

AGAIN = {"sdeType": "LEAD", "serverTimeStamp": 3, "lead": {"lead": {"leadId": "3"}}}
LEADS = [{"sdeType": "LEAD", "serverTimeStamp": ms, "lead": {"lead": {"leadId": str(ms)}}} for ms in (1, 2, 3)]


def raw(*, leads: int = 3, preview: bool = True, text: str = "hello", **info: Any) -> bytes:
    whole = decode(record("c", NOW, text, "x", info=info, sdes={"events": LEADS[3 - leads :]}))
    file = {"caption": "a photo", **({"preview": "data:"} if preview else {})}
    whole["messageRecords"][1]["messageData"] = {"file": file}
    return encode(whole)


@pytest.mark.parametrize("less", [raw(leads=1), raw(preview=False), raw(leads=0, preview=False)])
def test_a_record_that_leaves_out_sdes_or_thumbnails_is_shallower(less: bytes) -> None:
    assert compare_raw(less, raw()) is Change.LESS_DETAIL
    assert compare_raw(raw(), less) is Change.NEWER


def test_one_that_leaves_out_the_repetition_of_an_sde_is_shallower() -> None:
    twice = encode(decode(raw()) | {"sdes": {"events": [*LEADS, AGAIN]}})
    assert compare_raw(raw(), twice) is Change.LESS_DETAIL
    assert compare_raw(twice, raw()) is Change.NEWER


def test_places_in_a_list_are_not_mistaken_for_one_another() -> None:
    """A rating shown as stars is no mask over the word beside it."""
    rated = decode(record("c", NOW, "hello"))
    rated["messageRecords"][0]["messageData"] = {"choices": ["***", "good"]}
    assert compare_raw(encode(rated | {"summary": {"text": "new"}}), encode(rated)) is Change.NEWER


def test_a_cut_record_with_fewer_sdes_is_shallower() -> None:
    assert compare_raw(raw(leads=1, isPartial=True), raw()) is Change.LESS_DETAIL


@pytest.mark.parametrize(
    "other",
    [
        raw(), raw(leads=1, text="changed"), raw(leads=1, status="OPEN"), b"no JSON", b"[]",
        raw().replace(b'"3"', b'"4"'),
    ],
)  # fmt: skip
def test_a_record_that_says_anything_else_is_not(other: bytes) -> None:
    assert compare_raw(other, raw()) is not Change.LESS_DETAIL


def keep(archive: ArchiveFile, *raws: bytes) -> int:
    read = [read_record(item) for item in raws]
    return archive.keep([item for item in read if isinstance(item, Conversation)], (), NOW)


def test_a_shallower_read_is_kept_once_and_does_not_become_current(archive: ArchiveFile) -> None:
    assert keep(archive, raw()) == 1
    assert keep(archive, raw(leads=1, preview=False)) == 1
    assert keep(archive, raw(leads=1, preview=False), raw()) == 0
    assert archive.vault.current("c").raw == raw()
    assert archive.vault.head() == 2


def test_a_shallower_read_that_the_archive_had_before_the_deeper_one_is_not_kept_again(archive: ArchiveFile) -> None:
    assert keep(archive, raw(leads=1, preview=False)) == 1
    assert keep(archive, raw()) == 1
    assert keep(archive, raw(leads=1, preview=False)) == 0
    assert archive.vault.head() == 2


def test_a_deeper_or_changed_read_becomes_current(archive: ArchiveFile) -> None:
    keep(archive, raw(leads=1, preview=False))
    keep(archive, raw())
    assert archive.vault.current("c").raw == raw()
    keep(archive, raw(leads=1, preview=False, text="edited"))
    assert archive.vault.current("c").raw == raw(leads=1, preview=False, text="edited")


def test_a_record_in_another_order_or_with_blanks_is_no_new_version(archive: ArchiveFile) -> None:
    first = raw()
    again = json.dumps(dict(reversed(json.loads(first).items())), indent=1).encode()
    assert compare_raw(again, first) is Change.SAME
    assert keep(archive, first, again, first) == 1
    assert archive.vault.head() == 1


WHOLE = record("c", NOW, "my card is 4111 1111 1111 1111, ok?", "thank you", "bye")


def said(*texts: str, **changes: Any) -> bytes:
    return record("c", NOW, *texts, **changes)


@pytest.mark.parametrize(
    ("new", "change"),
    [
        (said("my card is **** **** **** 1111, ok?", "thank you", "bye"), Change.MASKING),
        (said("my card is XXXXXXXXXXXXXXX1111, ok?", "thank you", "bye"), Change.MASKING),
        (said("****", "thank you", "bye", "and more"), Change.MASKING),
        (said("my card is 4111, ok?", "thank you", "bye"), Change.NEWER),
        (said("my card is not ****, ok!", "thank you", "bye"), Change.NEWER),
        (said("** LP deleted data **", "thank you", "bye"), Change.ERASURE),
        (said("** LP deleted data **", "****", "bye"), Change.ERASURE),
        (said("** LP deleted data **", "thank you"), Change.FEWER_MESSAGES),
        (said("my card is 4111 1111 1111 1111, ok?", "thank you"), Change.FEWER_MESSAGES),
        (said("my card is 4111 1111 1111 1111, ok?", "thank you", info={"isPartial": True}), Change.LESS_DETAIL),
        (decode(WHOLE) | {"consumerParticipants": [{"firstName": "** LP deleted data **"}]}, Change.ERASURE),
        (decode(WHOLE) | {"conversationSurveys": [{"surveyType": "CSAT"}]}, Change.NEWER),
        (decode(WHOLE) | {"info": decode(WHOLE)["info"] | {"endTimeL": -1, "status": "OPEN"}}, Change.STALE),
        (said("my card is 4111 1111 1111 1111, ok?", "thank you", "bye", "** LP deleted data **"), Change.NEWER),
    ],
)  # fmt: skip
def test_what_a_read_says_against_the_current_version_is_told(new: Any, change: Change) -> None:
    assert compare_raw(new if isinstance(new, bytes) else encode(new), WHOLE) is change


@given(st.text(min_size=1), st.data())
def test_a_text_with_any_part_of_it_covered_is_masked_and_never_the_other_way_round(text: str, data: Any) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    masked = text[:start] + "*" * data.draw(st.integers(len(text) + 2, len(text) + 9)) + text[end:]
    assert compare_raw(said(masked), said(text)) is Change.MASKING
    assert compare_raw(said(text), said(masked)) is Change.STALE  # until it is seen again
