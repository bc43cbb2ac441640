"""Reads the text of a piece of HTML. Pure and total: any string has a text.

Tags are only told apart (WHATWG, HTML: Tokenization), no tree is built: trees make time and depth depend on the author.
The time is linear in the length of the HTML; times its logarithm, if it ends inside a tag or a comment.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from justhtml import stream

from archiver.value import Value

# Text inside these joins the text around it (WHATWG, HTML: Text-level semantics); every other tag separates words.
_INLINE = frozenset(
    (
        "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i",
        "ins", "kbd", "label", "mark", "nobr", "q", "rp", "rt", "ruby", "s", "samp", "small", "span", "strike",
        "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
    )
)  # fmt: skip
_CELLS = frozenset(("td", "th", "button", "option", "img", "input"))  # words of their own within one line
_END = "\uf8ff"  # for private use: no text that people wrote
_UNSEEN = frozenset(("script", "style", "template", "noscript"))


class HtmlText(Value):
    """What a reader sees of a piece of HTML, one line for each block. `text_with_links` has the address of each link in
    angle brackets behind its text, unless that is the address; `links` are the addresses.
    """

    text: str
    text_with_links: str
    links: tuple[str, ...]


def read_html(markup: str) -> HtmlText:
    """Reads a piece of HTML. What is not finished at the end, such as `a <b`, is text: the author may have meant it
    so.
    """
    end = _finished(markup)
    pieces = [*_pieces(markup[:end]), _Piece(markup[end:])]
    return HtmlText(
        text=_lines(piece.text for piece in pieces if not piece.is_address),
        text_with_links=_lines(piece.text for piece in pieces),
        links=tuple(dict.fromkeys(piece.link for piece in pieces if piece.link)),
    )


class _Piece(NamedTuple):
    text: str
    is_address: bool = False
    link: str = ""


def _lines(pieces: Iterable[str]) -> str:
    lines = (" ".join(line.split()) for line in "".join(pieces).split("\n"))
    return "\n".join(line for line in lines if line)


def _finished(markup: str) -> int:
    """Up to where the tags and comments of a piece of HTML are finished."""
    if any(kind == "text" and str(value).endswith(_END) for kind, value in stream(markup + _END)):
        return len(markup)
    starts, whole = [match.start() for match in re.finditer("<", markup)], _weight(markup)
    return starts[bisect_left(starts, whole, hi=len(starts) - 1, key=lambda start: _weight(markup[:start]))]


def _weight(markup: str) -> int:
    """A number that grows with each character of text and each tag. What is not finished adds nothing."""
    return sum(len(value) if kind == "text" else kind in ("start", "end") for kind, value in stream(markup))


def _pieces(markup: str) -> Iterator[_Piece]:
    unseen = address = link = ""
    for event in stream(markup):
        match event:
            case "text", str(text) if not unseen:
                link += text
                yield _Piece(" ".join(text.split("\n")))
            case "start", (str(tag), dict(attributes)):
                unseen = unseen or (tag if tag in _UNSEEN else "")
                yield _Piece(f"{_separator(tag)}{attributes.get('alt') or ''}")
                if tag == "a":
                    address, link = attributes.get("href") or "", ""
            case "end", str(tag):
                unseen = "" if tag == unseen else unseen
                if tag == "a" and address:
                    yield _Piece("" if address in link else f" <{address}>", is_address=True, link=address)
                    address = ""
                yield _Piece(_separator(tag))
    if address:  # a link that is never closed
        yield _Piece("" if address in link else f" <{address}>", is_address=True, link=address)


def _separator(tag: str) -> str:
    if tag in _INLINE or tag in _UNSEEN:
        return ""
    return " " if tag in _CELLS else "\n"
