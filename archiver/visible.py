"""Characters that steer, reverse or hide text, and which of them a text needs to be read."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Characters that steer a terminal, turn text around, break lines or cannot be seen: controls, marks of direction,
# separators, halves of surrogate pairs, joiners, fillers, variation selectors, tags and other formatting.
_UNSAFE = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_EMOJI = "\u00a9\u00ae\u2049\u203c\u2122\u2139\u2190-\u27ff\u2801-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_JOINING = "\u0620-\u0890\u0898-\u17b3\u17b6-\u180a\u1810-\u1cff\ua800-\uabff\U00010a00-\U00011fff\U0001e900-\U0001e95f"
_IDEOGRAPHS = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"


def _flag(region: str) -> str:
    """The emoji of a region's flag: a black flag, the region's letters as tags, and a last tag."""
    return "\U0001f3f4" + "".join(chr(0xE0000 + ord(letter)) for letter in region) + "\U000e007f"


# Some of them are needed to read what is around them, each just once and just there.
_NEEDED = re.compile(
    "|".join(
        (
            f"(?<=[{_JOINING}])[\u200c\u200d]",  # Persian, Indic and other scripts write words with them
            f"(?<=[{_EMOJI}\ufe0f])\u200d(?=[{_EMOJI}])",  # families, professions
            f"(?<=[{_EMOJI}])[\ufe0e\ufe0f]",  # a heart in colour
            "(?<=[0-9#*])\ufe0f(?=\u20e3)",  # key caps
            f"(?<=[{_IDEOGRAPHS}])[\ufe00-\ufe02\U000e0100-\U000e01ef]",  # variants of names
            "(?<=[\u1820-\u18aa])[\u180b-\u180f]",  # Mongolian
        )
    )
)
_FLAGS = "|".join(map(_flag, ("gbeng", "gbsct", "gbwls")))  # England, Scotland, Wales
_FLAG_OR_UNSAFE = re.compile(f"({_FLAGS})|[{_UNSAFE}]")


def safe(text: str) -> str:
    """The text with characters that steer, reverse or hide spelled out, as \\u200b. Line breaks and tabs stay, and so
    do joiners and variants inside emoji and words that are written with them.
    """
    return _FLAG_OR_UNSAFE.sub(_shown, text)


def _shown(match: re.Match[str]) -> str:
    if match[1] or _NEEDED.match(match.string, match.start()):
        return match[0]
    code = ord(match[0])
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def visible_pieces(text: str) -> Iterator[tuple[str, bool]]:
    """The text cut at such characters: (piece, whether it is one of them, spelled out)."""
    at = 0
    for match in _FLAG_OR_UNSAFE.finditer(text):
        shown = _shown(match)
        if shown == match[0]:
            continue
        if at < match.start():
            yield text[at : match.start()], False
        yield shown, True
        at = match.end()
    if at < len(text):
        yield text[at:], False
