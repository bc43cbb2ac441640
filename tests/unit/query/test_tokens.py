from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.query.tokens import LONGEST_TOKEN_BYTES, tokens, words

SAME = [
    ("Straße", "strasse"), ("ﬁnance", "finance"), ("ＡＢＣ", "abc"), ("ｶﾞｷﾞ", "ガギ"), ("İstanbul", "istanbul"),
    ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"), ("ещё", "еще"), ("đặt", "dat"), ("smørrebrød", "smorrebrod"), ("don’t", "don't"),
    ("cafe\u0301", "café"), ("C++", "c"), ("مرحبًا", "مرحبا"), ("\u1112\u1161\u11ab", "한"),
    ("👍🏽", "👍"), ("👋🏿", "👋🏻"), ("مـــرحـبا", "مرحبا"), ("٢٠٢٦", "2026"), ("३४", "34"),
    ("๓๔", "34"), ("۱۲۳", "123"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "asked"), SAME)
def test_spellings_that_readers_take_for_the_same_are_the_same_words(written: str, asked: str) -> None:
    assert words(written) == words(asked) != []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("e-mail john.doe@example.com", ["e", "mail", "john", "doe", "example", "com"]),
        ("東京都か", ["東", "京", "都", "か"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("ok👍🏽👨‍👩‍👧", ["ok", "👍", "👨", "👩", "👧"]),
        ("soft\u00adhyphen zero\u200bwidth", ["softhyphen", "zero", "width"]),
        ("snake_case", ["snake", "case"]),
        ("-- & ()", []),
    ],
)
def test_text_is_cut_where_readers_of_its_script_would_cut_it(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(st.text())
def test_spans_lie_in_the_text_in_order_and_words_are_the_tokens_texts(text: str) -> None:
    found = tokens(text)
    assert [token.text for token in found] == words(text)
    assert all(0 <= token.start < token.end <= len(text) for token in found)
    assert [token.start for token in found] == sorted(token.start for token in found)


@given(st.text())
def test_words_are_their_own_words(text: str) -> None:
    for word in words(text):
        assert "".join(words(word)) == word


@given(st.text(alphabet="abc é-", max_size=40))
def test_every_span_holds_what_its_token_says(text: str) -> None:
    for token in tokens(text):
        assert words(text[token.start : token.end]) == [token.text]


def test_a_very_long_word_is_cut_not_dropped() -> None:
    for letter in "aé語"[:2]:
        (token,) = tokens(letter * 1000)
        assert (token.start, token.end) == (0, 1000)
        assert len(token.text.encode()) <= LONGEST_TOKEN_BYTES
        assert words(letter * 1000) == [token.text]


@given(st.text() | st.text(st.characters(min_codepoint=0x250, max_codepoint=0x11FFF)))
def test_words_are_the_texts_of_the_tokens(text: str) -> None:
    assert words(text) == [token.text for token in tokens(text)]


def test_a_mark_holds_the_whole_emoji_with_its_skin_tone() -> None:
    (token,) = tokens("ok👍🏽!")[1:]
    assert (token.start, token.end) == (2, 4)
