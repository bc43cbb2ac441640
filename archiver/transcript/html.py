"""Reads the text of a piece of HTML. Pure and total: any string has a text, in time linear in its length.

Tags are only told apart (WHATWG, HTML: Tokenization), no tree is built: trees make time and depth depend on the author.
"""

from __future__ import annotations

from collections.abc import Iterator

from justhtml import stream

# Text inside these joins the text around it (WHATWG, HTML: Text-level semantics); every other tag separates words.
_INLINE = frozenset(
    (
        "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i",
        "ins", "kbd", "label", "mark", "nobr", "q", "rp", "rt", "ruby", "s", "samp", "small", "span", "strike",
        "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
    )
)  # fmt: skip
_CELLS = frozenset(("td", "th", "button", "option", "img", "input"))  # words of their own within one line
_UNSEEN = frozenset(("script", "style", "template", "noscript"))


def html_text(markup: str) -> str:
    """What a reader sees, one line for each block; behind the text of a link its address, in angle brackets."""
    text = "".join(_pieces(markup))
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def _pieces(markup: str) -> Iterator[str]:
    unseen = address = link = ""
    for event in stream(markup):
        match event:
            case "text", str(text) if not unseen:
                link += text
                yield " ".join(text.split("\n"))
            case "start", (str(tag), dict(attributes)):
                unseen = unseen or (tag if tag in _UNSEEN else "")
                yield f"{_separator(tag)}{attributes.get('alt') or ''}"
                if tag == "a":
                    address, link = attributes.get("href") or "", ""
            case "end", str(tag):
                unseen = "" if tag == unseen else unseen
                if tag == "a" and address and address not in link:
                    yield f" <{address}>"
                yield _separator(tag)


def _separator(tag: str) -> str:
    if tag in _INLINE or tag in _UNSEEN:
        return ""
    return " " if tag in _CELLS else "\n"
