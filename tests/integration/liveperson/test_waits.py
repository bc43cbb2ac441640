"""A wait has a reason: before a long one the Domain API is asked where the service is, whatever the fault."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from archiver.archive.file import ArchiveFile
from archiver.config.secrets import Secret
from archiver.errors import SourceUnavailable
from archiver.harvest.harvest import Harvest
from archiver.liveperson.account import Account, connect
from archiver.liveperson.auth import ClientCredentials
from archiver.liveperson.calls import CallSettings
from archiver.liveperson.client import Client
from archiver.model import Window
from archiver.progress import Silent
from archiver.simulator.faults import Fault, Faults
from archiver.simulator.services import Simulator
from tests.conftest import NOW, record

DAY = timedelta(days=1)
SPAN = Window(NOW - 10 * DAY, NOW)
OLD, NEW = "lp.simulator.test", "moved.simulator.test"


def asking(respond: Callable[[httpx.Request], httpx.Response], simulator: Simulator, waited: list[float]) -> Client:
    credentials = ClientCredentials(simulator.tokens.client_id, Secret(simulator.tokens.client_secret))
    account = Account(simulator.world.account, "https://api.simulator.test", credentials, per_s=1_000_000)
    settings = CallSettings(sleep=waited.append)
    return connect(account, settings=settings, transport=httpx.MockTransport(respond), clock=lambda: NOW)


def broken(kind: str, request: httpx.Request) -> httpx.Response:
    match kind:
        case "reset":
            raise httpx.ReadError("connection reset by peer", request=request)
        case "closed":
            raise httpx.RemoteProtocolError("server disconnected without sending a response", request=request)
        case "timeout":
            raise httpx.ReadTimeout("timed out", request=request)
        case "refused":
            raise httpx.ConnectError("connection refused", request=request)
        case "html":
            return httpx.Response(200, html="<html>this service has moved</html>")
    return httpx.Response(int(kind), headers={"Location": "https://elsewhere.invalid/"} if kind == "302" else {})


FAULTS = ["reset", "closed", "timeout", "refused", "html", "404", "410", "500", "502", "503", "400", "403", "302"]


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("moves_at", [4, 9])
def test_a_service_that_moves_while_its_old_host_fails_is_followed_within_half_a_minute(
    archive: ArchiveFile, simulator: Simulator, kind: str, moves_at: int
) -> None:
    step = timedelta(minutes=40)
    simulator.world.fill(record(f"c{number:03d}", NOW - 9 * DAY + number * step) for number in range(300))
    calls: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        calls.append(request.url.host)
        if len(calls) == moves_at:
            simulator.host = NEW
        if request.url.host == OLD and simulator.host == NEW:
            return broken(kind, request)
        return simulator(request)

    waited: list[float] = []
    source = asking(respond, simulator, waited)
    summary = Harvest(source, archive, clock=lambda: NOW, progress=Silent()).run(SPAN)
    assert (summary.conversations, summary.unproven) == (300, ())
    assert NEW in calls
    assert max(waited, default=0) <= 15
    assert sum(waited) <= 60  # of the two requests that may be under way at once


BAD_ANSWERS = ["html", "truncated", "empty", "500-0007", "reset", "cut", "404"]


@pytest.mark.parametrize(
    ("place", "kind"), [(place, kind) for place in ("domain", "token") for kind in BAD_ANSWERS] + [("domain", "400")]
)
@pytest.mark.parametrize("after", [0, 1])
def test_one_bad_answer_of_the_domain_api_or_the_token_host_is_asked_again(
    archive: ArchiveFile, simulator: Simulator, place: str, kind: str, after: int
) -> None:
    simulator.tokens.life_s = 1
    simulator.world.fill(record(f"c{number}", NOW - DAY) for number in range(3))
    waited: list[float] = []
    source = asking(Faults(simulator, [Fault(kind, place=place, after=after)]), simulator, waited)
    summary = Harvest(source, archive, clock=lambda: NOW, progress=Silent()).run(SPAN)
    assert (summary.conversations, summary.unproven) == (3, ())


def test_a_domain_api_that_names_two_hosts_in_turn_causes_no_endless_loop(simulator: Simulator) -> None:
    calls = 0

    def respond(request: httpx.Request) -> httpx.Response:
        nonlocal calls
        calls += 1
        if "/service/" in request.url.path:
            simulator.host = NEW if simulator.host == OLD else OLD
        return httpx.Response(503) if "messaging_history" in request.url.path else simulator(request)

    waited: list[float] = []
    with pytest.raises(SourceUnavailable):
        next(asking(respond, simulator, waited).pages(SPAN))
    assert calls < 60
    assert len(waited) >= 5


def test_a_service_that_is_down_and_has_not_moved_is_waited_for_as_liveperson_advises(simulator: Simulator) -> None:
    left = [5]

    def respond(request: httpx.Request) -> httpx.Response:
        if "messaging_history" in request.url.path and left[0]:
            left[0] -= 1
            return httpx.Response(503)
        return simulator(request)

    waited: list[float] = []
    assert next(asking(respond, simulator, waited).pages(SPAN)).total == 0
    assert waited == [5, 10, 15, 120, 240]


def test_a_wait_that_liveperson_demanded_is_made_also_if_the_service_has_moved(simulator: Simulator) -> None:
    hosts: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        if "messaging_history" in request.url.path:
            hosts.append(request.url.host)
            simulator.host = NEW
            if len(hosts) == 1:
                return httpx.Response(429, headers={"Retry-After": "60"})
        return simulator(request)

    waited: list[float] = []
    next(asking(respond, simulator, waited).pages(SPAN))
    assert hosts == [OLD, NEW]
    assert max(waited) == pytest.approx(60, abs=2)
