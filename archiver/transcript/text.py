"""Reads the text that a person could see in a message of any kind. Pure and total: no content makes it fail.

Text is never altered; pieces of one message (a caption, the labels of buttons) are joined by line breaks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archiver.jsontext import decode
from archiver.rawrecord import as_text, written

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
            yield from map(_html_text, _leaves(container, is_text=True))
        else:
            yield from _leaves(container, is_text=name == "msg")


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


def _leaves(value: Any, *, is_text: bool = False) -> Iterator[str]:
    """The texts below a value; numbers only where a text belongs (`is_text`)."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, is_text=is_text)
    elif isinstance(value, dict):
        for name in sorted(value, key=_reading_order):
            if name not in _UNSEEN and not name.endswith("Id"):
                yield from _leaves(value[name], is_text=name in _FIRST)
    elif is_text and isinstance(value, int | float):
        yield as_text(value)


def _html_text(markup: str) -> str:
    from archiver.transcript.html import html_text  # few messages are HTML, and its library takes long to load

    return html_text(markup)


def summary_texts(summary: Any) -> tuple[str, ...]:
    """The notes of a summary: a text, a JSON array of notes in a string, or a list."""
    notes = summary
    if isinstance(summary, str) and summary.lstrip().startswith("["):
        try:
            notes = decode(summary)
        except ValueError:
            return (summary,)
    if not isinstance(notes, list):
        notes = [notes]
    texts = [note if isinstance(note, str) else written(_content(note)) for note in notes]
    return tuple(text for text in texts if text and text.strip())


def _content(note: Any) -> Any:
    return note.get("noteContent") if isinstance(note, dict) and "noteContent" in note else note
