"""The promises of `archiver.index.elastic.server`."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from elastic_transport import ConnectionError as NoConnection

from archiver.errors import StoreUnavailable
from archiver.index.elastic.server import Server


class Silent:
    """A client of a server that is down, and the clock, which only waiting moves."""

    def __init__(self) -> None:
        self.calls, self.now_s, self.is_up = 0, 0.0, False

    def options(self, **_: object) -> Silent:
        return self

    def perform_request(self, *_: object, **__: object) -> Any:
        self.calls += 1
        self.sleep(0.5)
        if self.is_up:
            return SimpleNamespace(body={})
        raise NoConnection("refused")

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def calls_of(client: Silent, server: Server) -> int:
    before = client.calls
    with pytest.raises(StoreUnavailable):
        server.ask("GET", "/")
    return client.calls - before


def test_a_server_that_was_just_waited_for_in_vain_is_asked_once_and_a_little_later_waited_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = Silent()
    monkeypatch.setattr("time.monotonic", lambda: client.now_s)
    server = Server(lambda: client, "there", sleep=client.sleep, clock=lambda: client.now_s)  # type: ignore[arg-type,return-value]
    assert calls_of(client, server) > 1
    assert calls_of(client, server) == 1
    client.sleep(5.0)
    assert calls_of(client, server) > 1
    with server.patient(3.0):
        assert calls_of(client, server) > 1  # longer work waits as long as it was told


def test_a_server_that_answers_again_is_waited_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Silent()
    monkeypatch.setattr("time.monotonic", lambda: client.now_s)
    server = Server(lambda: client, "there", sleep=client.sleep, clock=lambda: client.now_s)  # type: ignore[arg-type,return-value]
    assert calls_of(client, server) > 1
    client.is_up = True
    server.ask("GET", "/")
    client.is_up = False
    assert calls_of(client, server) > 1
