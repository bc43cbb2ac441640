"""The page over real sockets: what each address answers, and to whom."""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from html import unescape
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import pytest

from archiver.app import Archive
from archiver.archive import WindowReading, WindowState, make_archive, open_archive
from archiver.config import find_settings
from archiver.errors import ConfigError
from archiver.foreground import Foreground
from archiver.index.elastic.server import Overloaded
from archiver.liveperson.answers import read_record
from archiver.model import Window
from archiver.query import KEYWORDS, VALUES, ZONES
from archiver.received import Unreadable
from archiver.web import served
from archiver.web.coverage_page import time_left
from archiver.web.rendering import static_files, static_href
from archiver.windows import retention
from tests import schemas
from tests.conftest import ACCOUNT, NOW, record
from tests.golden.filled import filled_archive
from tests.pages import Markup, index_held, indexed, kept, page_of

HOSTILE = [
    "<script>window.pwned=1</script>", '"><img src=x onerror=window.pwned=1>', "javascript:window.pwned=1",
    "{{7*7}} {% raw %} ${7*7} #{7*7}", "<div hx-get='/x' hx-trigger='load'>", "\u202eevil\u202c", "a\x00b",
    "\x1b[31mred", "<svg onload=window.pwned=1>", "</textarea><script>window.pwned=1</script>", "<!--", "]]>",
    "&lt;b&gt;", "'\"`",
    "https://аррӏе.com/x", "x" * 5000,
]  # fmt: skip


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("site") / "archive"
    filled_archive(folder).close()
    with page_of(folder) as found:
        yield found


def text_of(answer: httpx.Response) -> str:
    return Markup(answer.text).text


def links(answer: httpx.Response, pattern: str = "") -> list[str]:
    return Markup(answer.text).links(pattern)


PAGES = ("/", "/?q=refund", "/?q=refund&view=table", "/?scope=message&q=refund", "/coverage", "/status", "/?q=zzzz")


@pytest.mark.parametrize("path", PAGES)
def test_every_page_answers_with_headers_that_allow_nothing_foreign(url: str, path: str) -> None:
    answer = httpx.get(url + path)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "server" not in answer.headers
    assert " style=" not in answer.text
    assert not re.search(r"\son\w+=", re.sub(r"<bdi.*?</bdi>", "", answer.text))


@pytest.mark.parametrize("path", PAGES)
def test_every_link_of_a_page_leads_somewhere(url: str, path: str) -> None:
    for href in dict.fromkeys(links(httpx.get(url + path), "^/")):
        answer = httpx.get(url + href)
        assert answer.status_code == 200, href


ALIKE = ("Billing", "billing", "Billing EU", 'The "Billing" desk', "Bíllíng", "=Billing", "Billing\\", "(Billing)")


@pytest.mark.parametrize("scope", ["conversation", "message"])
def test_values_with_the_same_words_are_counted_and_searched_apart(tmp_path: Path, scope: str) -> None:
    people = [{"agentId": str(at), "agentFullName": name, "userType": "1"} for at, name in enumerate(ALIKE)]
    raws = [
        record(
            f"c{at}-{n}", NOW, "hello", info={"latestSkillName": name, "latestAgentGroupName": name},
            agentParticipants=[people[at]],
        )
        for at, name in enumerate(ALIKE) for n in range(at + 1)
    ]  # fmt: skip
    with page_of(kept(tmp_path / "archive", *raws)) as url:
        pattern = r'<li><a href="([^"]+)">.*?<a class="not" href="([^"]+)".*?class="n">([0-9,]+)<'
        facets = re.findall(pattern, httpx.get(f"{url}/?scope={scope}").text)
        assert len(facets) >= 2 * len(ALIKE) + 5  # skill, agent, and the first of the groups
        for include, exclude, count in facets:
            asked = [urlsplit(unescape(href)).query for href in (include, exclude)]
            found = [httpx.get(f"{url}/search.json?{query}").json()["total"] for query in asked]
            assert (found[0], sum(found)) == (int(count), len(raws)), asked


def test_a_fact_of_a_transcript_leads_to_the_conversations_with_just_this_value(tmp_path: Path) -> None:
    raws = [
        record(f"c{at}", NOW, "hello", info={"latestSkillName": name, "latestAgentGroupName": name, "source": "APP"})
        for at, name in enumerate(ALIKE)
    ]
    with page_of(kept(tmp_path / "archive", *raws)) as url:
        for at, name in enumerate(ALIKE):
            page = httpx.get(f"{url}/c/c{at}").text
            for label in ("Skill", "Agent group"):
                (href,) = re.findall(rf'href="([^"]+)" aria-label="Search for {label} ', page)
                found = httpx.get(f"{url}/search.json?{urlsplit(unescape(href)).query}").json()
                assert [item["conversation_id"] for item in found["items"]] == [f"c{at}"], name


def test_a_facet_leads_to_the_results_that_it_counts_and_to_all_others(url: str) -> None:
    total = httpx.get(f"{url}/search.json").json()["total"]
    pattern = r'<li><a href="([^"]+)">.*?<a class="not" href="([^"]+)".*?class="n">([0-9,]+)<'
    facets = re.findall(pattern, httpx.get(url).text)
    assert len(facets) > 10
    for *hrefs, count in facets:
        asked = [urlsplit(unescape(href)).query for href in hrefs]
        found = [httpx.get(f"{url}/search.json?{query}").json()["total"] for query in asked]
        assert sum(found) == total, asked
        assert found[0] == int(count.replace(",", "")), asked


@pytest.mark.parametrize("scope", ["conversation", "message"])
def test_each_bar_of_hours_leads_to_its_results_also_where_an_hour_comes_twice(tmp_path: Path, scope: str) -> None:
    night = datetime(2026, 10, 24, 22, 10, tzinfo=UTC)  # the clock is set back at 1:00 UTC
    raws = [record(f"c{at}", night + timedelta(minutes=25 * at), "hello") for at in range(12)]
    with page_of(kept(tmp_path / "archive", *raws), timezone="Europe/Berlin") as url:
        page = httpx.get(url, params={"scope": scope}).text
        bars = re.findall(r'<a href="([^"]+)" tabindex="-1"><rect class="bar"[^>]*><title>[^<]*: ([0-9]+)', page)
        assert len(bars) == 5
        for href, count in bars:
            query = urlsplit(unescape(href)).query
            assert httpx.get(f"{url}/search.json?{query}").json()["total"] == int(count)


def test_each_bar_leads_to_its_results_also_where_the_days_cut_an_interval(tmp_path: Path) -> None:
    raws = [record(f"c{at:03}", NOW - timedelta(days=at), "hello") for at in range(200)]
    asked = {"from": "2026-01-07", "to": "2026-06-10", "q": "hello"}  # both are Wednesdays
    with page_of(kept(tmp_path / "archive", *raws)) as url:
        page = httpx.get(url, params=asked).text
        bars = re.findall(r'<a href="([^"]+)" tabindex="-1"><rect class="bar"[^>]*><title>[^<]*: ([0-9]+)', page)
        assert len(bars) > 20
        total = httpx.get(f"{url}/search.json", params=asked).json()["total"]
        assert sum(int(count) for _, count in bars) == total
        for href, count in bars:
            query = urlsplit(unescape(href)).query
            assert httpx.get(f"{url}/search.json?{query}").json()["total"] == int(count), query


def test_the_histogram_shows_all_days_that_are_asked_for_and_hatches_what_is_not_proven(tmp_path: Path) -> None:
    raws = [record(f"c{at}", NOW - timedelta(days=at), "hello") for at in range(3)]
    with page_of(kept(tmp_path / "archive", *raws)) as url:
        for asked in ({"from": "2026-04-20"}, {"q": "after:2026-04-20"}, {"scope": "message", "from": "2026-04-20"}):
            page = httpx.get(url, params=asked).text
            assert Markup(page).text.count("2026-04-20") >= 2  # in the caption and in the table
            assert f"{NOW:%Y-%m-%d}" in page
            ((x, width),) = re.findall(r'<rect class="gap" x="([^"]+)" width="([^"]+)"', page)
            assert (x, float(width)) == ("0.0", 720.0)


def test_a_value_that_is_a_filter_by_now_leads_to_the_search_without_it(url: str) -> None:
    page = httpx.get(url, params={"q": "refund", "f": "skill:Flights"})
    skill = httpx.get(url, params={"q": "refund"}).text.partition(">Skill</summary>")[2]
    filtered = unescape(re.findall(r'<li><a href="([^"]+)"', skill)[0])
    chosen = re.findall(r'<li><a href="([^"]+)" aria-current="true"', httpx.get(url + filtered).text)
    assert [unescape(href) for href in chosen] == ["/?q=refund"]
    assert 'aria-current="true" aria-label="Remove' not in page.text  # a filter in other words


def test_the_status_begins_with_what_a_person_has_to_look_at(tmp_path: Path) -> None:
    folder = kept(tmp_path / "archive", record("c", NOW, "hello"))
    with page_of(folder) as url:
        assert "To look at: no harvest has finished yet; LivePerson begins to delete" in text_of(
            httpx.get(f"{url}/status")
        )
    with open_archive(folder) as archive:
        archive.begin_run(Window(NOW - timedelta(days=1), NOW), NOW)
        archive.finish_run(NOW)
        all_ = Window(retention(NOW).start - timedelta(days=1), NOW)
        archive.record([WindowReading(all_, WindowState.SEALED, 1, 1, 1, 1, "")], run=None, now=NOW)
    with page_of(folder) as url:
        assert "Nothing waits for a person." in text_of(httpx.get(f"{url}/status"))
    with open_archive(folder) as archive:
        day = Window(NOW - timedelta(days=1), NOW)
        archive.record([WindowReading(day, WindowState.UNPROVEN, 1, 0, 0, 0, "", "cut")], run=None, now=NOW)
        archive.keep((), [Unreadable(b"{", "no JSON")], NOW)
    with page_of(folder) as url:
        told = text_of(httpx.get(f"{url}/status"))
    assert "1 window not proven complete; 1 unreadable record in quarantine." in told


def test_a_conversation_leads_to_its_neighbours_among_those_that_the_search_finds(tmp_path: Path) -> None:
    raws = [
        record(f"c{number}", NOW - timedelta(minutes=number // 2), "refund" if number % 3 else "else")
        for number in range(12)
    ]
    with page_of(kept(tmp_path / "archive", *raws)) as url:
        for query in ("", "?q=refund", "?q=nothing"):
            found = httpx.get(f"{url}/search.json{query}").json()["items"]
            ids = [item["conversation_id"] for item in found]
            for newer, id_, older in zip([None, *ids], ids, [*ids[1:], None], strict=False):
                page = httpx.get(f"{url}/c/{id_}{query}")
                wanted = [f"/c/{beside}{query}" for beside in (newer, older) if beside]
                assert links(page, "^/c/")[: len(wanted)] == wanted, id_
        outside = httpx.get(f"{url}/c/c3?q=refund")  # which the query does not find
        assert links(outside, "^/c/")[:2] == ["/c/c1?q=refund", "/c/c2?q=refund"]


def test_no_page_waits_for_the_index_while_its_process_harvests(tmp_path: Path) -> None:
    folder = kept(tmp_path / "archive", record("c1", NOW, "hello"))
    with Archive(find_settings({"archive": folder})) as archive:
        assert archive.search("hello", limit=0).total == 1
    with make_archive(folder, ACCOUNT) as file:
        file.keep([read_record(record("c2", NOW, "hello"))], (), NOW)  # type: ignore[list-item]
    with page_of(folder, respond=lambda _: None) as url, index_held(folder):
        found = httpx.get(f"{url}/search.json?q=hello").json()
        assert (found["total"], "not searchable yet: the harvest adds them" in str(found["notices"])) == (1, True)
        assert text_of(httpx.get(f"{url}/?q=hello")).count("not searchable yet") == 1
    with page_of(folder, respond=lambda _: None) as url:  # what is kept needs all there is, and waits for it
        threading.Timer(0.5, lambda: indexed(folder)).start()
        made = httpx.post(
            f"{url}/cases", data={"name": "n", "reason": "r", "q": "hello"}, headers={"Origin": url},
        )  # fmt: skip
        assert made.status_code == 303, made.text
        assert httpx.get(f"{url}/cases.json/n").json()["counts"]["all"] == 2


def test_an_index_that_is_overloaded_answers_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = kept(tmp_path / "archive", record("c1", NOW, "hello"))
    with Archive(find_settings({"archive": folder})) as archive:
        assert archive.search("hello", limit=0).total == 1
        archive.file.keep([read_record(record("c2", NOW, "hello"))], (), NOW)  # type: ignore[list-item]

        def overloaded(*_: object, **__: object) -> None:
            raise Overloaded("index.example:9200 asks to slow down")

        monkeypatch.setattr("archiver.index.readiness.catch_up", overloaded)
        found = archive.search("hello", limit=0)
        assert found.total == 1
        (doubt,) = found.doubts
        assert ("not searchable yet" in doubt, "index.example" in doubt) == (True, False)


def test_the_page_says_which_of_how_many_results_it_shows(tmp_path: Path) -> None:
    raws = [record(f"c{number:03}", NOW - timedelta(minutes=number), "hello") for number in range(45)]
    with page_of(kept(tmp_path / "archive", *raws)) as url:
        path, told = "/?q=hello", []
        while path:
            answer = httpx.get(url + path)
            told += re.findall(r'class="place">([^<]+)<', answer.text)
            path = next(iter(links(answer, "after=")), "")
        assert told == ["1–20 of 45", "21–40 of 45", "41–45 of 45"]
        assert 'class="place"' not in httpx.get(f"{url}/?q=id:c001").text  # all are shown
        for wrong in ("n=junk", "n=-5", "n=99999999999999999999", "n=7"):
            assert "1–20 of 45" in httpx.get(f"{url}/?q=hello&{wrong}").text


def test_what_a_query_finds_beside_the_messages_is_marked_there(tmp_path: Path) -> None:
    sdes = {"events": [{"sdeType": "LEAD", "lead": {"lead": {"topic": "golden retriever", "leadId": "L8"}}}]}
    survey = [{"surveyData": [{"question": "golden question", "answer": "a retriever <b>"}]}]
    raw = record("c1", NOW, "hello", sdes=sdes, conversationSurveys=survey, summary={"text": "the golden end"})
    with page_of(kept(tmp_path / "archive", raw)) as url:
        page = httpx.get(f"{url}/c/c1?q=golden").text
        for marked in ("<mark>golden</mark> retriever", "<mark>golden</mark> question", "the <mark>golden</mark> end"):
            assert marked in page
        assert "0 messages and 3 other texts with matches" in page
        only = httpx.get(f"{url}/c/c1?q=survey:retriever").text
        assert "a <mark>retriever</mark> &lt;b&gt;" in only
        assert "golden <mark>" not in only  # the attribute is not what was asked for
        assert "and 1 other text with matches" in only


def test_the_json_twins_have_the_schemas_of_the_commands(url: str) -> None:
    page = httpx.get(f"{url}/?q=refund")
    (twin,) = links(page, r"^/search\.json")
    hits = schemas.checked(httpx.get(url + twin).json())
    id_ = quote(hits["items"][0]["conversation_id"], safe="")
    for path in (f"/c.json/{id_}", f"/history.json/{id_}", "/coverage.json", "/status.json"):
        schemas.checked(httpx.get(url + path).json())
    for path in ("/search.json?q=skil:x", "/c.json/nobody"):
        error = httpx.get(url + path)
        assert error.status_code in (400, 404)
        schemas.checked(error.json())


def test_pages_follow_one_another_until_every_hit_was_shown_once(tmp_path: Path) -> None:
    raws = [record(f"c{number:03}", NOW - timedelta(minutes=number), "hello") for number in range(45)]
    with page_of(kept(tmp_path / "archive", *raws)) as url:
        path, seen = "/?q=hello", []
        while path:
            answer = httpx.get(url + path)
            (twin,) = links(answer, r"^/search\.json")
            first = httpx.get(url + twin).json()["items"][0]["conversation_id"]
            assert links(answer, r"^/c/c\d+")[0].startswith(f"/c/{first}?")
            seen += [re.match(r"/c/(c\d+)", href)[1] for href in links(answer, r"^/c/c\d+\?q=hello#m1$")]  # type: ignore[index]
            path = next(iter(links(answer, r"^/\?.*after=")), "")
        ids = list(dict.fromkeys(seen))
        assert ids == [f"c{number:03}" for number in range(45)]


def test_a_query_that_can_not_be_read_is_shown_where_it_is_wrong_with_a_proposal_that_can(url: str) -> None:
    answer = httpx.get(f"{url}/?q=refund skil:Flights")
    assert answer.status_code == 400
    assert "at character 8" in text_of(answer)
    (proposal,) = links(answer, r"skill%3A")
    assert httpx.get(url + proposal).status_code == 200
    in_a_filter = httpx.get(f"{url}/?q=refund&f=skil:Flights")
    assert in_a_filter.status_code == 400
    assert "there is no field skil" in text_of(in_a_filter)


@pytest.mark.parametrize(
    "path",
    ["/?q=a)+OR+(b&f=skill:x", "/?q=a&from=2026-01-01+OR+*", "/?q=a&f=)+OR+(*", "/?q=a&to=2026-13-99", "/?q=&f=("],
)
def test_no_part_of_a_question_can_change_what_another_part_means(url: str, path: str) -> None:
    answer = httpx.get(url + path)
    assert answer.status_code == 400
    assert text_of(answer)


def test_the_line_under_the_box_says_how_much_is_proven_and_nothing_found_is_no_proof(url: str) -> None:
    found, nothing = (text_of(httpx.get(f"{url}/?q={word}")) for word in ("refund", "zzzz"))
    assert "proven complete" in found
    assert "that does not prove that there is nothing" in nothing


def test_what_is_not_there_is_said_and_leads_back(url: str) -> None:
    for path, status in (("/c/nobody", 404), ("/nowhere", 404), ("/coverage?day=nonsense", 400), ("/?after=x", 400)):
        answer = httpx.get(url + path)
        assert answer.status_code == status
        assert text_of(answer)
    assert httpx.get(f"{url}/static/../site.py").status_code == 404


def test_an_archive_that_does_not_exist_yet_is_said_to_be_so(tmp_path: Path) -> None:
    with page_of(tmp_path / "nothing") as url:
        answer = httpx.get(f"{url}/")
        assert answer.status_code == 400
        assert "archiver harvest" in text_of(answer)


def test_where_a_first_harvest_runs_the_page_says_so_until_there_is_something(tmp_path: Path) -> None:
    with page_of(tmp_path / "archive", respond=lambda path: (200, "text/plain", b"ok\n")) as url:
        answer = httpx.get(url)
        assert answer.status_code == 200
        assert "The first harvest begins" in text_of(answer)
        for path in ("/search.json", "/api/v1/search", "/api/v1/status", "/coverage", "/c/c"):
            assert httpx.get(url + path).status_code == 503, path
        indexed(kept(tmp_path / "archive", record("c", NOW, "hello")))
        assert "hello" in text_of(httpx.get(url))


def test_what_hinders_a_harvest_of_the_same_process_is_told_where_people_wait_for_it(tmp_path: Path) -> None:
    health = {"accounts": [{"troubles": [{"level": "red", "what": "LivePerson refused the client credentials"}]}]}

    def respond(path: str) -> tuple[int, str, bytes]:
        return 503, "application/json", json.dumps(health).encode()

    with page_of(tmp_path / "archive", respond=respond) as url:
        for path in ("/", "/status", "/coverage.json"):
            assert "refused the client credentials" in httpx.get(f"{url}{path}").text, path
    with page_of(kept(tmp_path / "archive", record("c", NOW, "hello")), respond=respond) as url:
        assert "refused the client credentials" in httpx.get(f"{url}/status").text
        assert "Nothing waits for a person" not in httpx.get(f"{url}/status").text


def test_the_status_says_when_liveperson_begins_to_delete_what_was_not_read(tmp_path: Path) -> None:
    with page_of(kept(tmp_path / "archive", record("c", NOW, "hello"))) as url:
        told = text_of(httpx.get(f"{url}/status"))
    assert "LivePerson begins to delete what was not read, within the next hour" in told


@pytest.mark.parametrize(
    ("hours", "words"),
    [(0.5, "within the next hour"), (1, "in 1 hour"), (71.4, "in 71 hours"), (72, "in 3 days"), (9_504, "in 396 days")],
)
def test_the_time_until_a_gap_is_lost_is_told_in_hours_or_days(hours: float, words: str) -> None:
    assert time_left(hours) == words


def test_an_empty_archive_shows_the_first_steps(tmp_path: Path) -> None:
    with page_of(kept(tmp_path / "archive")) as url:
        assert "The archive is empty" in text_of(httpx.get(f"{url}/"))


def test_an_index_that_does_not_answer_is_said_to_be_so(tmp_path: Path) -> None:
    folder = kept(tmp_path / "archive", record("c", NOW, "hello"))
    with page_of(folder, store="http://127.0.0.1:1") as url:
        answer = httpx.get(f"{url}/?q=hello", timeout=60)
        assert answer.status_code == 503
        assert "The search index does not answer" in text_of(answer)
        assert "hello" in text_of(httpx.get(f"{url}/c/c", timeout=60))
        assert httpx.get(f"{url}/status", timeout=60).status_code == 200


def actions(page: Markup) -> set[tuple[str, str]]:
    """The attributes by which scripts act."""
    return {item for _, attributes in page.elements for item in attributes.items() if item[0].startswith("hx-")}


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_a_customer_wrote_is_markup(url: str, tmp_path: Path, text: str) -> None:
    own = actions(Markup(httpx.get(f"{url}/?q=refund").text))
    status = {"customerInfo": {"customerInfo": {"customerStatus": text}}, "sdeType": "CUSTOMER_INFO"}
    person = {"participantId": text, "firstName": text, "consumerName": text}

    def raw(said: str) -> bytes:
        return record(
            "c", NOW, f"needle {said}", summary={"text": said}, sdes={"events": [status]},
            consumerParticipants=[person], info={"latestSkillName": said, "latestSkillId": 1},
        )  # fmt: skip

    folder = kept(kept(tmp_path / "archive", raw("harmless")), raw(text))
    paths = ("/?q=needle", "/?q=needle&view=table", "/c/c?q=needle", "/history/c", f"/?q={quote(text[:200])}")
    with page_of(folder) as hostile:
        for path in paths:
            answer = httpx.get(hostile + path)
            assert answer.status_code in (200, 400)
            page = Markup(answer.text)
            assert actions(page) <= own
            for tag, attributes in page.elements:
                assert tag not in {"img", "iframe", "textarea", "object", "embed", "base", "style"}, path
                assert tag != "script" or attributes["src"].startswith("/static/"), path
                assert not [name for name in attributes if name.startswith(("on", "data-hx", "style"))], path
                assert not attributes.get("href", "").lower().startswith(("javascript:", "data:")), path
            shown = re.sub(r'value="[^"]*"', "", answer.text)  # what was typed stays as it was typed
            assert {"\u202e", "\x00", "\x1b"}.isdisjoint(shown), path


def test_a_request_in_the_name_of_another_host_is_refused(url: str) -> None:
    port = urlsplit(url).port
    for host, status in ((f"localhost:{port}", 200), ("127.0.0.2", 200), ("evil.example", 421), ("", 421)):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.putrequest("GET", "/status.json", skip_host=True)
        if host:
            connection.putheader("Host", host)
        connection.endheaders()
        answer = connection.getresponse()
        assert answer.status in (status, 400), host
        assert (answer.status == 200) == (status == 200)
        connection.close()


def test_nothing_is_changed_by_a_request_and_other_methods_are_refused(url: str) -> None:
    assert httpx.post(f"{url}/").status_code == 403  # no page of ours sends a form there
    assert httpx.post(f"{url}/", headers={"Origin": url}).status_code == 405
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        assert httpx.request(method, f"{url}/").status_code == 405
    assert httpx.head(f"{url}/").status_code == 200


@pytest.mark.parametrize(
    ("method", "host", "headers", "status"),
    [
        ("POST", None, {}, 405), ("POST", None, {"Origin": "http://evil.example"}, 405), ("DELETE", None, {}, 405),
        ("GET", "evil.example", {}, 421), ("GET", None, {"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)  # fmt: skip
def test_what_is_refused_to_a_program_is_a_problem(
    url: str, method: str, host: str | None, headers: dict[str, str], status: int
) -> None:
    named = {"Host": host} if host else {}
    answer = httpx.request(method, f"{url}/api/v1/search?q=x", headers=named | headers)
    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (problem["status"], problem["code"], problem["hint"]) == (status, "refused", None)
    assert answer.headers.get("allow") == ("GET, HEAD" if status == 405 else None)


@pytest.mark.parametrize(
    "path", ["/?q=refund&form=2026-11-20", "/search.json?qq=lawyer", "/?limit=5", "/search.json?n"]
)
def test_a_parameter_that_is_unknown_is_refused_and_not_left_out(url: str, path: str) -> None:
    answer = httpx.get(f"{url}{path}")
    if path.endswith("?n"):
        assert answer.status_code == 200  # known, and empty
    else:
        assert (answer.status_code, "here is no parameter" in unescape(answer.text)) == (400, True)


def test_a_search_as_a_command_has_the_days_of_the_page(tmp_path: Path) -> None:
    folder = kept(tmp_path / "archive", record("c1", NOW, "hello"))
    for zone, begin in (("America/New_York", "archiver --tz America/New_York search"), ("UTC", "archiver search")):
        with page_of(folder, timezone=zone) as url:
            shown = unescape(httpx.get(f"{url}/?q=hello&from=2026-06-01").text)
            assert f"<code>{begin} '(hello) after:2026-06-01'" in shown


def test_an_address_or_a_query_that_is_too_long_is_refused(url: str) -> None:
    assert httpx.get(f"{url}/?q={'a' * 40_000}").status_code == 414
    assert httpx.get(f"{url}/?q={'a' * 12_000}").status_code == 400


def test_an_address_that_others_can_reach_is_refused(tmp_path: Path) -> None:
    for host in ("0.0.0.0", "::"):
        with pytest.raises(ConfigError, match="no login"), served(_never_opened(tmp_path), None, host, 0):
            pass


@pytest.mark.parametrize(
    ("host", "url", "is_warned"),
    [("0.0.0.0", "", True), ("0.0.0.0", "https://archive.example.com", False), ("127.0.0.1", "", False)],
)
def test_a_page_that_others_reach_without_https_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, host: str, url: str, is_warned: bool
) -> None:
    with served(_never_opened(tmp_path, web_auth="token", web_url=url), None, host, 0):
        assert ("without https" in caplog.text) == is_warned


def _never_opened(folder: Path, **given: str) -> Callable[[], Archive]:
    settings = find_settings({"archive": folder / "none", **given})
    return lambda: Archive(settings)


def test_a_taken_port_is_said_to_be_taken(url: str, tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigError, match="can't be served"),
        served(_never_opened(tmp_path), None, "127.0.0.1", urlsplit(url).port or 0),
    ):
        pass


def test_readers_at_the_same_time_each_get_their_own_answer(url: str) -> None:
    answers: dict[int, int] = {}

    def read(number: int) -> None:
        answers[number] = httpx.get(f"{url}/?q=refund&n={number}", timeout=60).status_code

    threads = [threading.Thread(target=read, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == dict.fromkeys(range(20), 200)


def test_health_is_the_harvests_if_there_is_one(tmp_path: Path) -> None:
    folder = kept(tmp_path / "archive")
    with page_of(folder) as url:
        assert httpx.get(f"{url}/metrics").status_code == 404
    answers = {"/metrics": (200, "text/plain", b"x 1\n"), "/readyz": (503, "text/plain", b"not ready\n")}
    with page_of(folder, respond=answers.get) as url:
        assert httpx.get(f"{url}/metrics").text == "x 1\n"
        assert httpx.get(f"{url}/readyz").status_code == 503


def test_a_permalink_of_a_long_conversation_opens_the_page_that_holds_the_message(tmp_path: Path) -> None:
    raw = record("long", NOW - timedelta(days=1), *(f"word{number}" for number in range(1, 1202)))
    with page_of(kept(tmp_path / "archive", raw)) as url:
        first, there = httpx.get(f"{url}/c/long"), httpx.get(f"{url}/c/long?m=1100")
        assert 'id="m150"' in first.text
        assert 'id="m151"' not in first.text
        assert 'id="m1100"' in there.text
        (link,) = dict.fromkeys(links(httpx.get(f"{url}/?q=word1100"), "#m1100"))
        assert 'id="m1100"' in httpx.get(url + link).text
        sevens = [str(number) for number in range(1, 1202) if str(number).startswith("7")]
        for part in (1, 401, 1201):
            found = httpx.get(f"{url}/c/long?q=word7*&m={part}")
            assert f"{len(sevens)} messages with matches" in text_of(found)
            assert set(sevens) <= {re.sub(r".*#m", "", href) for href in links(found, r"#m\d+$")}


def test_what_happened_stands_in_the_part_of_a_long_conversation_in_which_it_happened(tmp_path: Path) -> None:
    start = NOW - timedelta(days=1)
    at = start + timedelta(minutes=700)
    transfers = [{"timeL": int(at.timestamp() * 1000), "sourceSkillName": "Early", "targetSkillName": "Late"}]
    raw = record("long", start, *(f"word{number}" for number in range(1, 1202)), transfers=transfers)
    with page_of(kept(tmp_path / "archive", raw)) as url:
        parts = [httpx.get(f"{url}/c/long?m={number}") for number in range(1, 1202, 150)]
        assert sum("transfer from Early to Late" in text_of(part) for part in parts) == 1


def test_an_unread_day_is_not_said_to_have_had_nothing(tmp_path: Path) -> None:
    with page_of(kept(tmp_path / "archive", record("c", NOW - timedelta(days=40), "hello"))) as url:
        day = f"{NOW - timedelta(days=40):%Y-%m-%d}"
        assert "1 conversation kept, not asked for." in text_of(httpx.get(f"{url}/coverage?day={day}"))
        assert "0 announced" not in httpx.get(f"{url}/coverage").text
        (search,) = links(httpx.get(f"{url}/coverage?day={day}"), "started")
        assert httpx.get(url + search.replace("/?", "/search.json?")).json()["total"] == 1


def test_a_day_of_which_a_part_was_read_says_what_was_announced_of_it(tmp_path: Path) -> None:
    start = (NOW - timedelta(days=40)).replace(hour=0, minute=0, second=0, microsecond=0)
    folder = kept(tmp_path / "archive", record("c", start + timedelta(hours=1), "hello"))
    with open_archive(folder) as archive:
        read = Window(start, start + timedelta(hours=10))
        archive.record([WindowReading(read, WindowState.SEALED, 1, 1, 1, 1, "")], run=None, now=NOW)
    with page_of(folder) as url:
        told = text_of(httpx.get(f"{url}/coverage?day={start:%Y-%m-%d}"))
        assert "1 conversation kept, 1 announced, and part of the day is not read yet." in told
        assert "1 announced, " in text_of(httpx.get(f"{url}/coverage"))


def test_a_transcript_says_in_which_window_it_was_found_and_whether_that_is_proven(tmp_path: Path) -> None:
    start = datetime(2026, 3, 1, 10, 5, tzinfo=UTC)
    raws = [record("c", start, "hello"), record("beside", start + timedelta(hours=3), "hello")]
    folder = kept(tmp_path / "archive", *raws)
    begin = start.replace(minute=0)
    readings = [
        WindowReading(
            Window(begin - timedelta(hours=5), begin + timedelta(hours=2)), WindowState.UNPROVEN, 1, 0, 0, 0, ""
        ),
        WindowReading(Window(begin, begin + timedelta(minutes=10)), WindowState.SEALED, 1, 1, 1, 1, ""),
    ]
    with open_archive(folder) as archive:
        for reading in readings:
            archive.record([reading], run=None, now=NOW)
    with page_of(folder) as url:
        page = httpx.get(f"{url}/c/c", params={"tz": "Europe/Berlin"})
        assert "Window 01 Mar 2026 11:00 to 01 Mar 2026 11:10 , proven" in text_of(page)
        assert "/coverage?day=2026-03-01" in links(page)
        assert " Window " not in text_of(httpx.get(f"{url}/c/beside"))


def test_a_message_of_another_day_than_its_conversation_began_is_shown_with_its_day(tmp_path: Path) -> None:
    raw = json.loads(record("c", NOW - timedelta(days=9), "first", "needle"))
    raw["messageRecords"][1]["timeL"] = int((NOW - timedelta(days=2)).timestamp() * 1000)
    with page_of(kept(tmp_path / "archive", json.dumps(raw).encode())) as url:
        shown = text_of(httpx.get(f"{url}/?q=needle"))
        assert f"{NOW - timedelta(days=2):%d %b %Y %H:%M}" in shown


@pytest.mark.parametrize("sort", ["duration", "lowest-csat", "matches", "newest", "relevance"])
def test_whoever_goes_on_to_messages_keeps_the_order_if_messages_have_it(url: str, sort: str) -> None:
    asked = {"q": "refund", "scope": "message", "sort": sort, "f": "skill:Billing", "tz": "Asia/Tokyo"}
    answer = httpx.get(url, params=asked, follow_redirects=True)
    assert answer.status_code == 200
    chosen = [at["value"] for tag, at in Markup(answer.text).elements if tag == "option" and "selected" in at]
    assert chosen == ["message", sort if sort in ("newest", "relevance") else "newest"]
    assert 'value="refund"' in answer.text
    assert "skill:Billing" in text_of(answer)
    assert httpx.get(f"{url}/search.json", params=asked).status_code == (200 if sort in chosen else 400)


def test_counts_of_messages_say_who_wrote_them(url: str) -> None:
    shown = text_of(httpx.get(f"{url}/?q=refund&scope=message"))
    assert "Written by" in shown
    assert "Sender" in shown
    assert "Agent, took part" in shown


@pytest.mark.parametrize(
    ("box", "at", "texts", "start"),
    [
        ("sk", None, ["skill:"], 0),
        ("refund -sk", None, ["skill:"], 8),
        ("🙂 skill:Bil", None, ['skill:="Billing" '], 2),
        ('skill:="bil', None, ['skill:="Billing" '], 0),
        ("status:cl refund", 9, ["status:closed "], 0),
        ("(from:cus", None, ["from:customer "], 1),
        ("refund", None, [], 0),
        ("refund ", None, [], 0),
        ("nofield:x", None, [], 0),
        ("", None, [], 0),
        ("mcs:<4", None, [], 0),
        (f"{'word ' * 1_900} sk", None, ["skill:"], 9_501),
        ("a" * 9_999 + ")", None, [], 0),
    ],
)
def test_the_box_is_completed_by_fields_and_by_values_that_the_archive_has(
    url: str, box: str, at: int | None, texts: list[str], start: int
) -> None:
    parameters = {"q": box} | ({"at": str(at)} if at is not None else {})
    page = Markup(httpx.get(f"{url}/complete", params=parameters).text)
    items = [attributes for tag, attributes in page.elements if tag == "li"]
    assert [item["data-text"] for item in items] == texts
    assert all(item["data-start"] == str(start) for item in items)


@pytest.mark.parametrize(
    ("paths", "most"),
    [
        *(([path], 100_000) for path in PAGES),
        (["htmx.js", "page.js", "search.js"], 45_000),
        (["page.js", "transcript.js"], 10_000),
        (["page.css"], 20_000),
    ],
)
def test_no_page_is_large_nor_are_its_scripts_or_its_styles(url: str, paths: list[str], most: int) -> None:
    addresses = [path if path.startswith("/") else static_href(path) for path in paths]
    assert sum(len(httpx.get(url + address).content) for address in addresses) < most


def test_the_script_of_others_is_the_one_that_they_published() -> None:
    _, content = next(item for name, item in static_files().items() if name.startswith("htmx."))
    # dist/htmx.min.js of htmx.org 4.0.1, from https://registry.npmjs.org/htmx.org/-/htmx.org-4.0.1.tgz
    assert hashlib.sha256(content).hexdigest() == "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"


@pytest.mark.parametrize("field", sorted({*ZONES, *KEYWORDS} - {"by"}))
def test_a_search_for_any_value_of_a_field_shows_each_hit(url: str, field: str) -> None:
    answer = httpx.get(f"{url}/", params={"q": f"{field}:*" if field not in VALUES else f"{field}:{VALUES[field][0]}"})
    assert answer.status_code == 200
    assert "can't be shown" not in text_of(answer).lower()
    assert "<mark></mark>" not in answer.text


def test_a_table_of_messages_shows_each_with_its_sender_its_time_and_its_text(tmp_path: Path) -> None:
    raw = record("c", NOW - timedelta(days=2), "first needle", "second needle", "nothing")
    with page_of(kept(tmp_path / "archive", raw)) as url:
        answer = httpx.get(f"{url}/?q=needle&scope=message&view=table")
        shown = text_of(answer)
        assert "first needle" in shown
        assert "second needle" in shown
        assert "nothing" not in shown
        assert f"{NOW - timedelta(days=2):%d %b %Y}" in shown
        assert {"#m1", "#m2"} <= {f"#{href.partition('#')[2]}" for href in links(answer, "^/c/c")}


def test_the_background_gives_way_to_pages_and_not_to_forms_which_may_wait_for_it(tmp_path: Path) -> None:
    class Noted(Foreground):
        @contextmanager
        def answering(self) -> Iterator[None]:
            answers.append("answer")
            with super().answering():
                yield

    answers: list[str] = []
    settings = find_settings({"archive": kept(tmp_path / "archive", record("c", NOW, "hello"))})
    make = partial(Archive, settings, clock=lambda: NOW)
    with served(make, None, "127.0.0.1", 0, Noted()) as url:
        httpx.post(f"{url}/saved", data={"q": "hello", "name": "mine"}, headers={"Origin": url})
        assert answers == []
        assert httpx.get(url).status_code == 200
        assert answers == ["answer"]


@pytest.mark.parametrize("path", ["/?q=hello", "/search.json?q=hello", "/api/v1/search?q=hello", "/status"])
def test_no_page_writes_the_index_that_the_harvest_of_the_same_process_is_about_to_make(
    tmp_path: Path, path: str
) -> None:
    folder = kept(tmp_path / "archive", record("c", NOW, "hello"))
    with page_of(folder, respond=lambda _: None) as url:
        assert httpx.get(url + path).status_code == 200
        if path == "/status":
            given = {"q": "hello", "name": "n", "reason": "r"}
            refused = httpx.post(f"{url}/cases", data=given, headers={"Origin": url}, timeout=60)
            assert refused.status_code == 503
        found = httpx.get(f"{url}/search.json?q=hello").json()
        assert (found["total"], found["complete"]) == (0, False)
        assert "the harvest adds them" in str(found["notices"])
        indexed(folder)
        assert httpx.get(f"{url}/search.json?q=hello").json()["total"] == 1


def test_the_page_of_a_harvest_that_has_kept_nothing_yet_asks_for_no_other_harvest(tmp_path: Path) -> None:
    make_archive(tmp_path / "archive", ACCOUNT).close()
    with page_of(tmp_path / "archive", respond=lambda _: None) as url:
        assert "The first harvest begins" in text_of(httpx.get(url))
    with page_of(tmp_path / "archive") as url:
        assert "archiver harvest" in text_of(httpx.get(url))
