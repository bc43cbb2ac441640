"""Reads what a person could read in a message of any kind. Pure and total: no content makes it fail.

Text is never altered. Each piece of a message has a zone: what was typed or spoken, what stands on a card, a name or
caption of a file, the address of a link.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from archiver.jsontext import decode
from archiver.model import Part, Zone
from archiver.rawrecord import as_text, written

# Parts of a message's containers that no reader sees: types, addresses, identifiers, thumbnails, what a click does.
_UNSEEN = frozenset(
    ("type", "id", "preview", "relativePath", "fileType", "click", "metadata", "url", "imageUrl", "tag", "rotator")
)
_FIRST = ("msg", "text", "title", "caption")
_INNER_JSON = ("richContent", "quickReplies")
_ADDRESSES = frozenset(("externalFileLink", "url", "uri", "href", "link"))
_ZONES = {"richContent": Zone.CARD, "quickReplies": Zone.CARD, "secureForm": Zone.CARD, "link": Zone.CARD,
          "file": Zone.FILE}  # fmt: skip


class _Piece(NamedTuple):
    """A piece of a message. `shown` is how it stands in the message's text; empty if it does not."""

    zone: Zone
    text: str
    shown: str


def message_text(type_: str, data: Any) -> str:
    """All readable text of a record's `messageData`, each piece as written, joined by line breaks."""
    plain = _plain_text(type_, data)
    return plain if plain is not None else _shown(_pieces(type_, data))


def read_message(type_: str, data: Any) -> tuple[str, tuple[Part, ...]]:
    """The text of a message (`message_text`), and its parts by zone."""
    plain = _plain_text(type_, data)
    if plain is not None:
        return plain, (Part(Zone.SAID, plain),) if plain else ()
    pieces = [piece for piece in _pieces(type_, data) if piece.text.strip()]
    return _shown(pieces), tuple(dict.fromkeys(Part(piece.zone, piece.text) for piece in pieces))


def _plain_text(type_: str, data: Any) -> str | None:
    """A shortcut for nearly every message: the text of one that is nothing else."""
    if type(data) is dict and len(data) == 1 and type_ != "TEXT_HTML":
        plain = data.get("msg")
        if type(plain) is dict and len(plain) == 1 and type(plain.get("text")) is str:
            return plain["text"] if plain["text"].strip() else ""
    return None


def _shown(pieces: Iterable[_Piece]) -> str:
    lines: list[str] = []
    for piece in pieces:
        if piece.shown.strip() and (not lines or lines[-1] != piece.shown):
            lines.append(piece.shown)
    return "\n".join(lines)


def _pieces(type_: str, data: Any) -> Iterator[_Piece]:
    if not isinstance(data, dict):
        yield from (_Piece(Zone.SAID, text, text) for text in _leaves(data))
        return
    for name in sorted(data, key=_reading_order):
        container, zone = data[name], _ZONES.get(name, Zone.SAID)
        if name == "msg" and type_ == "TEXT_HTML":
            yield from _of_html(container)
            continue
        content = _inner(container) if name in _INNER_JSON else container
        yield from (_Piece(zone, text, text) for text in _leaves(content, is_text=name == "msg", without=_ADDRESSES))
        yield from _addresses(content, is_shown=name not in _INNER_JSON)
        yield from (_Piece(zone, text, "") for text in _published(content))
        if name == "file":
            yield from _file_name(container)


def _of_html(container: Any) -> Iterator[_Piece]:
    from archiver.transcript.html import read_html  # few messages are HTML, and its library takes long to load

    for markup in _leaves(container, is_text=True):
        read = read_html(markup)
        yield _Piece(Zone.SAID, read.text, read.text_with_links)
        yield from (_Piece(Zone.LINK, address, "") for address in read.links)


def _addresses(value: Any, *, is_shown: bool) -> Iterator[_Piece]:
    """The addresses that links and buttons lead to."""
    if isinstance(value, list):
        for item in value:
            yield from _addresses(item, is_shown=is_shown)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name in _ADDRESSES and isinstance(item, str) and (name != "url" or _is_link(value)):
                yield _Piece(Zone.LINK, item, item if is_shown else "")
            elif name not in ("preview", "imageUrl"):
                yield from _addresses(item, is_shown=is_shown)


def _published(value: Any) -> Iterator[str]:
    """The texts that a click publishes, as if the customer had typed them (Rich messaging, Element actions)."""
    if isinstance(value, list):
        for item in value:
            yield from _published(item)
    elif isinstance(value, dict):
        if value.get("type") == "publishText" and isinstance(value.get("text"), str):
            yield value["text"]
        for item in value.values():
            yield from _published(item)


def _is_link(value: dict[str, Any]) -> bool:
    """Whether the `url` of an object leads somewhere; that of a picture is where it is loaded from."""
    return value.get("type") not in ("image", "video", "audio")


def _file_name(container: Any) -> Iterator[_Piece]:
    path = container.get("relativePath") if isinstance(container, dict) else None
    if isinstance(path, str):
        yield _Piece(Zone.FILE, path.rsplit("/", 1)[-1], "")


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


def _leaves(value: Any, *, is_text: bool = False, without: frozenset[str] = frozenset()) -> Iterator[str]:
    """The texts below a value; numbers only where a text belongs (`is_text`); not the texts that `without` names."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, is_text=is_text, without=without)
    elif isinstance(value, dict):
        for name in sorted(value, key=_reading_order):
            is_left_out = name in without and isinstance(value[name], str)
            if name not in _UNSEEN and not is_left_out and not name.endswith("Id"):
                yield from _leaves(value[name], is_text=name in _FIRST, without=without)
    elif is_text and isinstance(value, int | float):
        yield as_text(value)


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
