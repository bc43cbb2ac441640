"""Reading what is almost JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver import lenientjson
from archiver.jsontext import decode, split_array, split_object

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=25,
)


def nested(depth: int) -> bytes:
    return b'{"info":{"conversationId":"c"},"x":' + b"[" * depth + b'"inmost"' + b"]" * depth + b"}"


@given(JSON)
def test_what_is_json_is_read_as_by_the_standard_library(value: Any) -> None:
    raw = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    assert lenientjson.read(raw) == json.loads(raw)


@given(st.dictionaries(st.text(max_size=6), JSON, max_size=5))
def test_members_and_elements_are_split_where_the_fast_library_splits_them(value: dict[str, Any]) -> None:
    raw = json.dumps(value, indent=1).encode()
    assert lenientjson.split_object(raw) == split_object(raw)
    listed = json.dumps(list(value.values()), indent=1).encode()
    assert lenientjson.split_array(listed) == split_array(listed)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_as_no_json(raw: bytes) -> None:
    for read in (lenientjson.read, lenientjson.split_array, lenientjson.split_object):
        try:
            read(raw)
        except ValueError:
            continue


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'"tab\tfeed\nbell\x07nul\x00"', "tab\tfeed\nbell\x07nul\x00"),
        (rb'"half \ud83d"', "half \ufffd"),
        (b'"cut \xc3"', "cut \ufffd"),
        (b"[NaN, 1e999]", None),
        (b"9" * 5000, "9" * 5000),
    ],
)
def test_what_people_type_and_services_write_is_read(raw: bytes, value: Any) -> None:
    assert decode(raw) == value if value is not None else len(decode(raw)) == 2


def test_identifiers_that_differ_only_in_broken_characters_stay_two() -> None:
    ids = {decode(b'{"conversationId":"' + odd + b'"}')["conversationId"] for odd in (rb"\ud83d", rb"\udc00", b"\xc3")}
    assert len(ids) == 3


@pytest.mark.parametrize("depth", [lenientjson.MOST_DEPTH, 900, 5_000, 100_000])
def test_what_is_nested_too_deeply_is_read_as_text_at_its_depth_and_everything_beside_it_as_ever(depth: int) -> None:
    value = decode(nested(depth))
    assert value["info"] == {"conversationId": "c"}
    for _ in range(lenientjson.MOST_DEPTH - 1):
        (value,) = [value["x"]] if isinstance(value, dict) else value
    assert isinstance(value[0], str)
    assert "inmost" in value[0]
    assert split_object(nested(depth))["info"] == b'{"conversationId":"c"}'


def test_brackets_inside_strings_make_nothing_deep() -> None:
    text = "[" * 1_000
    assert decode(json.dumps({"text": text}).encode()) == {"text": text}


@pytest.mark.parametrize(
    "raw", [b"", b"[1,]", b"[,1]", b"[1", b"[1}", b'["\\U]', b'{"a" 1}', b'{"a":1}{}', b"[1] x", b"nil"]
)
def test_what_does_not_fit_together_is_refused(raw: bytes) -> None:
    for read in (decode, split_array, split_object):
        with pytest.raises(ValueError, match=r"."):
            read(raw)


@pytest.mark.parametrize("raw", [rb'"C:\Users\name"', rb'"\u12 \n"', rb'"\x41"'])
def test_a_text_whose_backslashes_were_not_escaped_is_refused_because_it_may_be_misread(raw: bytes) -> None:
    with pytest.raises(ValueError, match="escape"):
        decode(raw)
    assert split_array(b"[1," + raw + b"]") == [b"1", raw]
