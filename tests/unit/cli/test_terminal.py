"""What customers wrote is shown, and can neither steer a terminal nor turn text around."""

from __future__ import annotations

import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.cli.terminal import exact, highlighted, one_line, safe
from archiver.query.matching import Snippet, merge

DIRECTIONS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
CONTROLS = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0)])).replace("\t", "").replace("\n", "")
SEPARATORS = "\u2028\u2029"  # which break lines where nobody looks for it
UNSAFE = DIRECTIONS + CONTROLS + SEPARATORS


@pytest.mark.parametrize("char", UNSAFE, ids=lambda char: f"U+{ord(char):04X}")
def test_a_character_that_steers_a_terminal_or_turns_text_around_is_spelled_out(char: str) -> None:
    spelled = f"\\u{ord(char):04x}"
    assert safe(f"pay{char}pal") == f"pay{spelled}pal"
    assert one_line(f"pay{char}pal") == f"pay{spelled}pal"
    assert highlighted(Snippet(f"pay{char}pal", ((3, 4),))) == f"pay»{spelled}«pal"


def test_two_ids_never_look_alike() -> None:
    ids = ["a b", "a\nb", "a\tb", "a  b", "a\u200bb", "ab"]
    assert len({exact(id_) for id_ in ids}) == len(ids)


def steers(char: str) -> bool:
    """As Unicode sees it: controls, explicit directions, marks of direction, lone surrogates, separators."""
    if char in "\t\n":
        return False
    is_direction = unicodedata.bidirectional(char) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    return is_direction or char in "\u061c\u200e\u200f" or unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")


# Formatting characters of Unicode that can be seen: signs at the digits of Arabic and other numbers, and the layout of
# hieroglyphs.
SEEN = [*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD, *range(0x13430, 0x13440)]
# Blank letters and marks, which only Unicode's list of ignorable characters tells apart, and the empty Braille pattern.
BLANK = frozenset(
    (
        0x34F,
        0x115F,
        0x1160,
        0x17B4,
        0x17B5,
        *range(0x180B, 0x1810),
        0x2065,
        0x2800,
        0x3164,
        *range(0xFE00, 0xFE10),
        0xFFA0,
        *range(0xFFF0, 0xFFF9),
        *range(0xE0000, 0xE1000),
    )
)


def hides(char: str) -> bool:
    return (unicodedata.category(char) == "Cf" and ord(char) not in SEEN) or ord(char) in BLANK


def test_of_all_characters_just_those_are_spelled_out_and_every_other_one_stays() -> None:
    changed = [char for char in map(chr, range(sys.maxunicode + 1)) if safe(char) != char]
    assert changed == [char for char in map(chr, range(sys.maxunicode + 1)) if steers(char) or hides(char)]


@pytest.mark.parametrize(
    "text",
    [
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian: I want
        "\u0915\u094d\u200d\u0937 \u0995\u09cd\u200c\u09a4",  # Hindi, Bengali
        "\U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f469\U0001f3fd\u200d\U0001f4bb \u2764\ufe0f\u200d\U0001f525",
        "\u2764\ufe0f 1\ufe0f\u20e3 #\ufe0f\u20e3 \u00a9\ufe0f \U0001f3f3\ufe0f\u200d\U0001f308",
        "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",  # Scotland
        "\u845b\U000e0100",  # a Japanese name
        "\u1820\u180b",
    ],
)
def test_joiners_and_variants_stay_where_emoji_and_words_are_written_with_them(text: str) -> None:
    assert safe(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("pay\u200bpal", "pay\\u200bpal"), ("pay\u200dpal", "pay\\u200dpal"), ("re\u00adfund", "re\\u00adfund"),
        ("a\ufe0fb", "a\\ufe0fb"), ("1\ufe0f2", "1\\ufe0f2"), ("\u2764\ufe0f\ufe0f", "\u2764\ufe0f\\ufe0f"),
        ("\u0645\u200c\u200c\u062e", "\u0645\u200c\\u200c\u062e"), ("\U0001f469\u200dx", "\U0001f469\\u200dx"),
        ("\U000e0041", "\\U000e0041"), ("\U0001f3f4\U000e0041\U000e007f", "\U0001f3f4\\U000e0041\\U000e007f"),
        ("\ufeffa\u3164\ufffb", "\\ufeffa\\u3164\\ufffb"),
    ],
)  # fmt: skip
def test_the_same_characters_are_spelled_out_where_they_only_hide(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_text_of_any_script_line_breaks_and_tabs_stay_as_they_are() -> None:
    text = "Grüße\tשלום\nمرحبا 你好 👩‍👩‍👧"
    assert safe(text) == text
    assert one_line("two\n lines\tand a tab ") == "two lines and a tab"


def test_what_could_turn_text_around_does_not_reach_the_screen_in_any_number() -> None:
    assert safe(UNSAFE * 2) == "".join(f"\\u{ord(char):04x}" for char in UNSAFE * 2)


LETTERS = "".join(chr(ord("a") + at % 26) for at in range(1_000))


def test_of_a_long_text_is_shown_what_stands_around_its_first_mark() -> None:
    shown = highlighted(Snippet(LETTERS, ((500, 510), (520, 523), (900, 910))))
    marked = f"»{LETTERS[500:510]}«{LETTERS[510:520]}»{LETTERS[520:523]}«"
    assert shown == f"…{LETTERS[440:500]}{marked}{LETTERS[523:680]}…"


def test_a_mark_at_the_begin_or_the_end_of_a_long_text_is_shown_up_to_there() -> None:
    assert highlighted(Snippet(LETTERS, ((0, 5),))) == f"»{LETTERS[:5]}«{LETTERS[5:240]}…"
    assert highlighted(Snippet(LETTERS, ((995, 1_000),))) == f"…{LETTERS[935:995]}»{LETTERS[995:]}«"


def test_a_short_text_is_shown_whole_on_one_line() -> None:
    assert highlighted(Snippet("a table\n\tfor  four", ((2, 7), (9, 12)))) == "a »table« »for« four"
    assert highlighted(Snippet(LETTERS[:240], ((100, 101),))).replace("»", "").replace("«", "") == LETTERS[:240]


@given(st.lists(st.tuples(st.integers(0, 990), st.integers(1, 300)), min_size=1, max_size=6))
def test_whatever_is_marked_the_first_mark_is_shown_whole_and_nothing_that_is_not_in_the_text(
    drawn: list[tuple[int, int]],
) -> None:
    marks = merge((start, min(start + length, 1_000)) for start, length in drawn)
    shown = highlighted(Snippet(LETTERS, marks))
    (start, end) = marks[0]
    assert shown.split("»")[1].split("«")[0] == LETTERS[start:end]
    assert re.sub("[»«…]", "", shown) in LETTERS
    assert len(shown) < 400 + end - start
