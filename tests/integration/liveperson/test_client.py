"""The simulated account keeps LivePerson's rules, and the client copes with what LivePerson may answer."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from archiver.errors import AuthError, BadAnswer, ConfigError, SourceError, SourceUnavailable, Unproven
from archiver.jsontext import decode, encode
from archiver.liveperson.account import Account
from archiver.liveperson.answers import read_page
from archiver.liveperson.auth import ClientCredentials
from archiver.liveperson.calls import CallSettings, make_client, perform
from archiver.liveperson.domains import Domains
from archiver.liveperson.filters import CONTENT
from archiver.liveperson.pages_ahead import PagesAhead
from archiver.model import CELL, Window, to_ms
from archiver.received import NO_PAGE, Page
from archiver.simulator.services import Simulator
from archiver.simulator.world import World, at_anchor
from tests.conftest import NOW, connected, record

DAY = timedelta(days=1)


def token(simulator: Simulator) -> str:
    form = {
        "client_id": simulator.tokens.client_id,
        "client_secret": simulator.tokens.client_secret,
        "grant_type": "client_credentials",
    }
    url = f"https://lp/sentinel/api/v2/account/{simulator.world.account}/app/token"
    answer = simulator(httpx.Request("POST", url, data=form))
    return str(decode(answer.content)["access_token"])


def search(
    simulator: Simulator, start: datetime, end: datetime, query: str = "source=t", **body: Any
) -> httpx.Response:
    url = f"https://lp/messaging_history/api/account/{simulator.world.account}/conversations/search?{query}"
    content = encode({"start": {"from": to_ms(start), "to": to_ms(end)}, **body})
    return simulator(
        httpx.Request("POST", url, content=content, headers={"Authorization": f"Bearer {token(simulator)}"})
    )


def found(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["info"]["conversationId"] for item in decode(answer.content)["conversationHistoryRecords"]]


class TestSimulator:
    def test_bounds_are_rounded_outward_to_ten_minutes_and_inclusive(self, simulator: Simulator) -> None:
        for minutes in (-11, -10, -9, 0, 9, 10, 11):
            simulator.world.put(record(f"{minutes}", NOW - DAY + timedelta(minutes=minutes)))
        start = NOW - DAY - timedelta(minutes=5)
        assert found(search(simulator, start, start + timedelta(minutes=6))) == ["-10", "-9", "0", "9", "10"]

    def test_more_than_three_months_are_refused(self, simulator: Simulator) -> None:
        assert search(simulator, NOW - 85 * DAY, NOW).status_code == 200
        assert search(simulator, NOW - 95 * DAY, NOW).status_code == 400

    def test_older_than_thirteen_months_is_gone(self, simulator: Simulator) -> None:
        simulator.world.put(record("old", NOW - 400 * DAY))
        assert found(search(simulator, NOW - 401 * DAY, NOW - 399 * DAY)) == []

    def test_pages_count_the_whole_query_and_link_to_a_foreign_host(self, simulator: Simulator) -> None:
        simulator.world.fill(record(f"c{n:03d}", NOW - DAY) for n in range(130))
        answer = decode(search(simulator, NOW - 2 * DAY, NOW, "source=t&limit=50&offset=50").content)
        assert answer["_metadata"]["count"] == 130
        assert len(answer["conversationHistoryRecords"]) == 50
        assert "offset=100" in answer["_metadata"]["next"]["href"]
        assert simulator.host not in answer["_metadata"]["next"]["href"]

    @pytest.mark.parametrize(
        "query",
        ["", "source=" + "x" * 21, "source=t&limit=101", "source=t&limit=0", "source=t&offset=-1", "source=t&sort=up"],
    )
    def test_bad_parameters_are_refused(self, simulator: Simulator, query: str) -> None:
        assert search(simulator, NOW - DAY, NOW, query).status_code == 400

    def test_only_the_asked_sections_come_and_info_always(self, simulator: Simulator) -> None:
        simulator.world.put(record("c", NOW - DAY, "hi", dialogs=[{"dialogId": "c"}], unAuthSdes={"events": []}))
        (default,) = decode(search(simulator, NOW - 2 * DAY, NOW).content)["conversationHistoryRecords"]
        assert set(default) == {"info", "messageRecords"}
        (asked,) = decode(search(simulator, NOW - 2 * DAY, NOW, contentToRetrieve=["dialogs"]).content)[
            "conversationHistoryRecords"
        ]
        assert set(asked) == {"info", "dialogs"}

    def test_a_search_gives_the_newest_sde_of_a_type_and_no_thumbnail_the_look_up_gives_all(
        self, simulator: Simulator
    ) -> None:
        events = [{"sdeType": "LEAD", "serverTimeStamp": ms, "lead": {"lead": {"leadId": ms}}} for ms in (2, 3, 1)]
        raw = decode(record("c", NOW - DAY, "x", sdes={"events": events}))
        raw["messageRecords"][0]["messageData"] = {"file": {"caption": "x", "preview": "data:"}}
        simulator.world.put(encode(raw))
        center = connected(simulator, simulator)
        (page,) = center.pages(Window(NOW - 2 * DAY, NOW))
        shallow = decode(page.conversations[0].raw)
        assert [event["serverTimeStamp"] for event in shallow["sdes"]["events"]] == [3]
        assert "preview" not in shallow["messageRecords"][0]["messageData"]["file"]
        assert decode(next(center.by_ids(["c", "unknown"])).conversations[0].raw) == raw

    def test_offsets_in_a_data_file_become_times(self) -> None:
        line = b'{"a":"@L-1000","b":"@S-86400000","c":"@T0","d":-1,"e":"undefined"}\n'
        (raw,) = at_anchor([line, b"\n"], NOW)
        ms = to_ms(NOW)
        assert decode(raw) == {
            "a": ms - 1000,
            "b": "2026-06-14 12:00:00.000+0000",
            "c": str(ms),
            "d": -1,
            "e": "undefined",
        }


class Counting:
    """A simulator that counts token requests and may change the token's answer."""

    def __init__(self, simulator: Simulator, change: Callable[[dict[str, Any]], None] = lambda answer: None) -> None:
        self.simulator, self.change, self.tokens = simulator, change, 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        answer = self.simulator(request)
        if "/app/token" not in request.url.path or answer.status_code != 200:
            return answer
        self.tokens += 1
        content = decode(answer.content)
        self.change(content)
        return httpx.Response(200, content=encode(content))


def ask(respond: Callable[[httpx.Request], httpx.Response], simulator: Simulator, times: int = 1) -> list[Page]:
    center = connected(respond, simulator)
    return [page for _ in range(times) for page in center.pages(Window(NOW - DAY, NOW))]


def jwt(life: timedelta) -> str:
    claims = base64.urlsafe_b64encode(encode({"exp": int((NOW + life).timestamp())})).decode().rstrip("=")
    return f"e30.{claims}.sig"


@pytest.mark.parametrize("expires_in", ["3600", 3600, None])
def test_one_token_serves_many_calls_however_its_life_is_written(simulator: Simulator, expires_in: object) -> None:
    counting = Counting(simulator, lambda answer: answer.update(expires_in=expires_in))
    ask(counting, simulator, times=5)
    assert counting.tokens == 1


def test_a_token_is_renewed_before_it_expires(simulator: Simulator) -> None:
    counting, clock = Counting(simulator), [NOW]
    simulator.world.clock = lambda: clock[0]
    center = connected(counting, simulator)
    list(center.pages(Window(NOW - DAY, NOW)))
    clock[0] = NOW + timedelta(seconds=3541)
    list(center.pages(Window(NOW - DAY, NOW)))
    assert counting.tokens == 2


@pytest.mark.parametrize(
    ("answer", "life_s"),
    [
        ({"access_token": jwt(timedelta(minutes=5))}, 300),  # as the token itself says
        ({"access_token": jwt(timedelta(minutes=5)), "expires_in": "600"}, 600),
        ({"access_token": "opaque", "expires_in": "soon"}, 3_600),  # nobody says it
        ({"access_token": "opaque", "expires_in": 10**9}, 86_400),
    ],
)
def test_a_token_is_renewed_a_minute_before_its_end_whoever_says_when_that_is(
    simulator: Simulator, answer: dict[str, Any], life_s: int
) -> None:
    clock, tokens = [NOW], 0

    def respond(request: httpx.Request) -> httpx.Response:
        nonlocal tokens
        if "/app/token" in request.url.path:
            tokens += 1
            return httpx.Response(200, content=encode(answer))
        return httpx.Response(204) if "messaging_history" in request.url.path else simulator(request)

    simulator.world.clock = lambda: clock[0]
    center = connected(respond, simulator)
    for after_s in (0, life_s - 61, life_s - 60):
        clock[0] = NOW + timedelta(seconds=after_s)
        list(center.pages(Window(NOW - DAY, NOW)))
        assert tokens == (1 if after_s < life_s - 60 else 2)


def test_a_refusal_that_a_new_token_does_not_cure_stops_after_one_renewal(simulator: Simulator) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        return httpx.Response(401) if "messaging_history" in request.url.path else counting(request)

    counting = Counting(simulator)
    with pytest.raises(AuthError):
        ask(refuse, simulator)
    assert counting.tokens == 2


@pytest.mark.parametrize(
    "body",
    [
        b"", b" \n", b"<html>", b"[]", b"{}", b'{"conversationHistoryRecords":{}}',
        b'{"conversationHistoryRecords":[1', b"null", b"7",
    ],
)  # fmt: skip
def test_a_frame_that_cannot_be_read_is_a_bad_answer(body: bytes) -> None:
    with pytest.raises(BadAnswer):
        read_page(body)


def test_counts_and_blanks_may_be_written_in_any_way() -> None:
    records = b'[ {"info" : {"conversationId":"a", "endTimeL":"-1"}} ]'
    body = b'{ "conversationHistoryRecords" : ' + records + b' , "_metadata":{"count":"1"} }'
    page = read_page(body)
    assert (page.total, page.is_complete) == (1, True)
    assert page.conversations[0].raw == b'{"info" : {"conversationId":"a", "endTimeL":"-1"}}'
    assert page.conversations[0].is_open


@pytest.mark.parametrize("records", [b"7", b"null", b'"x"', b"{}", b'{"info":[]}', b'{"info":{"conversationId":null}}'])
def test_a_record_without_an_id_is_named_and_costs_no_other(records: bytes) -> None:
    page = read_page(
        b'{"_metadata":{"count":2},"conversationHistoryRecords":[' + records + b',{"info":{"conversationId":"a"}}]}'
    )
    assert [conversation.id for conversation in page.conversations] == ["a"]
    assert page.unreadable[0].raw == records


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "10.0.0.1"])
def test_over_http_nothing_is_sent_to_a_host_that_is_not_this_machine(host: str) -> None:
    client = make_client(httpx.MockTransport(lambda request: httpx.Response(200, content=encode({"baseURI": host}))))
    with pytest.raises(SourceError, match="plain http is refused"):
        Domains(client, "http://127.0.0.1:1", "1", CallSettings()).base_url("sentinel")


@pytest.mark.parametrize("url", ["http://api.example", "ftp://x", "nonsense", "https://"])
def test_an_unsafe_or_broken_domain_url_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        Domains(make_client(), url, "1", CallSettings())


@pytest.mark.parametrize("answer", [{"baseURI": None}, {}, {"baseURI": "a/b"}, {"baseURI": "user@host"}, []])
def test_a_domain_answer_without_a_host_is_an_error(answer: Any) -> None:
    client = make_client(httpx.MockTransport(lambda request: httpx.Response(200, content=encode(answer))))
    with pytest.raises(SourceError):
        Domains(client, "https://api.example", "1", CallSettings(sleep=lambda seconds: None)).base_url("msgHist")


def test_a_wish_to_wait_is_honoured() -> None:
    answers = iter([httpx.Response(429, headers={"Retry-After": "7"}), httpx.Response(200)])
    waited: list[float] = []
    client = make_client(httpx.MockTransport(lambda request: next(answers)))
    perform(lambda: client.get("https://x"), CallSettings(sleep=waited.append), read=lambda response: response)
    assert waited == [pytest.approx(7.0, abs=0.5)]


def test_a_wish_to_wait_until_a_date_is_told_by_the_clock_of_the_server_that_wishes_it() -> None:
    headers = {"Date": "Mon, 15 Jun 2026 12:00:00 GMT", "Retry-After": "Mon, 15 Jun 2026 12:00:07 GMT"}
    answers = iter([httpx.Response(429, headers=headers), httpx.Response(200)])
    waited: list[float] = []
    client = make_client(httpx.MockTransport(lambda request: next(answers)))
    wrong = CallSettings(sleep=waited.append, clock=lambda: NOW + timedelta(minutes=3))  # a clock that is ahead
    perform(lambda: client.get("https://x"), wrong, read=lambda response: response)
    assert waited == [pytest.approx(7.0, abs=0.5)]


def test_every_documented_section_is_asked_for() -> None:
    assert len(set(CONTENT)) == 23
    assert {"unAuthSdes", "monitoring", "dialogs", "previouslySubmittedAgentSurveys"} <= set(CONTENT)


def test_an_account_does_not_show_its_secret() -> None:
    from archiver.config.secrets import Secret

    assert "hidden" not in repr(Account("1", "https://x", ClientCredentials("id", Secret("hidden"))))


def test_a_world_replaces_a_conversation_by_its_newer_record(world: World) -> None:
    world.put(record("c", NOW - DAY, "one"))
    world.put(record("c", NOW - DAY, "two"))
    assert [item.id for item in world.stored] == ["c"]
    assert b"two" in world.stored[0].raw


@pytest.mark.parametrize(("partial", "asked", "is_whole"), [(0, 1, True), (2, 3, True), (3, 3, False)])
def test_an_answer_that_lacks_some_shards_is_asked_for_three_times_at_most(
    simulator: Simulator, partial: int, asked: int, is_whole: bool
) -> None:
    simulator.world.put(record("c", NOW - DAY / 2))
    searches = 0

    def respond(request: httpx.Request) -> httpx.Response:
        nonlocal searches
        answer = simulator(request)
        if not request.url.path.endswith("/conversations/search"):
            return answer
        searches += 1
        content = decode(answer.content)
        content["_metadata"]["shardsStatusResult"] = {"partialResult": searches <= partial}
        return httpx.Response(200, content=encode(content))

    if is_whole:
        (page,) = ask(respond, simulator)
        assert page.is_complete
    else:
        with pytest.raises(Unproven, match="partialResult"):
            ask(respond, simulator)
    assert searches == asked


@pytest.mark.parametrize(("is_brief", "tries"), [(True, 2), (False, 7)])
def test_a_look_up_in_brief_gives_a_server_that_fails_up_sooner(
    simulator: Simulator, is_brief: bool, tries: int
) -> None:
    asked = 0

    def respond(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        if not request.url.path.endswith("/conversation/search"):
            return simulator(request)
        asked += 1
        return httpx.Response(503)

    with pytest.raises(SourceUnavailable):
        list(connected(respond, simulator).by_ids(["c"], is_brief=is_brief))
    assert asked == tries


def test_who_takes_one_page_asks_for_one(simulator: Simulator) -> None:
    simulator.world.fill(record(f"c{number}", NOW - number * CELL, "x") for number in range(900))
    asked: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return simulator(request)

    source = connected(respond, simulator)
    assert len(next(iter(source.pages(Window(NOW - 9_000 * CELL, NOW))))) == 100
    assert len([path for path in asked if path.endswith("/conversations/search")]) == 1


@pytest.mark.parametrize("total", [10**8, 3 * 10**10])
def test_an_absurd_count_costs_neither_memory_nor_time(total: int) -> None:
    asked: list[int] = []

    def fetch(offset: int) -> Page:
        asked.append(offset)
        return NO_PAGE

    pages = PagesAhead(fetch)
    pages.expect(range(98, total, 98))
    pages.at(98)
    assert set(asked) <= {98, 196, 294}
