"""The conversations of a simulated account, and what the Messaging Interactions API would say of them."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from archiver.encoding import decode, encode, raw_json, split_object
from archiver.model import from_ms, to_ms
from archiver.windows import RETENTION_MONTHS, ceil, floor, months_before

MOST_PER_PAGE = 100
LONGEST_RANGE_MONTHS = 3
DEFAULT_CONTENT = (
    "campaign", "messageRecords", "agentParticipants", "agentParticipantsLeave", "agentParticipantsActive",
    "consumerParticipants", "transfers", "interactions", "messageScores", "messageStatuses", "conversationSurveys",
    "coBrowseSessions", "summary", "sdes",
)  # fmt: skip
_TOKEN = re.compile(rb'"@([LST])(-?\d+)"')
_KNOWN_FILTERS = frozenset(("start", "status", "contentToRetrieve"))


class BadRequest(Exception):
    """What LivePerson would answer with 400."""


@dataclass(frozen=True, slots=True)
class Stored:
    id: str
    start_ms: int
    status: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """Records of one page, and how many the whole query has."""

    records: list[bytes]
    count: int


@dataclass(slots=True)
class World:
    """The conversations of one account, as of `clock`. `index_host` is the foreign host that hrefs name."""

    account: str
    clock: Callable[[], datetime]
    stored: list[Stored] = field(default_factory=list)
    by_id: dict[str, Stored] = field(default_factory=dict)

    def put(self, raw: bytes) -> None:
        """Adds a conversation, or replaces it by a newer record."""
        info = decode(split_object(raw)["info"])
        item = Stored(str(info["conversationId"]), int(info["startTimeL"]), str(info.get("status")), raw)
        old = self.by_id.get(item.id)
        if old:
            self.stored.remove(old)
        self.by_id[item.id] = item
        self.stored.insert(bisect_right(self.stored, item.start_ms, key=lambda other: other.start_ms), item)

    def fill(self, raws: Iterable[bytes]) -> None:
        """Adds many conversations at once."""
        for raw in raws:
            info = decode(split_object(raw)["info"])
            item = Stored(str(info["conversationId"]), int(info["startTimeL"]), str(info.get("status")), raw)
            self.by_id[item.id] = item
        self.stored = sorted(self.by_id.values(), key=lambda item: (item.start_ms, item.id))

    def search(self, body: dict[str, Any], offset: int, limit: int, *, descending: bool) -> Answer:
        """Method A. Raises BadRequest."""
        unknown = set(body) - _KNOWN_FILTERS
        if unknown:
            raise BadRequest(f"this simulator does not know the filter {sorted(unknown)[0]}")
        start, end = self._start_range(body)
        wanted = body.get("status") or ["OPEN", "CLOSE"]
        found = [item for item in self._between(start, end) if item.status in wanted]
        if descending:
            found.reverse()
        content = body.get("contentToRetrieve")
        records = [self._shown(item, content, is_full=False) for item in found[offset : offset + limit]]
        return Answer(records, len(found))

    def _start_range(self, body: dict[str, Any]) -> tuple[datetime, datetime]:
        """Inclusive bounds, rounded outward to 10 minutes; at most three months."""
        bounds = body.get("start")
        try:
            low, high = int(bounds["from"]), int(bounds["to"])  # type: ignore[index]
        except (TypeError, KeyError, ValueError):
            raise BadRequest("start.from and start.to are required, in epoch milliseconds") from None
        start, end = from_ms(low), self.clock() if high == -1 else from_ms(high)
        if end < start:
            raise BadRequest("start.to is before start.from")
        if months_before(end, LONGEST_RANGE_MONTHS) > start:
            raise BadRequest("the interval of start is longer than 3 months")
        return floor(start), ceil(end)

    def _between(self, start: datetime, end: datetime) -> list[Stored]:
        oldest = months_before(self.clock(), RETENTION_MONTHS)
        low = bisect_left(self.stored, to_ms(max(start, oldest)), key=lambda item: item.start_ms)
        high = bisect_right(self.stored, to_ms(min(end, self.clock())), key=lambda item: item.start_ms)
        return self.stored[low:high]

    def look_up(self, ids: Sequence[str], content: Sequence[str] | None) -> Answer:
        """Method B. Unknown ids are left out."""
        oldest = to_ms(months_before(self.clock(), RETENTION_MONTHS))
        found = [self.by_id[id_] for id_ in dict.fromkeys(ids) if id_ in self.by_id]
        kept = [self._shown(item, content, is_full=True) for item in found if item.start_ms >= oldest]
        return Answer(kept, len(kept))

    def _shown(self, item: Stored, content: Sequence[str] | None, *, is_full: bool) -> bytes:
        wanted = {"info", "pageView", *(DEFAULT_CONTENT if content is None else content)}
        parts = {name: part for name, part in split_object(item.raw).items() if name in wanted}
        if item.status == "OPEN":
            info = decode(parts["info"])
            info["duration"] = to_ms(self.clock()) - item.start_ms
            parts["info"] = encode(info)
        if not is_full:
            _cut_to_search(parts)
        return encode({name: raw_json(part) for name, part in parts.items()})


def _cut_to_search(parts: dict[str, bytes]) -> None:
    """What a search leaves out: thumbnails, and all SDEs of a type but the newest."""
    if b'"preview"' in parts.get("messageRecords", b""):
        messages = decode(parts["messageRecords"])
        for message in messages:
            message.get("messageData", {}).get("file", {}).pop("preview", None)
        parts["messageRecords"] = encode(messages)
    for name in ("sdes", "unAuthSdes"):
        if parts.get(name, b"").count(b'"sdeType"') > 1:
            section = decode(parts[name])
            newest: dict[str, Any] = {}
            for event in section.get("events", []):
                kept = newest.get(event.get("sdeType"))
                if kept is None or int(event.get("serverTimeStamp") or 0) >= int(kept.get("serverTimeStamp") or 0):
                    newest[event.get("sdeType")] = event
            parts[name] = encode({**section, "events": list(newest.values())})


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
