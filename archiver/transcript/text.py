"""Reads the text that a person could see in a message of any kind. Pure and total: no content makes it fail.

Text is never altered; pieces of one message (a caption, the labels of buttons) are joined by line breaks.
"""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from archiver.jsontext import decode

# Parts of a message's containers that no reader sees: types, addresses, identifiers, thumbnails, what a click does.
_UNSEEN = frozenset(
    ("type", "id", "preview", "relativePath", "fileType", "click", "metadata", "url", "imageUrl", "tag", "rotator")
)
_FIRST = ("msg", "text", "title", "caption")
_INNER_JSON = ("richContent", "quickReplies")


def message_text(type_: str, data: Any) -> str:
    """All readable text of a record's `messageData`, each piece as written."""
    if type(data) is dict and len(data) == 1 and type_ != "TEXT_HTML":
        plain = data.get("msg")  # a shortcut for nearly every message, with the same result
        if type(plain) is dict and len(plain) == 1 and type(plain.get("text")) is str:
            return plain["text"] if plain["text"].strip() else ""
    pieces: list[str] = []
    for piece in _pieces(type_, data):
        if piece.strip() and (not pieces or pieces[-1] != piece):
            pieces.append(piece)
    return "\n".join(pieces)


def _pieces(type_: str, data: Any) -> Iterator[str]:
    if not isinstance(data, dict):
        yield from _leaves(data)
        return
    for name in sorted(data, key=_reading_order):
        container = data[name]
        if name in _INNER_JSON:
            yield from _leaves(_inner(container))
        elif name == "msg" and type_ == "TEXT_HTML":
            yield from map(html_text, _leaves(container))
        else:
            yield from _leaves(container)


def _reading_order(name: str) -> tuple[int, str]:
    return (_FIRST.index(name) if name in _FIRST else len(_FIRST), "" if name in _INNER_JSON else name)


def _inner(container: Any) -> Any:
    """Structured content is JSON inside a string, which may be broken: then the string itself is read."""
    content = container.get("content") if isinstance(container, dict) else container
    if not isinstance(content, str):
        return container
    try:
        return decode(content)
    except ValueError:
        return content


def _leaves(value: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and depth < 50:
        for item in value:
            yield from _leaves(item, depth + 1)
    elif isinstance(value, dict) and depth < 50:
        for name in sorted(value, key=_reading_order):
            if name not in _UNSEEN and not name.endswith("Id"):
                yield from _leaves(value[name], depth + 1)


class _HtmlReader(HTMLParser):
    _BREAKS = frozenset(("br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "ul", "ol", "table", "blockquote"))
    _SILENT = frozenset(("script", "style"))

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.silent += tag in self._SILENT
        if tag in self._BREAKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in self._SILENT and self.silent > 0
        if tag in self._BREAKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.parts.append(data)


def html_text(markup: str) -> str:
    """The text of a piece of HTML, one line for each block."""
    reader = _HtmlReader()
    reader.feed(markup)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.parts).split("\n"))
    return "\n".join(line for line in lines if line)


def summary_texts(text: str) -> tuple[str, ...]:
    """The notes of a summary, which is plain text or a JSON array of notes in a string."""
    if not text.strip():
        return ()
    if text.lstrip().startswith("["):
        try:
            notes = decode(text)
        except ValueError:
            return (text,)
        texts = tuple(note["noteContent"] for note in notes if _has_note(note))
        return texts or (text,)
    return (text,)


def _has_note(note: Any) -> bool:
    return isinstance(note, dict) and isinstance(note.get("noteContent"), str) and bool(note["noteContent"].strip())
