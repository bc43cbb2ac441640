"""Reads and writes JSON: the only module that uses the JSON library.

LivePerson's records contain whatever people typed and programs wrote. What the fast library refuses is read by
`lenientjson`: a record is never lost because of one character.
"""

from __future__ import annotations

from typing import Any

import msgspec

from archiver import lenientjson

_REFUSED = (msgspec.MsgspecError, UnicodeError, RecursionError)
_decode = msgspec.json.decode


def decode(raw: bytes | str) -> Any:
    """The value of a JSON text, by the rules of `lenientjson` where it is not quite JSON. Raises ValueError."""
    content = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw
    if not lenientjson.is_deep(content):
        try:
            return _decode(content)
        except _REFUSED:
            pass
    return lenientjson.read(content)


def encode(value: Any) -> bytes:
    """Compact UTF-8 JSON of plain values, dataclasses and `raw_json` pieces, keys in their own order."""
    return msgspec.json.encode(value)


def pretty(value: Any) -> str:
    return msgspec.json.format(encode(value), indent=2).decode()


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no blanks: the same value always gives the same bytes."""
    return msgspec.json.encode(value, order="sorted")


def is_standard(raw: bytes) -> bool:
    """Whether every reader of JSON can read these bytes: UTF-8, without control characters in texts, NaN or lone
    surrogates.
    """
    try:
        _decode(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return False
    return True


def raw_json(raw: bytes) -> Any:
    """JSON bytes to be inserted unchanged into a value given to `encode`."""
    return msgspec.Raw(raw)


class Envelope(msgspec.Struct, gc=False):
    """The members of a record that ingest needs; msgspec skips all others without decoding them."""

    info: dict[str, Any] | None = None
    messageRecords: list[msgspec.Raw] | None = None  # noqa: N815  (LivePerson's name)


_read_envelope = msgspec.json.Decoder(Envelope).decode


def read_envelope(raw: bytes) -> Envelope | None:
    """A record's `info` and its undecoded messages; None if they have another shape or the fast library refuses."""
    try:
        return _read_envelope(raw)
    except _REFUSED:
        return None


def split_object(raw: bytes) -> dict[str, bytes]:
    """The exact bytes of each member of a JSON object. Raises ValueError."""
    try:
        return {key: bytes(part) for key, part in msgspec.json.decode(raw, type=dict[str, msgspec.Raw]).items()}
    except _REFUSED:
        return lenientjson.split_object(raw)


def split_array(raw: bytes) -> list[bytes]:
    """The exact bytes of each element of a JSON array. Raises ValueError."""
    try:
        return [bytes(part) for part in msgspec.json.decode(raw, type=list[msgspec.Raw])]
    except _REFUSED:
        return lenientjson.split_array(raw)
