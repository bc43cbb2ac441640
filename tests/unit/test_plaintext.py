"""Text is read as other programs write it."""

from __future__ import annotations

import codecs

import pytest

from archiver.plaintext import text_of, utf8_lines

TEXT = "Grüße 日本"


@pytest.mark.parametrize(
    "raw",
    [
        TEXT.encode(), codecs.BOM_UTF8 + TEXT.encode(), codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
    ],
)  # fmt: skip
def test_a_byte_order_mark_is_no_part_of_a_text(raw: bytes) -> None:
    assert text_of(raw) == TEXT


@pytest.mark.parametrize("raw", [b"Gr\xfc\xdfe", TEXT.encode("utf-16-le"), codecs.BOM_UTF16_LE + b"\x00"])
def test_what_is_no_utf8_is_refused_with_what_to_do(raw: bytes) -> None:
    with pytest.raises(ValueError, match="save it as UTF-8"):
        text_of(raw)


def test_the_first_line_of_a_file_loses_its_mark_and_utf16_is_refused() -> None:
    assert list(utf8_lines([codecs.BOM_UTF8 + b"a\n", codecs.BOM_UTF8 + b"b\n"])) == [b"a\n", codecs.BOM_UTF8 + b"b\n"]
    with pytest.raises(ValueError, match="UTF-16"):
        list(utf8_lines([codecs.BOM_UTF16_LE + b"a\x00\n"]))
