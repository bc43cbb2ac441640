"""The conversations of a simulated account, and the responses of the Messaging Interactions API about them."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from archiver.jsontext import decode, encode, raw_json, split_object
from archiver.simulator.calendar import KEPT_MONTHS, from_ms, months_earlier, to_ms
from archiver.simulator.courses import Course
from archiver.simulator.filters import tests, updated_ms
from archiver.simulator.kinds import BadRequest, time_range
from archiver.simulator.values import items, number, section
from archiver.simulator.views import Item, Scheduled, Stored, View
from archiver.value import Value

MOST_PER_PAGE = 100
DEFAULT_CONTENT = (
    "campaign", "messageRecords", "agentParticipants", "agentParticipantsLeave", "agentParticipantsActive",
    "consumerParticipants", "transfers", "interactions", "messageScores", "messageStatuses", "conversationSurveys",
    "coBrowseSessions", "summary", "sdes",
)  # fmt: skip
_TOKEN = re.compile(rb'"@([LST])(-?\d+)"')
_ALWAYS = ("info",)
_STATUSES = frozenset(("OPEN", "CLOSE"))


class Selection(Value):
    """The records of one page, and how many records the whole query has."""

    records: list[bytes]
    count: int


@dataclass(slots=True)
class World:
    """The conversations of one account by `clock`; the API shows changes `delay` late, and conversations until
    `kept_months` after their start.
    """

    account: str
    clock: Callable[[], datetime]
    delay: timedelta = timedelta(0)
    kept_months: int = KEPT_MONTHS
    stored: list[Item] = field(default_factory=list)
    by_id: dict[str, Item] = field(default_factory=dict)

    def put(self, raw: bytes) -> None:
        """Adds a conversation, or replaces it by a newer record."""
        item = _stored(raw)
        old = self.by_id.get(item.id)
        if old:
            self.stored.remove(old)
            item = Stored(item.id, item.start_ms, item.raw, to_ms(self.clock()))
        self.by_id[item.id] = item
        self.stored.insert(bisect_right(self.stored, item.start_ms, key=lambda other: other.start_ms), item)

    def fill(self, raws: Iterable[bytes]) -> None:
        """Adds many conversations at once."""
        self._add(_stored(raw) for raw in raws)

    def schedule(self, courses: Iterable[Course]) -> None:
        """Adds conversations that change with the clock."""
        self._add(Scheduled(course) for course in courses)

    def _add(self, added: Iterable[Item]) -> None:
        self.by_id.update((item.id, item) for item in added)
        self.stored = sorted(self.by_id.values(), key=lambda item: (item.start_ms, item.id))

    def search(self, body: dict[str, Any], offset: int, limit: int, *, order: str, version: int = 2) -> Selection:
        """Method A. Raises BadRequest."""
        now = self.clock()
        start, end = time_range(body.get("start"), now, "start")
        holding = tests(body, now)
        views = [view for view in self._between(start, end) if all(test(view) for test in holding)]
        if order.startswith("end"):
            views.sort(key=lambda view: number(view.info.get("endTimeL")) or 0)
        if order.endswith("desc"):
            views.reverse()
        shape = _Shape(body, version, now)
        return Selection([shape.searched(view) for view in views[offset : offset + limit]], len(views))

    def _between(self, start: datetime, end: datetime) -> list[View]:
        seen_at = self.clock() - self.delay
        low = bisect_left(self.stored, to_ms(max(start, self._oldest())), key=lambda item: item.start_ms)
        high = bisect_right(self.stored, to_ms(min(end, seen_at)), key=lambda item: item.start_ms)
        return [item.at(seen_at) for item in self.stored[low:high]]

    def _oldest(self) -> datetime:
        return months_earlier(self.clock(), self.kept_months)

    def look_up(self, ids: Sequence[str], body: dict[str, Any], version: int = 2) -> Selection:
        """Method B. Unknown ids are left out."""
        now, oldest = self.clock(), to_ms(self._oldest())
        seen_ms = to_ms(now - self.delay)
        present = [self.by_id[id_] for id_ in dict.fromkeys(ids) if id_ in self.by_id]
        views = [item.at(now - self.delay) for item in present if oldest <= item.start_ms <= seen_ms]
        shape = _Shape(body, version, now)
        kept = [shape.full(view) for view in views]
        return Selection(kept, len(kept))

    def of_consumer(self, body: dict[str, Any], offset: int, limit: int, version: int = 2) -> Selection:
        """Method C. Raises BadRequest."""
        consumer, statuses = body.get("consumer"), body.get("status")
        if not isinstance(consumer, str) or not consumer:
            raise BadRequest("consumer is required")
        if not isinstance(statuses, list) or not statuses or not set(statuses) <= _STATUSES:
            raise BadRequest("status is required: OPEN, CLOSE or both")
        now = self.clock()
        views = [
            view
            for view in self._between(self._oldest(), now)
            if view.info.get("status") in statuses and consumer in _consumers(view)
        ]
        shape = _Shape(body, version, now)
        return Selection([shape.searched(view) for view in views[offset : offset + limit]], len(views))


def _stored(raw: bytes) -> Stored:
    info = decode(split_object(raw)["info"])
    return Stored(str(info["conversationId"]), int(info["startTimeL"]), raw, updated_ms(info))


def _consumers(view: View) -> set[str]:
    return {str(item.get("participantId")) for item in items(view.record, "consumerParticipants")}


class _Shape:
    """Which parts of a record a response contains: the requested sections, and SDEs by version and capping."""

    def __init__(self, body: dict[str, Any], version: int, now: datetime) -> None:
        content = body.get("contentToRetrieve")
        self._wanted = {*_ALWAYS, *(DEFAULT_CONTENT if content is None else content)}
        self._version = version
        self._now = now
        self._capping = body.get("cappingConfiguration")
        self._selected_only = body.get("selectedIntentOnly") is True

    def full(self, view: View) -> bytes:
        """The record as a look-up by id returns it."""
        return self._joined(self._parts(view))

    def searched(self, view: View) -> bytes:
        """The record as a search returns it: without thumbnails, and only the newest SDE of each type."""
        parts = self._parts(view)
        if b'"preview"' in parts.get("messageRecords", b""):
            parts["messageRecords"] = _without_thumbnails(parts["messageRecords"])
        for name in ("sdes", "unAuthSdes"):
            if parts.get(name, b"").count(b'"sdeType"') > 1:
                parts[name] = _capped(parts[name], _most(self._capping))
        return self._joined(parts)

    def _parts(self, view: View) -> dict[str, bytes]:
        parts = {name: part for name, part in split_object(view.raw).items() if name in self._wanted}
        if view.is_open:  # until the moment of the request
            parts["info"] = encode({**view.info, "duration": to_ms(self._now) - view.start_ms})
        if self._selected_only and "intents" in parts:
            intents = items(view.record, "intents")
            parts["intents"] = encode([_without(intent, "allClassifications") for intent in intents])
        if self._version == 1:
            parts.pop("unAuthSdes", None)
            if "sdes" in parts:
                parts["sdes"] = encode(_as_texts(decode(parts["sdes"])))
        return parts

    def _joined(self, parts: dict[str, bytes]) -> bytes:
        return encode({name: raw_json(part) for name, part in parts.items()})


def _without(record: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != name}


def _without_thumbnails(raw: bytes) -> bytes:
    messages = decode(raw)
    for message in messages:
        section(section(message, "messageData"), "file").pop("preview", None)
    return encode(messages)


def _most(capping: Any) -> dict[str, int]:
    """How many SDEs of a type: `LeadEvent:10:desc,…` in the form that LivePerson's own workspace uses."""
    counts: dict[str, int] = {}
    for part in str(capping or "").split(","):
        name, _, rest = part.partition("Event:")
        if rest:
            counts[name.lower()] = int(rest.split(":")[0])
    return counts


def _capped(raw: bytes, most: dict[str, int]) -> bytes:
    """The newest events of each type, by default one."""
    payload = decode(raw)
    kept: dict[str, list[dict[str, Any]]] = {}
    for event in sorted(items(payload, "events"), key=lambda event: -(number(event.get("serverTimeStamp")) or 0)):
        kind = str(event.get("sdeType"))
        of_kind = kept.setdefault(kind, [])
        if len(of_kind) < most.get(kind.replace("_", "").lower(), 1):
            of_kind.append(event)
    return encode({**payload, "events": [event for events in kept.values() for event in events]})


def _as_texts(value: Any) -> Any:
    """Version 1 of the API writes every value of an SDE as a string."""
    if isinstance(value, dict):
        return {name: _as_texts(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_as_texts(item) for item in value]
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def at_anchor(lines: Iterable[bytes], anchor: datetime) -> Iterator[bytes]:
    """Raw records whose times are offsets (`"@L-5"`, `"@S-5"`, `"@T-5"`), moved to an anchor."""
    base_ms = to_ms(anchor)

    def spell(token: re.Match[bytes]) -> bytes:
        ms = base_ms + int(token[2])
        if token[1] == b"L":
            return b"%d" % ms
        if token[1] == b"T":
            return b'"%d"' % ms
        moment = from_ms(ms)
        return f'"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d}+0000"'.encode()

    for line in lines:
        if line.strip():
            yield _TOKEN.sub(spell, line.strip())
