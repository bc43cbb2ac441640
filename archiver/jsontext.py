"""Reads and writes JSON: the only module that uses the JSON library.

LivePerson's records contain whatever people typed, including halves of surrogate pairs and, after a truncation
elsewhere, bytes that are not UTF-8. The fast library refuses both, so each reader here falls back to the standard
library: a record is never lost because of one character.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_decode = msgspec.json.decode


def decode(raw: bytes | str) -> Any:
    """The value of a JSON text. Lone surrogates and bytes that are no UTF-8 become U+FFFD. Raises ValueError."""
    try:
        return _decode(raw)
    except (msgspec.MsgspecError, UnicodeError):
        text = raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
        return _clean(json.loads(text))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    return value


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
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def split_object(raw: bytes) -> dict[str, bytes]:
    """The exact bytes of each member of a JSON object. Raises ValueError."""
    try:
        parts = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeError):
        return _split_object_slowly(raw)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return {key: bytes(part) for key, part in parts.items()}


def split_array(raw: bytes) -> list[bytes]:
    """The exact bytes of each element of a JSON array. Raises ValueError."""
    try:
        return [bytes(part) for part in msgspec.json.decode(raw, type=list[msgspec.Raw])]
    except (msgspec.MsgspecError, UnicodeError):
        return _split_array_slowly(raw)
    except RecursionError:
        raise ValueError("nested too deeply") from None


# The slow readers take the bytes as Latin-1, where a character is a byte: the standard scanner's positions
# are then byte positions, and what cannot be decoded passes through untouched.
_BLANK = re.compile(r"[ \t\n\r]*")
_scan = json.JSONDecoder(strict=False).raw_decode


def _after_blanks(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at


def _expect(text: str, at: int, wanted: str) -> tuple[str, int]:
    """The wanted character found after blanks, and the position behind it."""
    at = _after_blanks(text, at)
    if at >= len(text) or text[at] not in wanted:
        raise ValueError(f"expected one of {wanted!r} at byte {at}")
    return text[at], at + 1


def _element(text: str, at: int) -> tuple[bytes, int]:
    start = _after_blanks(text, at)
    try:
        _, end = _scan(text, start)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return text[start:end].encode("latin-1"), end


def _is_empty(text: str, at: int, closing: str) -> bool:
    return text.startswith(closing, _after_blanks(text, at))


def _split_array_slowly(raw: bytes) -> list[bytes]:
    text = raw.decode("latin-1")
    _, at = _expect(text, 0, "[")
    parts: list[bytes] = []
    mark = "]" if _is_empty(text, at, "]") else ","
    while mark == ",":
        part, at = _element(text, at)
        parts.append(part)
        mark, at = _expect(text, at, ",]")
    return parts


def _split_object_slowly(raw: bytes) -> dict[str, bytes]:
    text = raw.decode("latin-1")
    _, at = _expect(text, 0, "{")
    parts: dict[str, bytes] = {}
    mark = "}" if _is_empty(text, at, "}") else ","
    while mark == ",":
        key, at = _element(text, at)
        _, at = _expect(text, at, ":")
        parts[str(decode(key))], at = _element(text, at)
        mark, at = _expect(text, at, ",}")
    return parts
