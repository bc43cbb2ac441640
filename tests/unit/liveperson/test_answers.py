"""Reading a page of records."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from archiver.errors import BadAnswer
from archiver.liveperson.answers import read_page

METADATA = b'"_metadata":{"count":4,"self":{"rel":"self","href":"x"},"shardsStatusResult":{"partialResult":false}}'


def raw(id_: str) -> bytes:
    return json.dumps(
        {"info": {"conversationId": id_}, "messageRecords": [{"messageData": {"msg": {"text": "MARK"}}}]}
    ).encode()


def body(damage: Callable[[bytes], bytes], *, metadata_first: bool = True) -> bytes:
    """A page of four records, the second of them damaged."""
    records = b'"conversationHistoryRecords":[' + b", ".join((raw("a"), damage(raw("b")), raw("c"), raw("d"))) + b"]"
    return b"{" + b",".join((METADATA, records) if metadata_first else (records, METADATA)) + b"}"


@pytest.mark.parametrize("metadata_first", [True, False])
@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw.replace(b"MARK", b'she said "no'),
        lambda raw: raw[:-1],
        lambda raw: raw[1:],
        lambda raw: b"\x00" + raw,
        lambda raw: raw[:40],
        lambda raw: raw.replace(b"[", b"(", 1),
        lambda raw: b"null",
        lambda raw: raw.replace(b"MARK", rb"D:\Users\new"),
        lambda raw: b'{"info":{"status":"OPEN"}}',
    ],
)
def test_an_unreadable_record_costs_only_itself(damage: Callable[[bytes], bytes], metadata_first: bool) -> None:
    page = read_page(body(damage, metadata_first=metadata_first))
    assert [item.id for item in page.conversations] == ["a", "c", "d"]
    assert [item.raw for item in page.unreadable] == [damage(raw("b"))]
    assert (page.total, page.is_complete, len(page)) == (4, True, 4)


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw.replace(b"MARK", b"a\tb\x00\xff"),
        lambda raw: raw.replace(b'"MARK"', b"9" * 5_000),
        lambda raw: raw.replace(b'"MARK"', b"[" * 5_000 + b"]" * 5_000),
    ],
)
def test_odd_characters_numbers_and_depths_leave_a_record_readable(damage: Callable[[bytes], bytes]) -> None:
    page = read_page(body(damage))
    assert [item.id for item in page.conversations] == ["a", "b", "c", "d"]
    assert page.conversations[1].raw == damage(raw("b"))


@pytest.mark.parametrize("kept", [0, 1, 60, 200, -1])
def test_an_answer_that_was_cut_off_is_refused_as_a_whole(kept: int) -> None:
    with pytest.raises(BadAnswer):
        read_page(body(lambda raw: raw)[:kept])


def test_an_answer_that_was_cut_off_where_a_record_looks_like_its_end_never_counts_as_read() -> None:
    whole = body(lambda raw: raw)
    assert whole.endswith(b"}]}]}")
    assert [len(read_page(whole[:-2]).conversations), len(read_page(whole[:-2]).unreadable)] == [3, 1]


def test_what_stands_between_records_costs_none_of_them() -> None:
    page = read_page(body(lambda raw: raw + b"}} nonsense"))
    assert [item.id for item in page.conversations] == ["a", "b", "c", "d"]
    assert [item.raw for item in page.unreadable] == [b"}} nonsense"]


def test_a_quote_too_many_joins_no_record_with_its_neighbours() -> None:
    """Two records with odd numbers of quotes look like one that is whole."""
    inch, broken = raw("inch").replace(b"MARK", b'a 5" pipe'), raw("b").replace(b"MARK", rb"a 3\" pipe")
    records = (raw("a"), inch, raw("c"), broken, raw("d"))
    page = read_page(b"{" + METADATA + b',"conversationHistoryRecords":[' + b",".join(records) + b"]}")
    assert [item.id for item in page.conversations] == ["a", "c", "b", "d"]
    assert [item.raw for item in page.unreadable] == [inch]


def test_what_looks_like_the_beginning_of_a_record_inside_one_cuts_nothing() -> None:
    nested = raw("b")[:-1] + b',"agentParticipants":[{"agentId":"x"},{"info":{"a":1}}]}'
    records = (raw("a")[:-1], nested, raw("c"))
    page = read_page(b"{" + METADATA + b',"conversationHistoryRecords":[' + b",".join(records) + b"]}")
    assert [item.raw for item in page.conversations] == [nested, raw("c")]
