"""HTML: one self-contained page for each conversation, to be read and printed, and a list of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from html import escape

from archiver.export.folder import Folder
from archiver.export.item import Item
from archiver.model import EPOCH, Event, Former, Message, Role, Transcript
from archiver.query import Expression, Snippet, marked
from archiver.rawrecord import as_text
from archiver.transcript import iso, kind_of
from archiver.visible import safe

_STYLE = """
body { font: 11pt/1.45 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; color: #111; }
h1 { font-size: 1.3rem; } h2 { font-size: 1rem; margin-top: 1.5rem; }
dl { display: grid; grid-template-columns: 11rem 1fr; } dt { color: #444; } dd { margin: 0; overflow-wrap: anywhere; }
ol { list-style: none; padding: 0; } p { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
li { break-inside: avoid; border-left: 3px solid #999; padding: .1rem 0 .1rem .8rem; margin: .6rem 0; }
li.customer { border-color: #2a6f97; } li.bot { border-style: dotted; } li.note { border: 2px dashed #8a1c1c; }
li.event, li.earlier { border: 0; color: #444; font-size: .92em; } .by { color: #444; font-size: .9em; }
mark { background: #ffe08a; color: #000; } table { border-collapse: collapse; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; vertical-align: top; }
@page { margin: 18mm; @bottom-right { content: counter(page) " / " counter(pages); } }
"""
_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
"""
_FOOT = "</body>\n</html>\n"


class HtmlFolder:
    """Writes them."""

    def __init__(self, folder: Folder, pages: HtmlPages) -> None:
        self._folder, self._pages = folder, pages

    def begin(self) -> None:
        head = _HEAD.format(title="Conversations", style=_STYLE)
        columns = "".join(
            f'<th scope="col">{name}</th>' for name in ("Start (UTC)", "Conversation", "Customer", "Skill")
        )
        self._index(f"{head}<h1>Conversations</h1>\n<table>\n<thead><tr>{columns}</tr></thead>\n<tbody>\n")

    def rest_before(self, _: Item) -> bool:
        return True

    def add(self, item: Item) -> None:
        if item.transcript:
            name = f"{item.file_stem}.html"
            self._folder.put(
                f"conversations/{name}", self._pages.page(item, item.transcript).encode("utf-8", "replace")
            )
            metadata = item.transcript.metadata
            people = ", ".join(person.name for person in metadata.consumers)
            link = f'<a href="conversations/{name}">{_text(item.id)}</a>'
            cells = (_moment(metadata.started_at, UTC), link, _text(people), _text(metadata.skill or ""))
            self._index(f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>\n")

    def end(self, count: int, unreadable: int) -> None:
        self._index(f"</tbody>\n</table>\n{_FOOT}")
        self._folder.finish("index.html")

    def _index(self, text: str) -> None:
        self._folder.growing("index.html").write(text.encode("utf-8", "replace"))


class HtmlPages:
    """Conversations as HTML. `zone`: the time zone beside UTC; `expression`: what is marked; `head`: the vault's."""

    def __init__(self, zone: tzinfo, expression: Expression | None, head: str) -> None:
        self._zone, self._expression, self._head = zone, expression, head

    def page(self, item: Item, transcript: Transcript) -> str:
        """The page of one conversation."""
        title = f"Conversation {item.id}"
        return page_around(title, f"<h1>{_text(title)}</h1>\n{self.section(item, transcript)}")

    def section(self, item: Item, transcript: Transcript, *, only_customer: bool = False) -> str:
        """Facts, messages and what stands beside them; or only what the customer wrote."""
        entries = [entry for entry in _in_order(transcript) if not only_customer or _is_by_customer(entry[1])]
        parts = [
            "<dl>",
            *(f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in self._facts(item, transcript)),
            "</dl>\n<ol>",
            *(self._entry(entry, number) for _, entry, number in entries),
            "</ol>",
            *(() if only_customer else _after(transcript)),
        ]
        return "\n".join(parts)

    def _facts(self, item: Item, transcript: Transcript) -> Iterator[tuple[str, str]]:
        metadata = transcript.metadata
        yield "Account", metadata.account
        yield "Started", self._both(metadata.started_at)
        yield "Ended", self._both(metadata.ended_at)
        for title, people in (("Customer", metadata.consumers), ("Agents", metadata.agents)):
            yield title, ", ".join(f"{person.name} ({person.role.value})" for person in people) or "unknown"
        known = (
            ("Skill", metadata.skill), ("Agent group", metadata.group), ("Status", metadata.status),
            ("Closed by", metadata.close_reason), ("Channel", metadata.source), ("Device", metadata.device),
            ("MCS", metadata.mcs), ("CSAT", metadata.csat), ("NPS", metadata.nps),
        )  # fmt: skip
        yield from ((name, f"{value}") for name, value in known if value is not None)
        if metadata.is_partial:
            yield "Partial", "LivePerson gave a part of this conversation only"
        if transcript.states:
            yield "Since then", f"{', '.join(transcript.states)} at LivePerson"
        yield "Messages", f"{len(transcript.messages):,}"
        yield "Vault entry", f"{item.record.seq}, fetched {item.record.fetched_at}"
        yield "Archive's head", self._head

    def _both(self, at: datetime | None) -> str:
        """A moment in both zones, or in UTC if the other one is the same."""
        if at is None:
            return "unknown"
        there = "" if str(self._zone) == "UTC" else f" ({_moment(at, self._zone)} {self._zone})"
        return f"{_moment(at, UTC)} UTC{there}"

    def _entry(self, entry: Message | Event | Former, number: int | None) -> str:
        if isinstance(entry, Event):
            return f'<li class="event">{_text(self._both(entry.at))} · {_text(entry.text)}</li>'
        if isinstance(entry, Former):
            label = f"earlier text of #{number}" if number else "a message that LivePerson shows no more"
            by = f"{entry.message.sender}, {label}, read until {self._both(entry.until)}"
            return f'<li class="earlier"><div class="by">{_text(by)}</div><p>{self._said(entry.message.text)}</p></li>'
        kind = kind_of(entry)
        by = f"#{number} {entry.sender} ({entry.role.value}{'' if kind == 'message' else f', {kind}'})"
        file = f'<p class="by">File {_text(entry.file)}: its content is not archived.</p>' if entry.file else ""
        said = f"<p>{self._said(entry.text)}</p>" if entry.text else ""
        role = f"{entry.role.value}{' note' if entry.is_private else ''}"
        return (
            f'<li class="{role}" id="m{number}"><div class="by">{_text(by)}, {_text(self._both(entry.sent_at))}</div>'
            f"{said}{file}</li>"
        )

    def _said(self, text: str) -> str:
        snippet = marked(text, self._expression) if self._expression is not None else Snippet(text)
        pieces = ((_text(piece), is_hit) for piece, is_hit in snippet.pieces())
        return "".join(f"<mark>{piece}</mark>" if is_hit else piece for piece, is_hit in pieces)


def page_around(title: str, content: str) -> str:
    """A whole page that needs nothing from elsewhere. `content` is HTML."""
    return f"{_HEAD.format(title=_text(title), style=_STYLE)}{content}\n{_FOOT}"


def _is_by_customer(entry: Message | Event | Former) -> bool:
    message = entry.message if isinstance(entry, Former) else entry
    return isinstance(message, Message) and message.role is Role.CUSTOMER


def _in_order(transcript: Transcript) -> list[tuple[datetime | None, Message | Event | Former, int | None]]:
    numbers = transcript.numbering()
    entries: list[tuple[datetime | None, Message | Event | Former, int | None]] = [
        (message.sent_at, message, number) for number, message in enumerate(transcript.messages, 1)
    ]
    entries += [(former.message.sent_at, former, numbers.get(former.message.id)) for former in transcript.former]
    entries += [(event.at, event, None) for event in transcript.events]
    return sorted(entries, key=lambda entry: (entry[0] is None, entry[0] or EPOCH))


def _after(transcript: Transcript) -> Iterator[str]:
    """Surveys, summaries and SDEs, below the messages."""
    if transcript.answers:
        pairs = ((answer.question or "?", answer.answer or "–") for answer in transcript.answers)
        yield _list("Survey", pairs)
    for summary in transcript.summaries:
        yield f"<h2>Summary</h2><p>{_text(summary)}</p>"
    for sde in transcript.sdes:
        doubt = "" if sde.is_authenticated else ", not authenticated"
        title = f"Engagement attribute {sde.type}{doubt}, {iso(sde.at) or 'at an unknown time'}"
        yield _list(title, ((path, as_text(value)) for path, value in sde.values))


def _list(title: str, pairs: Iterator[tuple[str, str]]) -> str:
    rows = "".join(f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in pairs)
    return f"<h2>{_text(title)}</h2><dl>{rows}</dl>"


def _moment(at: datetime | None, zone: tzinfo) -> str:
    try:
        return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}" if at else ""
    except OverflowError:  # beyond the years 1 to 9999 in that zone
        return f"{at:%Y-%m-%d %H:%M:%S}"


def _text(text: str) -> str:
    return escape(safe(text))
