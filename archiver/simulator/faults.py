"""Faults between a client and the simulated account, on demand."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx

from archiver.jsontext import decode
from archiver.simulator.access import answer, error
from archiver.simulator.services import Simulator
from archiver.value import Value

Respond = Callable[[httpx.Request], httpx.Response]
PLACES = {
    "any": "/",
    "domain": "/service/",
    "token": "/app/token",
    "login": "/login",
    "refresh": "/refresh",
    "search": "/conversations/search",
    "by-id": "/conversation/search",
    "consumer": "/consumer/search",
}


class Cut(httpx.ReadError):
    """The connection breaks: `sent` bytes of `response`, including its head, arrive; None: none at all."""

    def __init__(self, request: httpx.Request, response: httpx.Response, sent: int | None) -> None:
        super().__init__("the connection was cut", request=request)
        self.response = response
        self.sent = sent


class Fault(Value):
    """One kind of fault at one place: hits every `every`th request after the first `after`, `times` times (None:
    always).
    """

    kind: str
    place: str = "search"
    after: int = 0
    every: int = 1
    times: int | None = 1
    wait_s: float | None = None
    wait_as: str = "seconds"


@dataclass(slots=True)
class Faults:
    """A simulator that answers with the planned faults; each request gets the first fault that is due."""

    simulator: Simulator
    planned: Iterable[Fault]
    sleep: Callable[[float], None] = time.sleep
    _left: list[_Planned] = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._left = [_Planned(fault) for fault in self.planned]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            due = [planned for planned in self._left if planned.meets(request)]
            if due:
                due[0].done += 1
        if not due:
            return self.simulator(request)
        response = KINDS[due[0].fault.kind](_Exchange(self, due[0].fault, request))
        return response if due[0].fault.kind == "no-date" else self.simulator.dated(response)


@dataclass(slots=True)
class _Planned:
    fault: Fault
    seen: int = 0
    done: int = 0

    def meets(self, request: httpx.Request) -> bool:
        if PLACES[self.fault.place] not in request.url.path:
            return False
        self.seen += 1
        is_due = self.seen > self.fault.after and (self.seen - self.fault.after - 1) % self.fault.every == 0
        return is_due and (self.fault.times is None or self.done < self.fault.times)


class _Exchange(Value):
    faults: Faults
    fault: Fault
    request: httpx.Request

    def normal(self) -> httpx.Response:
        return self.faults.simulator(self.request)

    def changed(self, change: Callable[[dict[str, Any]], None]) -> httpx.Response:
        """A page of conversations with its content changed; any other response as it is."""
        response = self.normal()
        content = decode(response.content) if response.status_code == 200 and response.content else {}
        if "conversationHistoryRecords" not in content:
            return response
        change(content)
        return answer(content)

    def wait_s(self) -> float:
        return 1.0 if self.fault.wait_s is None else self.fault.wait_s


def _throttled(exchange: _Exchange) -> httpx.Response:
    response = error(429, "too many requests")
    if exchange.fault.wait_s is not None:
        until = datetime.now(UTC) + timedelta(seconds=exchange.fault.wait_s)
        seconds, date = f"{exchange.fault.wait_s:.0f}", format_datetime(until, usegmt=True)
        response.headers["Retry-After"] = date if exchange.fault.wait_as == "date" else seconds
    return response


def _status(status: int, message: str, internal_code: int = 0) -> Callable[[_Exchange], httpx.Response]:
    return lambda _: error(status, message, internal_code)


def _slow(exchange: _Exchange) -> httpx.Response:
    exchange.faults.sleep(exchange.wait_s())
    return exchange.normal()


def _cut(exchange: _Exchange) -> httpx.Response:
    response = exchange.normal()
    raise Cut(exchange.request, response, len(response.content) // 2)


def _reset(exchange: _Exchange) -> httpx.Response:
    raise Cut(exchange.request, httpx.Response(200), None)


def _truncated(exchange: _Exchange) -> httpx.Response:
    """A body that ends too early, although the connection says that it is complete."""
    return httpx.Response(200, content=exchange.normal().content[:-9], headers={"Content-Type": "application/json"})


def _compressed(exchange: _Exchange) -> httpx.Response:
    return _encoded(gzip.compress(exchange.normal().content))


def _badly_compressed(exchange: _Exchange) -> httpx.Response:
    return _encoded(gzip.compress(exchange.normal().content)[:-20])


def _encoded(content: bytes) -> httpx.Response:
    """A response whose content is sent as it is; the receiver decompresses it."""
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    return httpx.Response(200, headers=headers, stream=httpx.ByteStream(content))


def _mislabelled(exchange: _Exchange) -> httpx.Response:
    """UTF-8 that claims another encoding, with a byte order mark."""
    response = exchange.normal()
    headers = {"Content-Type": "application/json;charset=ISO-8859-1"}
    return httpx.Response(response.status_code, content=b"\xef\xbb\xbf" + response.content, headers=headers)


def _partial_result(content: dict[str, Any]) -> None:
    """Some shards did not answer: their records are missing, also from the count."""
    metadata, records = content["_metadata"], content["conversationHistoryRecords"]
    content["conversationHistoryRecords"] = records[1::2]
    metadata["count"] -= len(records[::2])
    metadata["shardsStatusResult"] = {"partialResult": True, "failureShards": 2, "totalShards": 5}


def _cut_records(content: dict[str, Any]) -> None:
    for record in content["conversationHistoryRecords"]:
        record["info"]["isPartial"] = True
        record["messageRecords"] = record.get("messageRecords", [])[:1]


def _repeated(content: dict[str, Any]) -> None:
    """A row shifted onto this page: the first record comes twice, the last is missing."""
    records = content["conversationHistoryRecords"]
    content["conversationHistoryRecords"] = (records[:1] + records)[: len(records)]


def _dropped(content: dict[str, Any]) -> None:
    content["conversationHistoryRecords"] = content["conversationHistoryRecords"][1:]


def _miscounted(content: dict[str, Any]) -> None:
    content["_metadata"]["count"] += 1


def _unexpected(content: dict[str, Any]) -> None:
    """Undocumented fields and types, and broken inner JSON."""
    content["newEnvelopeField"] = {"a": [1]}
    for record in content["conversationHistoryRecords"]:
        record["newSection"] = [{"b": None}]
        record["info"]["newField"] = {"c": "undefined"}
        record.setdefault("messageRecords", []).append(
            {
                "type": "HOLOGRAM", "messageData": {"hologram": {"label": "wave"}}, "messageId": "unexpected-1",
                "seq": 9_999, "dialogId": "undefined", "participantId": "null", "sentBy": "Nobody", "audience": "ALL",
                "time": "undefined", "timeL": -1, "contextData": {"rawMetadata": "[{broken"},
            }
        )  # fmt: skip
        broken = {"type": "RICH_CONTENT", "messageData": {"richContent": {"content": '{"type": "vertic'}}}
        record["messageRecords"].append({**broken, "messageId": "unexpected-2", "sentBy": "Agent", "audience": "ALL"})
        record.setdefault("sdes", {}).setdefault("events", []).append(
            {"sdeType": "TELEPATHY", "telepathy": {"thought": "blue"}, "serverTimeStamp": "undefined"}
        )


def _unreadable(content: dict[str, Any]) -> None:
    """A record without an id among the good ones."""
    content["conversationHistoryRecords"].append({"info": {"status": "CLOSE"}})


def _undated(exchange: _Exchange) -> httpx.Response:
    response = exchange.normal()
    response.headers.pop("Date", None)
    return response


def _expired(exchange: _Exchange) -> httpx.Response:
    exchange.faults.simulator.expire_tokens()
    return exchange.normal()


def _altered(change: Callable[[dict[str, Any]], None]) -> Callable[[_Exchange], httpx.Response]:
    return lambda exchange: exchange.changed(change)


KINDS: dict[str, Callable[[_Exchange], httpx.Response]] = {
    "429": _throttled,
    "500-0007": _status(500, "Elastic search exception", 7),
    "500-0008": _status(500, "runtime exception", 8),
    "503": _status(503, "service unavailable"),
    "404": _status(404, "no such resource"),
    "400": _status(400, "bad request"),
    "401": _status(401, "unauthorized"),
    "403": _status(403, "forbidden"),
    "451": _status(451, "blacklisted"),
    "204": lambda _: httpx.Response(204),
    "empty": lambda _: httpx.Response(200),
    "html": lambda _: httpx.Response(200, html="<html><body>busy</body></html>"),
    "redirect": lambda _: httpx.Response(302, headers={"Location": "https://elsewhere.invalid/"}),
    "slow": _slow,
    "reset": _reset,
    "cut": _cut,
    "truncated": _truncated,
    "gzip": _compressed,
    "bad-gzip": _badly_compressed,
    "mislabelled": _mislabelled,
    "no-date": _undated,
    "expire-tokens": _expired,
    "partial-result": _altered(_partial_result),
    "is-partial": _altered(_cut_records),
    "repeated-record": _altered(_repeated),
    "dropped-record": _altered(_dropped),
    "wrong-count": _altered(_miscounted),
    "unexpected": _altered(_unexpected),
    "unreadable-record": _altered(_unreadable),
}  # fmt: skip
