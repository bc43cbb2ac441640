"""From text to tokens with their spans in the text as written: one analysis for every store, the query and the marks.

Text is folded first (compatibility forms, case, accents of any alphabet, digits of any writing, stretched Arabic
letters, skin tones of emoji; the signs of Indic, Thai and kana writing stay), then cut: each character of Chinese,
Japanese, Korean, Thai, Lao, Khmer and Myanmar writing and each emoji is a token of its own, everything else is a run of
letters, digits and marks. No stop words, no stemming.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from enum import Enum
from functools import cache, lru_cache
from typing import NamedTuple

TOKENS_VERSION = 2  # part of every index's name: raise it when a token of any text changes
LONGEST_TOKEN_BYTES = 255
_SURELY_SHORT = LONGEST_TOKEN_BYTES // 4  # characters; longer words are cut
_LONG_WORD = re.compile(rf"\S{{{_SURELY_SHORT + 1}}}")


class Token(NamedTuple):
    """A folded word and its position: `[start, end)` in code points of the text as written."""

    text: str
    start: int
    end: int


class _Kind(Enum):
    WORD = 0  # continues a run
    SINGLE = 1  # a token of its own
    SIGN = 2  # joins the token before it
    NOTHING = 3  # is dropped without ending a run
    GAP = 4


_ASCII_WORD = re.compile("[a-z0-9]+")
_FOREIGN = re.compile("[^\0-\x7f]+")
_REMEMBERED = 1_000  # words of queries
# What `bytes.translate` makes of each byte of a text in ASCII: letters in lower case, digits, blanks.
_ASCII = bytes(ord(char.lower()) if char.isascii() and char.isalnum() else ord(" ") for char in map(chr, range(256)))
_SINGLE_SCRIPTS = frozenset(
    ("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "IDEOGRAPHIC", "BOPOMOFO", "THAI", "LAO", "KHMER", "MYANMAR")
)
# Letters that Unicode does not decompose but that readers treat as the plain letter.
_PLAIN = {
    "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ĸ": "k", "ł": "l", "ø": "o", "ŧ": "t", "æ": "ae", "œ": "oe", "þ": "th",
    "ƀ": "b", "ɨ": "i", "ʉ": "u", "ɵ": "o", "ʼ": "'", "ˈ": "'", "ʹ": "'",
}  # fmt: skip
_STRETCH = (0x0640, 0x07FA)  # lengthens the line between the letters of an Arabic or N'Ko word
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_LEADING_JAMO, _OTHER_JAMO = (0x1100, 0x1160), (0x1160, 0x1200)


@cache
def _fold(char: str) -> tuple[tuple[str, _Kind], ...]:
    """What one character as written becomes: folded characters with their kinds."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold())
    plain = "".join(_plain(part) for part in folded)
    return tuple((part, _kind(part)) for part in plain)


def _plain(char: str) -> str:
    """The letter or digit that readers take it for."""
    return str(unicodedata.decimal(char)) if char.isdecimal() else _PLAIN.get(char, char)


def _kind(char: str) -> _Kind:
    category, code = unicodedata.category(char), ord(char)
    if category[0] == "M":
        return _Kind.SIGN if _is_kept_sign(code) else _Kind.NOTHING
    if category == "Cf" or code in _STRETCH or code in _SKIN_TONES:
        return _Kind.NOTHING if code != 0x200B else _Kind.GAP
    if _LEADING_JAMO[0] <= code < _LEADING_JAMO[1]:
        return _Kind.SINGLE
    if _OTHER_JAMO[0] <= code < _OTHER_JAMO[1]:
        return _Kind.SIGN
    if category == "So" or (category[0] in "LN" and unicodedata.name(char, "").split(" ")[0] in _SINGLE_SCRIPTS):
        return _Kind.SINGLE
    return _Kind.WORD if category[0] in "LN" else _Kind.GAP


def _is_kept_sign(code: int) -> bool:
    """Vowel signs and similar marks, without which a word is another word."""
    return 0x07A6 <= code <= 0x07B0 or 0x0900 <= code < 0x1AB0 or 0x1B00 <= code < 0x1DC0 or _is_far_sign(code)


def _is_far_sign(code: int) -> bool:
    return code in (0x3099, 0x309A) or 0xA800 <= code < 0xAC00 or 0x11000 <= code < 0x12000


def tokens(text: str) -> list[Token]:
    """The tokens of a text in order. Accepts any string; the result may be empty."""
    found: list[Token] = []
    for piece, start in _pieces(text):
        if piece.isascii():
            words = _ASCII_WORD.finditer(piece.lower())
            found += [Token(_cut(word[0]), start + word.start(), start + word.end()) for word in words]
        else:
            found += _Cutter().cut(piece, start)
    return found


def places_of(word: str, text: str, *, is_prefix: bool) -> Iterator[tuple[int, int]]:
    """The spans of the tokens of a text that are a token, or begin like it; without looking at other tokens."""
    pattern = _pattern_of(word, is_prefix) if word.isascii() else None
    for piece, start in _pieces(text):
        if not piece.isascii() or len(word) > _SURELY_SHORT:
            for token in tokens(piece):
                if token.text.startswith(word) if is_prefix else token.text == word:
                    yield start + token.start, start + token.end
        elif pattern:
            yield from ((start + at.start(), start + at.end()) for at in pattern.finditer(piece.lower()))


@lru_cache(_REMEMBERED)
def _pattern_of(word: str, is_prefix: bool) -> re.Pattern[str]:
    return re.compile(f"(?<![a-z0-9]){re.escape(word)}{'[a-z0-9]*' if is_prefix else '(?![a-z0-9])'}")


def _pieces(text: str) -> Iterator[tuple[str, int]]:
    """The text cut at blanks, which end every token: pieces with letters beyond ASCII, and what lies between them."""
    at = 0
    for foreign in _FOREIGN.finditer(text):
        if foreign.start() < at:
            continue
        start = max(text.rfind(" ", at, foreign.start()) + 1, at)
        end = text.find(" ", foreign.end()) % (len(text) + 1)
        yield text[at:start], at
        yield text[start:end], start
        at = end
    yield text[at:], at


def words(text: str) -> list[str]:
    """The folded words alone."""
    return indexed(text).split()


def indexed(text: str) -> str:
    """The folded words as an index takes them: apart from one another by one or several blanks; blank for none."""
    folded = _folded_ascii(text) if text.isascii() else _folded(text)
    return " ".join(map(_cut, folded.split())) if _has_long_word(folded) else folded


def folded_in_place(text: str) -> str | None:
    """The folded words between blanks, each at the place where the text has it; None if they are not as long there."""
    folded = _folded_ascii(text) if text.isascii() else None
    return None if folded is None or _has_long_word(folded) else folded


def _folded_ascii(text: str) -> str:
    return text.encode().translate(_ASCII).decode()


def _has_long_word(folded: str) -> bool:
    return len(folded) > _SURELY_SHORT and _LONG_WORD.search(folded) is not None


def _folded(text: str) -> str:
    """The folded words between blanks: the same as `_Cutter` without positions, by a table, many times faster."""
    folded = text.translate(_REPLACEMENTS)
    if _AFTER_SINGLE in folded:
        folded = _SIGNS_AFTER_SINGLE.sub(r"\1 ", folded)
    return folded.replace(_BEFORE_SIGN, "")


# Marks of a character's kind in a text on its way through `_folded`; a text's own are gaps by then.
_AFTER_SINGLE, _BEFORE_SIGN = "\x01", "\x02"
_SIGNS_AFTER_SINGLE = re.compile("\x01((?:\x02.)*)", re.DOTALL)
_MARKED = {
    _Kind.WORD: "{}",
    _Kind.SINGLE: " {}" + _AFTER_SINGLE,
    _Kind.SIGN: _BEFORE_SIGN + "{}",
    _Kind.NOTHING: "",
    _Kind.GAP: " ",
}


class _Replacements(dict[int, str]):
    """For `str.translate`: computes each character's replacement at its first use."""

    def __missing__(self, code: int) -> str:
        self[code] = "".join(_MARKED[kind].format(part) for part, kind in _fold(chr(code)))
        return self[code]


_REPLACEMENTS = _Replacements()


def _cut(word: str) -> str:
    if len(word) * 4 <= LONGEST_TOKEN_BYTES:
        return word
    return word.encode()[:LONGEST_TOKEN_BYTES].decode("utf-8", "ignore")


class _Cutter:
    def __init__(self) -> None:
        self.found: list[Token] = []
        self.chars: list[str] = []
        self.start = self.end = 0
        self.is_single = False

    def cut(self, text: str, start: int) -> list[Token]:
        """The tokens of a text that begins at a position of another."""
        for at, char in enumerate(text, start):
            for part, kind in _fold(char):
                self._take(part, kind, at)
            if self.chars and (unicodedata.combining(char) or ord(char) in _SKIN_TONES):
                self.end = at + 1  # what is dropped still belongs to the span of its letter or emoji
        self._finish()
        return self.found

    def _take(self, part: str, kind: _Kind, at: int) -> None:
        if kind is _Kind.NOTHING:
            return
        if kind is _Kind.GAP or kind is _Kind.SINGLE or (kind is _Kind.WORD and self.is_single):
            self._finish()
        if kind is _Kind.GAP:
            return
        if not self.chars:
            self.start, self.is_single = at, kind is _Kind.SINGLE
        self.chars.append(part)
        self.end = at + 1

    def _finish(self) -> None:
        if self.chars:
            self.found.append(Token(_cut("".join(self.chars)), self.start, self.end))
            self.chars = []
            self.is_single = False
