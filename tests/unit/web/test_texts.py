"""Texts of customers as pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.query import Snippet
from archiver.value import replace
from archiver.visible import safe
from archiver.web.texts import Piece, excerpt, pieces, plain

HOSTILE = st.sampled_from(
    ["\u202e", "\x00", "\x1b[31m", "\u200b", "http://a.example/x?y=1", "https://", "<b>", "é", "👩‍👩‍👧", " "]
)
TEXT = st.lists(HOSTILE | st.text(max_size=5), max_size=8).map("".join)


def _repeated(piece: Piece) -> Piece:
    """The piece with each of its hidden characters, which are counted."""
    sign, _, count = piece.text.partition(" × ")
    return replace(piece, text=sign * int(count)) if piece.is_hidden and count else piece


@given(TEXT, st.data())
def test_pieces_say_the_whole_text_with_what_hides_spelled_out_and_marks_where_they_are(
    text: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    found = pieces(Snippet(text, ((start, end),) if start < end else ()))
    found = [_repeated(piece) for piece in found]
    assert safe("".join(piece.text for piece in found)) == "".join(piece.text for piece in found)
    before, within, after = text[:start], text[start:end], text[end:]
    assert "".join(piece.text for piece in found) == safe(before) + safe(within) + safe(after) or "\u200d" in text
    assert any(piece.is_mark for piece in found) == (start < end)


@pytest.mark.parametrize(
    ("text", "href", "host"),
    [
        ("see https://example.com/a?b=1, please", "https://example.com/a?b=1", "example.com"),
        ("HTTP://EXAMPLE.COM:80/x.", "http://example.com:80/x", "example.com"),
        ("https://аррӏе.com/login", "https://xn--80ak6aa92e.com/login", "xn--80ak6aa92e.com"),
        ("https://straße-bank.de/a#b", "https://strasse-bank.de/a#b", "strasse-bank.de"),
        ("https://bank.example@evil.example/", "https://evil.example/", "evil.example"),
        ("(https://example.com/x)", "https://example.com/x", "example.com"),
    ],
)
def test_an_address_is_shown_with_its_host_in_plain_letters(text: str, href: str, host: str) -> None:
    (link,) = [piece for piece in plain(text) if piece.href]
    assert (link.href, link.host) == (href, host)


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)", "data:text/html,<script>", "//example.com", "ftp://example.com", "https://", "http://[::1",
        "https://％65vil.com", "https://%65vil.com/", "https://2130706433/", "https://127.1/", "https://x.com:99999999/",
        "https://[::1]/", "vbscript:x", "file:///etc/passwd", "https://exa\u202emple.com", "mailto:a@example.com",
    ],
)  # fmt: skip
def test_nothing_else_becomes_a_link(text: str) -> None:
    assert [piece.href for piece in plain(text) if piece.href] == []


def test_a_long_text_is_cut_around_its_first_mark() -> None:
    text = "a" * 5000 + " needle " + "b" * 5000
    found = excerpt(Snippet(text, ((5001, 5007),)))
    shown = "".join(piece.text for piece in found)
    assert [piece.text for piece in found if piece.is_mark] == ["needle"]
    assert shown.startswith("…")
    assert shown.endswith("…")
    assert len(shown) < 700


def test_a_very_long_text_is_cut_and_a_hidden_character_many_times_is_counted() -> None:
    cut = "".join(piece.text for piece in plain("a" * 50_000))
    assert len(cut) < 20_100
    assert "30,000 more characters" in cut
    assert [piece.text for piece in plain("a" + "\u200b" * 9_000 + "b")] == ["a", "\\u200b × 9,000", "b"]


def test_a_short_text_is_not_cut() -> None:
    assert "".join(piece.text for piece in excerpt(Snippet("short"))) == "short"
