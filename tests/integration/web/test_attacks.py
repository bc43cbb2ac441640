"""The page under odd records, many readers at once, hostile clients, and an archive that goes away."""

from __future__ import annotations

import json
import logging
import shutil
import socket
import threading
import time
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from archiver import http_server
from archiver.app import Archive
from archiver.config import find_settings
from archiver.web import served
from archiver.web.security import POLICY
from tests.conftest import NOW, record
from tests.pages import Markup, kept, page_of
from tests.services import until

YEAR_9999 = 253_402_214_400_000  # milliseconds


def at_once(work: Any, count: int) -> list[Any]:
    """The results of so many calls in threads that begin together."""
    results: list[Any] = []
    gate = threading.Barrier(count)

    def run(number: int) -> None:
        gate.wait()
        results.append(work(number))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_many_first_readers_of_a_new_index_each_get_the_whole_answer(tmp_path: Path) -> None:
    raws = [record(f"c{number}", NOW - timedelta(minutes=number), "hello") for number in range(120)]
    for trial in range(3):
        folder = kept(tmp_path / f"archive{trial}", *raws)
        with page_of(folder) as url:
            found = at_once(lambda _, url=url: httpx.get(f"{url}/api/v1/search?q=hello", timeout=120), 12)
            assert [answer.status_code for answer in found] == [200] * 12
            assert {answer.json()["total"] for answer in found} == {120}


def test_what_is_kept_while_many_read_is_found_by_each_of_them(tmp_path: Path) -> None:
    folder = kept(tmp_path / "archive", record("first", NOW, "hello"))
    with page_of(folder) as url:
        for number in range(4):
            kept(folder, record(f"c{number}", NOW, "hello"))
            found = at_once(lambda _: httpx.get(f"{url}/search.json?q=hello", timeout=120), 8)
            assert [answer.status_code for answer in found] == [200] * 8
            assert {answer.json()["total"] for answer in found} == {number + 2}


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/Los_Angeles"])
def test_one_odd_record_costs_no_other_hit(tmp_path: Path, zone: str) -> None:
    odd = json.loads(record("odd", NOW, "hello", info={"duration": 2**63 - 1}))
    odd["messageRecords"][0]["timeL"] = YEAR_9999
    odd["info"]["endTimeL"] = YEAR_9999
    late = json.loads(record("late", NOW, "hello"))
    late["info"] |= {"startTimeL": YEAR_9999, "startTime": "9999-12-31 23:59:59.000+0000"}
    raws = [json.dumps(item).encode() for item in (odd, late)]
    folder = kept(tmp_path / "archive", *raws, record("good", NOW, "hello"))
    settings = find_settings({"archive": folder, "timezone": zone})
    with served(partial(Archive, settings, clock=lambda: NOW), None, "127.0.0.1", 0) as url:
        for path in ("/?q=hello", "/?q=hello&view=table", "/?q=hello&scope=message", "/c/odd", "/c/late", "/c/good"):
            answer = httpx.get(url + path)
            assert answer.status_code == 200, path
            assert "hello" in Markup(answer.text).text or "table" in path


def test_a_thousand_silent_connections_keep_nobody_out(tmp_path: Path) -> None:
    with page_of(kept(tmp_path / "archive", record("c", NOW, "hello"))) as url:
        address = ("127.0.0.1", urlsplit(url).port or 0)
        for _ in range(4):
            slow = [socket.create_connection(address) for _ in range(250)]
            for number, connection in enumerate(slow):
                connection.sendall(b"GET / HTTP/1.1\r\nX: "[: number % 20])
            assert httpx.get(f"{url}/healthz", timeout=20).text == "ok\n"
            assert httpx.get(f"{url}/c/c", timeout=20).status_code == 200
            for connection in slow:
                connection.close()


def _begun(address: tuple[str, int], begin: bytes, *, reads: bool) -> socket.socket:
    """A connection with an answer, which was read or not, and what a client sends of its next request."""
    connection = socket.create_connection(address)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.sendall(b"GET /c/c HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    if reads:
        connection.recv(1)
    connection.sendall(begin)
    return connection


@pytest.mark.parametrize(
    "begin", [b"", b"GET / HTTP/1.1\r\nX-A", b"POST /login HTTP/1.1\r\nContent-Length: 9\r\n\r\nx"]
)
@pytest.mark.parametrize("reads", [True, False])
def test_connections_that_were_answered_once_keep_nobody_out(
    tmp_path: Path, begin: bytes, reads: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server, "_MOST_SILENT", 10)
    long = record("c", NOW, *["a long message " * 50] * 150)  # an answer that the buffers of a socket do not hold
    with page_of(kept(tmp_path / "archive", long)) as url:
        address = ("127.0.0.1", urlsplit(url).port or 0)
        with ExitStack() as stack:
            connections = [stack.enter_context(_begun(address, begin, reads=reads)) for _ in range(40)]
            assert httpx.get(f"{url}/healthz", timeout=60).text == "ok\n"
            until(lambda: sum(map(_is_open, connections)) <= 10)


def _is_open(connection: socket.socket) -> bool:
    """Whether the server has not ended a connection, after all that it sent was read."""
    connection.setblocking(False)
    try:
        while connection.recv(1 << 20):
            pass
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


def test_health_and_files_are_answered_while_every_thread_is_busy(tmp_path: Path) -> None:
    folder, gate = kept(tmp_path / "archive", record("c", NOW, "hello")), threading.Event()

    class Slow(Archive):
        def transcript(self, conversation_id: str) -> Any:
            gate.wait(30)
            return super().transcript(conversation_id)

    def respond(path: str) -> tuple[int, str, bytes]:
        return 200, "text/plain", b"ok\n"

    with served(partial(Slow, find_settings({"archive": folder})), respond, "127.0.0.1", 0) as url:
        readers = [threading.Thread(target=httpx.get, args=(f"{url}/c/c",), kwargs={"timeout": 60}) for _ in range(12)]
        for reader in readers:
            reader.start()
        time.sleep(0.5)
        try:
            assert httpx.get(f"{url}/healthz", timeout=5).text == "ok\n"
            assert httpx.get(f"{url}/static/nothing", timeout=5).status_code == 404
        finally:
            gate.set()
            for reader in readers:
                reader.join()


def test_an_archive_that_was_removed_or_replaced_is_not_shown_any_more(tmp_path: Path) -> None:
    folder = kept(tmp_path / "archive", record("old", NOW, "hello"))
    with page_of(folder) as url:
        assert httpx.get(f"{url}/search.json?q=hello").json()["total"] == 1
        shutil.rmtree(folder)
        for path in ("/?q=hello", "/c/old", "/search.json?q=hello", "/api/v1/search?q=hello"):
            answer = httpx.get(url + path)
            assert answer.status_code == 400, path
            assert "does not exist" in answer.text
        assert not folder.exists()
        kept(folder, record("new", NOW, "hello"))
        assert httpx.get(f"{url}/c/old").status_code == 404
        assert "hello" in httpx.get(f"{url}/c/new").text
        assert [item["conversation_id"] for item in httpx.get(f"{url}/search.json").json()["items"]] == ["new"]


def test_a_fault_of_the_program_is_answered_with_all_headers_and_its_text_is_nowhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    class Broken(Archive):
        def transcript(self, conversation_id: str) -> Any:
            raise ValueError("SECRET that a customer wrote")

    folder = kept(tmp_path / "archive", record("c", NOW, "hello"))
    with (
        caplog.at_level(logging.DEBUG),
        served(partial(Broken, find_settings({"archive": folder})), None, "127.0.0.1", 0) as url,
    ):
        for path in ("/c/c", "/c.json/c", "/api/v1/conversations/c"):
            answer = httpx.get(url + path)
            assert answer.status_code == 500
            assert answer.headers["content-security-policy"] == POLICY
            assert "SECRET" not in answer.text
    assert "SECRET" not in caplog.text
    assert "SECRET" not in "".join(capfd.readouterr())
    assert "web.failed" in [getattr(logged, "event", "") for logged in caplog.records]


@pytest.mark.parametrize(
    "path", ["/", "/?q=skil:x", "/nowhere", "/c/nobody", "/static/nothing", "/healthz", "/c.json/x"]
)
def test_every_answer_has_the_whole_policy(tmp_path: Path, path: str) -> None:
    with page_of(kept(tmp_path / "archive", record("c", NOW, "hello"))) as url:
        answers = [
            httpx.get(url + path),
            httpx.post(url + path),
            httpx.get(url + path, headers={"Host": "evil.example"}),
        ]
        for answer in answers:
            assert answer.headers["content-security-policy"] == POLICY
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
            assert answer.headers["x-content-type-options"] == "nosniff"


def test_another_site_can_not_make_the_page_work_for_it(tmp_path: Path) -> None:
    with page_of(kept(tmp_path / "archive", record("c", NOW, "hello"))) as url:

        def asked(site: str, mode: str, dest: str) -> int:
            names = ("Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest")
            return httpx.get(url, headers=dict(zip(names, (site, mode, dest), strict=True))).status_code

        assert asked("cross-site", "no-cors", "image") == asked("same-site", "cors", "empty") == 403
        assert asked("cross-site", "navigate", "iframe") == 403
        assert asked("cross-site", "navigate", "document") == asked("same-origin", "cors", "empty") == 200
        assert asked("none", "navigate", "document") == 200


def test_a_question_of_very_many_parts_is_refused_before_it_costs_anything(tmp_path: Path) -> None:
    with page_of(kept(tmp_path / "archive", record("c", NOW, "hello"))) as url:
        answer = httpx.get(url + "/?" + "&".join(f"f=a{number}" for number in range(4_000)))
        assert answer.status_code == 400
        assert len(answer.content) < 200_000
        for path in (f"/search.json?limit={'9' * 5_000}", "/coverage?day=9999-12-31", "/coverage?day=0001-01-01"):
            assert httpx.get(url + path).status_code in (200, 400), path


IDS = ("a/history", "a/raw.json", "a.json", "a", "%2F", "/", "a?b=1#c", "ä ö", "..", "nl%0A")


def test_every_conversation_has_its_own_addresses_whatever_its_id(tmp_path: Path) -> None:
    raws = [record(id_, NOW, f"this is number {number}") for number, id_ in enumerate(IDS)]
    with page_of(kept(tmp_path / "archive", *raws)) as url:
        hits = Markup(httpx.get(f"{url}/?q=number").text)
        for number, id_ in enumerate(IDS):
            if id_ == "..":
                continue  # a client resolves it away
            path = f"/c/{quote(id_, safe='')}"
            assert [href for href in hits.links() if href.partition("?")[0] == path], id_
            page = httpx.get(url + path)
            assert f"this is number {number}" in page.text, id_
            links = Markup(page.text).links("^/(history|raw|c.json)/")
            assert len(set(links)) >= 3
            for href in links:
                assert (
                    f"number {number}" in httpx.get(url + href).text or "Versions of" in httpx.get(url + href).text
                ), href


def test_only_conversations_of_the_same_customer_are_called_so(tmp_path: Path) -> None:
    def of(id_: str, person: dict[str, Any]) -> bytes:
        return record(id_, NOW - timedelta(days=1), "hello", consumerParticipants=[person])

    folder = kept(
        tmp_path / "archive", of("mine", {"participantId": "1"}), of("also", {"participantId": "1"}),
        of("phone", {"participantId": "2", "phone": "+49 1 555"}),
        of("name", {"participantId": "3", "firstName": "1 Up"}),
    )  # fmt: skip
    with page_of(folder) as url:
        side = httpx.get(f"{url}/c/mine").text.partition("Same customer")[2].partition("Provenance")[0]
        assert Markup(side).links("^/c/") == ["/c/also"]


def test_the_words_of_the_calendar_and_the_bars_are_those_of_the_coverage(tmp_path: Path) -> None:
    folder = kept(tmp_path / "archive", record("c", NOW - timedelta(days=3), "hello"))
    with page_of(folder) as url:
        shown = httpx.get(f"{url}/?q=hello").text
        assert 'class="gap"' in shown
        assert ">no</td>" in shown
        calendar = httpx.get(f"{url}/coverage").text
        assert 'class="word">not read' in calendar
        assert 'class="word">proven' not in calendar
        assert httpx.get(f"{url}/raw/c").headers["content-disposition"].startswith("attachment")
