"""Who may see what on the page, by real sockets and a real OpenID Connect provider; and that all of it is audited."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import httpx
import pytest

from archiver.access import new_token, token_hash
from archiver.app import Archive
from archiver.archive import Grant, Grantee
from archiver.casework import Sample, item_of, items_of, make_case, mark
from archiver.config import find_settings
from archiver.errors import ConfigError
from archiver.liveperson.answers import read_record
from archiver.query import Scope
from archiver.web.sessions import LENGTH, Identity, Sessions
from tests import schemas
from tests.conftest import NOW, record
from tests.golden.filled import FULL_ID, filled_archive
from tests.pages import Markup, kept, page_of

# Of the provider's own code, which runs in this process.
pytestmark = [
    pytest.mark.filterwarnings("ignore::authlib.deprecate.AuthlibDeprecationWarning"),
    pytest.mark.filterwarnings("ignore:get_jwt_config:DeprecationWarning"),
]
HOUR = timedelta(hours=1)
PERSONAL = ("Łukasz", "l@consumer.example", "C77", "Luke", "+48 22 1")


class Desk:
    """An archive with people to whom something is granted, and a page of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = NOW
        self.url = ""
        self.open = ExitStack()

    def clock(self) -> datetime:
        return self.now

    def archive(self) -> Archive:
        return Archive(find_settings({"archive": self.folder}), clock=self.clock)

    def grant(
        self, name: str, *roles: str, rule: str | None = None, lasts: timedelta | None = None, is_group: bool = False
    ) -> str:
        token, kind = new_token(), Grantee.GROUP if is_group else Grantee.PERSON
        with self.archive() as archive:
            until = self.now + lasts if lasts else None
            archive.file.grants.add(Grant(kind, name, roles, rule, until), None if is_group else token_hash(token))
        return token

    def ask(self, token: str, path: str, **headers: str) -> httpx.Response:
        return httpx.get(self.url + path, headers={"Authorization": f"Bearer {token}", **headers}, timeout=60)

    def browser(self) -> httpx.Client:
        """Cookies, redirects and the headers that a browser sends with a form of our page."""
        headers = {"Sec-Fetch-Site": "same-origin"}
        return self.open.enter_context(
            httpx.Client(base_url=self.url, headers=headers, follow_redirects=True, timeout=60)
        )  # fmt: skip

    def entered(self, token: str) -> httpx.Client:
        browser = self.browser()
        assert browser.post("/login", data={"token": token, "next": "/"}).status_code == 200
        return browser

    def audited(self) -> list[dict[str, Any]]:
        with self.archive() as archive:
            assert list(archive.file.audit.faults()) == []
            return list(archive.file.audit.events())

    def actions(self, name: str) -> list[str]:
        return [event["event"]["action"] for event in self.audited() if event["user"]["name"] == name]


@contextmanager
def desk_of(folder: Path, **settings: object) -> Iterator[Desk]:
    desk = Desk(folder)
    with page_of(folder, clock=desk.clock, **{"web_auth": "token", **settings}) as url:
        desk.url = url
        with desk.open:
            yield desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    filled_archive(tmp_path / "archive").close()
    with desk_of(tmp_path / "archive") as made:
        yield made


# ── who gets in ──


PATHS = (
    "/?q=a", "/search.json?q=a", "/complete?q=skill:", f"/c/{FULL_ID}", f"/c.json/{FULL_ID}", f"/raw/{FULL_ID}",
    f"/history/{FULL_ID}", f"/history.json/{FULL_ID}", "/coverage", "/coverage.json", "/status", "/status.json",
    "/saved", "/saved.json", "/cases", "/cases.json",
    "/audit", "/audit.json", "/api/v1/search", "/api/v1/messages", "/api/v1/facets", "/api/v1/histogram",
    f"/api/v1/conversations/{FULL_ID}", f"/api/v1/conversations/{FULL_ID}/history",
    f"/api/v1/conversations/{FULL_ID}/raw", "/api/v1/coverage", "/api/v1/status", "/api/v1/changes",
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_nobody_sees_anything_without_a_login(desk: Desk, path: str) -> None:
    for token in ("", "wrong", "archiver_" + "x" * 43, "x" * 5000):
        answer = desk.ask(token, path) if token else httpx.get(desk.url + path)
        is_page = answer.status_code == 303
        assert is_page or answer.status_code == 401, answer.text
        assert not is_page or answer.headers["location"].startswith("/login?next=")
        assert not any(secret in answer.text for secret in (*PERSONAL, "12345678", "Billing", "refund"))


@pytest.mark.parametrize(
    ("role", "denied"),
    [
        (
            "reader",
            (
                "/audit",
                "/audit.json",
                "/cases",
                "/cases.json",
                "/api/v1/changes",
                f"/raw/{FULL_ID}",
                f"/api/v1/conversations/{FULL_ID}/raw",
            ),
        ),
        ("auditor", tuple(path for path in PATHS if not re.search("coverage|status|audit", path))),
        ("admin", tuple(path for path in PATHS if not re.search("coverage|status", path))),
        ("compliance", (f"/raw/{FULL_ID}", f"/api/v1/conversations/{FULL_ID}/raw")),
    ],
)
def test_each_role_sees_what_it_may_and_each_denial_is_audited(desk: Desk, role: str, denied: Sequence[str]) -> None:
    token = desk.grant("ed", role)
    statuses = {path: desk.ask(token, path).status_code for path in PATHS}
    assert statuses == {path: 403 if path in denied else 200 for path in PATHS}
    assert desk.actions("ed").count("denial") == len(denied)


def test_a_token_ends_with_its_time_and_when_it_is_revoked(desk: Desk) -> None:
    short, lasting = desk.grant("ed", "reader", lasts=HOUR), desk.grant("mara", "reader")
    browser, other = desk.entered(short), desk.entered(lasting)
    assert (desk.ask(short, "/status").status_code, browser.get("/status").url.path) == (200, "/status")
    desk.now += 2 * HOUR
    assert (desk.ask(short, "/status.json").status_code, browser.get("/status").url.path) == (401, "/login")
    assert other.get("/status").url.path == "/status"
    with desk.archive() as archive:
        archive.file.grants.revoke(archive.file.grants.one(Grantee.PERSON, "mara"))
    assert (desk.ask(lasting, "/status.json").status_code, other.get("/status").url.path) == (401, "/login")


def test_only_the_hash_of_a_token_is_kept(desk: Desk) -> None:
    token = desk.grant("ed", "reader")
    desk.entered(token).get("/")
    for path in desk.folder.rglob("*"):
        assert not path.is_file() or token.encode() not in path.read_bytes(), path


def test_a_person_gets_to_what_they_asked_for_and_leaves(desk: Desk) -> None:
    token = desk.grant("ed", "reader")
    browser = desk.browser()
    form = browser.get("/?q=refund&sort=oldest")
    goal = next(tag["value"] for name, tag in Markup(form.text).elements if tag.get("name") == "next")
    found = browser.post("/login", data={"token": token, "next": goal})
    assert (found.url.path, found.url.query) == ("/", b"q=refund&sort=oldest")
    assert "ed" in Markup(found.text).text
    assert browser.post("/logout").url.path == "/login"
    assert browser.get("/").url.path == "/login"
    assert desk.actions("ed") == ["login", "search", "logout"]


def test_a_wrong_token_is_told_and_audited(desk: Desk) -> None:
    answer = desk.browser().post("/login", data={"token": "archiver_wrong", "next": "/"})
    assert answer.status_code == 401
    assert "unknown or has expired" in Markup(answer.text).text
    (event,) = desk.audited()
    assert (event["event"]["action"], event["event"]["outcome"], event["source"]["ip"]) == (
        "login", "failure", "127.0.0.1",
    )  # fmt: skip
    assert "archiver_wrong" not in json.dumps(event)


@pytest.mark.parametrize(
    "goal",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil", "javascript:x", "/login", "", "/a\nb"],
)
def test_a_login_leads_to_this_page_only(desk: Desk, goal: str) -> None:
    token = desk.grant("ed", "reader")
    browser = desk.browser()
    browser.follow_redirects = False
    assert browser.post("/login", data={"token": token, "next": goal}).headers["location"] == "/"


def test_the_cookie_can_not_be_read_by_scripts_or_sent_by_other_sites(desk: Desk) -> None:
    browser = desk.browser()
    browser.follow_redirects = False
    cookie = browser.post("/login", data={"token": desk.grant("ed", "reader"), "next": "/"}).headers["set-cookie"]
    assert re.fullmatch(r"archiver=[\w-]{43}; HttpOnly; Max-Age=28800; Path=/; SameSite=lax", cookie)


def test_over_https_the_cookie_is_bound_to_host_and_encryption(tmp_path: Path) -> None:
    filled_archive(tmp_path / "archive").close()
    with desk_of(tmp_path / "archive", web_url="https://archive.example.com") as desk:
        headers = {"Host": "archive.example.com", "Origin": "https://archive.example.com"}
        form = {"token": desk.grant("ed", "reader"), "next": "/"}
        cookie = httpx.post(f"{desk.url}/login", data=form, headers=headers).headers["set-cookie"]
        assert cookie.startswith("__Host-archiver=")
        assert "; Secure" in cookie
        assert httpx.get(f"{desk.url}/login", headers={"Host": "evil.example"}).status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "cross-site", "Origin": "self"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/login", "/logout", f"/unmask/{FULL_ID}", f"/mask/{FULL_ID}", "/erasures/1"])
def test_a_form_of_another_site_is_refused(desk: Desk, headers: dict[str, str], path: str) -> None:
    sent = {name: desk.url if value == "self" else value for name, value in headers.items()}
    cookies = dict(desk.entered(desk.grant("ed", "compliance")).cookies)
    form = {"token": "x", "reason": "because", "decision": "keep"}
    assert httpx.post(desk.url + path, headers=sent, cookies=cookies, data=form).status_code == 403
    assert set(desk.actions("ed")) == {"login", "search"}


def test_nothing_is_changed_by_an_address_that_is_only_opened(desk: Desk) -> None:
    browser = desk.entered(desk.grant("ed", "compliance"))
    for path in ("/logout", f"/unmask/{FULL_ID}?reason=x", f"/mask/{FULL_ID}", "/erasures/1?decision=keep&reason=x"):
        assert browser.get(path).status_code == 405
    assert set(desk.actions("ed")) == {"login", "search"}


def test_sessions_end_after_their_time_and_never_grow_without_bound() -> None:
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    sessions = Sessions(lambda: now[0])
    first = sessions.begin(Identity("token", "ed"))
    for _ in range(10_050):
        last = sessions.begin(Identity("token", "ed"))
    assert (sessions.find(first), sessions.find(None), sessions.find("")) == (None, None, None)
    assert sessions.find(last) is not None
    now[0] += LENGTH
    assert sessions.find(last) is None


def test_what_proves_nothing_is_audited_and_can_not_fill_the_log(desk: Desk) -> None:
    for _ in range(3):
        assert desk.ask("archiver_wrong", "/search.json").status_code == 401
    desk.now += timedelta(seconds=2)
    assert desk.ask("archiver_wrong", "/search.json").status_code == 401
    assert httpx.get(f"{desk.url}/search.json").status_code == 401  # nobody in particular
    events = desk.audited()
    assert [(event["event"]["action"], event["event"]["outcome"]) for event in events] == [("login", "failure")] * 2
    assert [event["archive"]["count"] for event in events] == [1, 3]


@pytest.mark.parametrize(("role", "begins"), [("auditor", "/coverage"), ("admin", "/coverage"), ("reader", "/")])
def test_everybody_begins_at_a_page_that_they_may_see(desk: Desk, role: str, begins: str) -> None:
    answer = desk.entered(desk.grant("ed", role)).get("/")
    assert (answer.status_code, answer.url.path) == (200, begins)
    assert "denial" not in desk.actions("ed")
    for link in Markup(answer.text).links("^/[a-z]*$"):
        assert desk.entered(desk.grant("ed", role)).get(link).status_code == 200, link


def test_who_has_a_rule_is_led_to_no_page_about_all_conversations(skills: Desk) -> None:
    browser = skills.entered(skills.grant("ed", "compliance", rule='skill:="Billing"'))
    links = set(Markup(browser.get("/").text).links("^/[a-z]+$"))
    assert ({"/audit", "/saved"} & links, "/cases" in links) == (set(), True)
    assert all(browser.get(link).status_code == 200 for link in links)


def test_logins_that_prove_nothing_can_not_fill_the_log_however_they_are_tried(desk: Desk) -> None:
    for number in range(20):
        assert desk.browser().post("/login", data={"token": f"wrong{number}"}).status_code == 401
        assert desk.ask(f"wrong{number}", "/search.json").status_code == 401
    desk.now += timedelta(seconds=2)
    assert desk.browser().post("/login", data={"token": "wrong"}).status_code == 401
    assert [event["archive"]["count"] for event in desk.audited()] == [1, 40]
    desk.entered(desk.grant("ed", "reader"))  # who gets in is always noted
    assert desk.actions("ed") == ["login", "search"]


@pytest.mark.parametrize("reason", [".", "\u200b", "- -"])
def test_a_reason_that_says_nothing_unmasks_nothing(desk: Desk, reason: str) -> None:
    token = desk.grant("mara", "compliance")
    sent = {"Archiver-Unmask-Reason": reason.encode()}
    answer = httpx.get(
        f"{desk.url}/api/v1/conversations/{FULL_ID}",
        headers={"Authorization": f"Bearer {token}"} | sent,  # type: ignore[arg-type]
    )
    assert (answer.status_code, "a reason is needed" in answer.text) == (400, True)
    assert "unmask" not in desk.actions("mara")


def test_a_token_that_is_over_is_said_to_be_so_at_the_login(desk: Desk) -> None:
    token = desk.grant("ed", "reader", lasts=HOUR)
    desk.now += 2 * HOUR
    answer = desk.browser().post("/login", data={"token": token, "next": "/"})
    assert (answer.status_code, "unknown or has expired" in answer.text) == (401, True)


def test_leaving_without_being_there_says_nothing(desk: Desk) -> None:
    assert desk.browser().post("/logout").url.path == "/login"
    assert desk.audited() == []


def test_a_form_of_too_many_fields_or_bytes_is_refused_with_the_headers_of_every_answer(desk: Desk) -> None:
    for form in ({f"n{number}": "x" for number in range(500)}, {"token": "x" * 70_000}):
        answer = desk.browser().post("/login", data=form)
        assert (answer.status_code, "content-security-policy" in answer.headers) == (413, True)


def test_a_server_with_a_login_needs_an_archive_that_it_can_write(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archiver.archive.opening._may_write", lambda path: False)
    with pytest.raises(ConfigError, match="audit log"), page_of(desk.folder, web_auth="token"):
        pass


@pytest.mark.parametrize("files", [("missing.pem", "missing.key"), ("text.pem", "text.pem")])
def test_a_certificate_that_can_not_be_used_is_said_before_anything_is_served(
    tmp_path: Path, files: tuple[str, str]
) -> None:
    (tmp_path / "text.pem").write_text("no certificate")
    certificate, key = (tmp_path / name for name in files)
    with (
        pytest.raises(ConfigError, match="certificate"),
        page_of(kept(tmp_path / "a"), web_certificate=certificate, web_key=key),
    ):
        pass


# ── which conversations ──


@pytest.fixture
def skills(tmp_path: Path) -> Iterator[Desk]:
    raws = [
        record(
            f"{skill}-{number}",
            NOW - timedelta(hours=number + 1),
            f"hello from {skill}",
            info={"latestSkillName": skill},
        )
        for number, skill in enumerate(["Billing", "Sales", "Billing", "Sales", "Sales"])
    ]
    with desk_of(kept(tmp_path / "archive", *raws)) as made:
        yield made


def test_nobody_elsewhere_is_told_where_the_archive_and_its_index_lie(
    skills: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    token, folder = skills.grant("mara", "reader"), str(skills.folder)
    assert skills.ask(token, "/search.json").status_code == 200
    with skills.archive() as archive:
        archive.file.close()
    for index in {path.parent for path in Path(folder).rglob("meta.json")}:
        shutil.rmtree(index)
        index.write_text("no folder")
    for asked in ("/api/v1/search?q=hello", "/search.json?q=hello", "/?q=hello"):
        answer = skills.ask(token, asked)
        assert (answer.status_code >= 500, folder in answer.text) == (True, False), asked
        assert "its log says more" in answer.text
    assert "an answer could not be given" in caplog.text


def test_a_rule_of_a_whole_value_lets_nothing_through_that_only_reads_like_it(tmp_path: Path) -> None:
    names = ("Billing", "Billing EU", "billing", "The Billing", "Bílling")
    raws = [record(f"c{at}", NOW, "hello", info={"latestSkillName": name}) for at, name in enumerate(names)]
    with desk_of(kept(tmp_path / "archive", *raws)) as desk:
        ed = desk.grant("ed", "reader", rule='skill:="Billing"')
        for scope in Scope:
            for query in ("", "hello", 'skill:="Billing EU" OR hello', "skill:Billing"):
                mine = desk.ask(ed, f"/api/v1/search?q={quote(query)}&scope={scope}&facet=skill").json()
                assert {item["conversation_id"] for item in mine["items"]} == {"c0"}
                assert [value["value"] for value in mine["facets"]["skill"] if value["value"]] == ["Billing"]
        assert [desk.ask(ed, f"/api/v1/conversations/c{at}").status_code for at in range(5)] == [200, *[404] * 4]


def test_under_a_rule_no_answer_tells_when_others_started(tmp_path: Path) -> None:
    skills = {"mine": "Billing", "other": "Sales", "third": "Sales"}
    raws = [
        record(id_, NOW - timedelta(days=at), "hello", info={"latestSkillName": skill})
        for at, (id_, skill) in enumerate(skills.items())
    ]
    with desk_of(kept(tmp_path / "archive", *raws)) as desk:
        ed = desk.grant("ed", "reader", rule='skill:="Billing"')
        days = [f"{NOW - timedelta(days=at):%Y-%m-%d}" for at in range(1, 6)]
        answers = [desk.ask(ed, f"/api/v1/search?q=on:{day}").json() for day in days]
        assert {answer["total"] for answer in answers} == {0}
        assert len({answer["shallow"] for answer in answers}) == 1
        pages = {re.sub(r"[0-9]{2,}|[0-9] ms", "", Markup(desk.ask(ed, f"/?q=on:{day}").text).text) for day in days}
        assert len(pages) == 1, pages


def test_a_rule_holds_in_every_answer(skills: Desk) -> None:
    ed, everybody = skills.grant("ed", "reader", rule="skill:Billing"), skills.grant("mara", "reader")
    for query in ("", "hello", "hello OR *", "-nothing", "skill:Sales OR skill:Billing", "skill:Sales", "id:Sales-1"):
        for scope in Scope:
            asked = f"/api/v1/search?q={quote(query)}&scope={scope}&facet=skill&facet=month"
            mine, all_ = (skills.ask(token, asked).json() for token in (ed, everybody))
            wanted = [item for item in all_["items"] if item["skill"] == "Billing"]
            assert [item["conversation_id"] for item in mine["items"]] == [item["conversation_id"] for item in wanted]
            assert mine["total"] == len(wanted)
            assert {value["value"] for value in mine["facets"]["skill"]} <= {"Billing"}
            schemas.checked(mine)
    bars = skills.ask(ed, "/api/v1/histogram?interval=year").json()
    assert sum(bar["count"] for bar in bars["bars"]) == 2
    assert "Sales" not in skills.ask(ed, "/complete?q=skill:").text
    page = Markup(skills.ask(ed, "/?q=hello").text).text
    assert "2 conversations" in page
    assert "Sales" not in page


def test_what_saved_searches_find_is_not_for_who_sees_some_conversations_only(skills: Desk) -> None:
    rita = skills.entered(skills.grant("rita", "reviewer", rule="skill:Billing"))
    assert [rita.get(path).status_code for path in ("/saved", "/saved.json")] == [403, 403]
    saved = rita.post("/saved", data={"name": "s", "q": "insolvency skill:Sales", "scope": "message"})
    assert saved.status_code == 403
    page = rita.get("/?q=hello").text
    assert ("Save this search" in page, 'href="/saved"' in page, "Make a case" in page) == (False, False, True)


def test_a_case_shows_each_reviewer_what_is_for_them(skills: Desk) -> None:
    with skills.archive() as archive:
        case, count = make_case(archive, "all", "r", sample=Sample(size=9, seed="s"))
        for item in items_of(archive, case):
            mark(archive, case, item_of(archive, case, item.conversation_id))
    rita = skills.entered(skills.grant("rita", "reviewer", rule="skill:Billing"))
    content = rita.get("/cases.json/all").json()
    assert count == 5
    assert [item["conversation_id"] for item in content["items"]] == ["Billing-0", "Billing-2"]
    assert (content["counts"]["all"], content["population"], content["estimate"]) == (2, 0, None)
    assert "Sales" not in rita.get("/cases/all").text.replace("Made of", "")
    with skills.archive() as archive:
        make_case(archive, "dossier", "suspect Mr X", "skill:Sales")
    for path in ("/cases", "/cases.json", "/c/Billing-0"):
        answer = rita.get(path)
        assert (answer.status_code, "dossier" in answer.text, "Mr X" in answer.text) == (200, False, False)
    assert rita.get("/cases.json/dossier").status_code == 404
    rita.post("/cases", data={"name": "mine", "q": "", "reason": "r"})
    assert rita.get("/cases.json/mine").json()["items"] == []

    for path in ("/reviews", "/case-items"):
        form = {"case": "all", "id": "Sales-1", "status": "relevant"}
        assert rita.post(path, data=form).status_code == 404


def test_a_conversation_that_is_not_for_a_person_is_as_if_there_were_none(skills: Desk) -> None:
    token = skills.grant("ed", "compliance", rule="skill:Billing")
    for path in ("/c/{}", "/c.json/{}", "/history/{}", "/history.json/{}", "/raw/{}", "/api/v1/conversations/{}",
                 "/api/v1/conversations/{}/history", "/api/v1/conversations/{}/raw"):  # fmt: skip
        withheld, absent = (
            skills.ask(token, path.format(id_), **{"Archiver-Unmask-Reason": "x"}) for id_ in ("Sales-1", "Sales-9")
        )
        assert (withheld.status_code, absent.status_code) == (404, 404)
        assert withheld.text == absent.text.replace("Sales-9", "Sales-1")
    etag = skills.ask(skills.grant("mara", "reader"), "/api/v1/conversations/Sales-1").headers["etag"]
    assert skills.ask(token, "/api/v1/conversations/Sales-1", **{"If-None-Match": etag}).status_code == 404
    assert skills.ask(token, "/api/v1/changes").status_code == 403
    browser = skills.entered(token)
    assert browser.post("/unmask/Sales-1", data={"reason": "x"}).status_code == 404
    assert skills.ask(token, "/c/Billing-0").status_code == 200
    assert skills.actions("ed").count("denial") >= 17


def test_nothing_that_is_said_beside_an_answer_tells_what_is_not_for_a_person(skills: Desk) -> None:
    everybody, ruled = skills.grant("mara", "compliance"), skills.grant("ed", "reader", rule="skill:Billing")
    for query in ("skill:Salex", "skill:Sales", "skill:Nope", "id:Sales-1", "id:nope", "customer:x"):
        answer = skills.ask(ruled, f"/api/v1/search?q={query}").json()
        assert (answer["notices"], answer["total"]) == ([], 0), query
        assert not any(
            "did you mean" in notice for notice in skills.ask(everybody, f"/api/v1/search?q={query}").json()["notices"]
        )
    assert skills.ask(ruled, "/api/v1/search?q=hello").json()["span"]["conversations"] == 2
    assert skills.ask(everybody, "/api/v1/search?q=hello").json()["span"]["conversations"] == 5


def test_who_sees_some_conversations_does_not_read_about_the_others_in_the_log(skills: Desk) -> None:
    assert skills.ask(skills.grant("ed", "compliance", rule="skill:Billing"), "/audit").status_code == 403


def test_a_conversation_that_moved_since_it_was_indexed_is_not_shown(
    skills: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = skills.grant("ed", "reader", rule="skill:Billing")
    assert skills.ask(token, "/search.json").json()["total"] == 2
    with skills.archive() as archive:
        archive.file.keep([read_record(record("Billing-0", NOW, "secret", info={"latestSkillName": "Sales"}))], (), NOW)  # type: ignore[list-item]
    monkeypatch.setattr("archiver.index.readiness.is_behind", lambda *_: False)  # as if another process wrote the index
    monkeypatch.setattr("archiver.web.archives.Archives.bring_up_to_date", lambda _: None)
    answer = skills.ask(token, "/search.json?q=-nothing")
    assert "secret" not in answer.text
    assert "Billing-0" not in answer.text


# ── personal data ──


def readable(answer: httpx.Response) -> str:
    return answer.text if answer.headers["content-type"].endswith("json") else Markup(answer.text).text


@pytest.mark.parametrize(
    "path",
    [
        "/?q=refund", "/?q=refund&view=table", "/?scope=message&q=refund&view=table", "/search.json?q=refund",
        f"/c/{FULL_ID}?q=refund", f"/c.json/{FULL_ID}", f"/history/{FULL_ID}", f"/history.json/{FULL_ID}", "/c/phone",
        "/api/v1/search?q=refund&context=5", "/api/v1/messages?q=refund&context=3", "/history/phone",
        f"/api/v1/conversations/{FULL_ID}", "/api/v1/conversations/phone", "/c.json/phone",
        "/search.json?q=customerInfo.*:C77 OR sde:C77",
    ],
)  # fmt: skip
def test_personal_data_is_masked_for_whoever_has_given_no_reason(desk: Desk, path: str) -> None:
    for role in ("reader", "reviewer", "exporter", "compliance"):
        answer = desk.ask(desk.grant("ed", role), path)
        assert answer.status_code == 200, answer.text
        assert "•" in readable(answer) or "history" in path
        # what was asked for is said back; nothing else is
        said = readable(answer).replace(parse_qs(urlsplit(path).query).get("q", ["-"])[0], "")
        found = [secret for secret in PERSONAL if secret in said]
        assert found == ([] if "C77" not in path else ["C77"] if found else [])


def test_what_liveperson_deleted_stays_masked_though_nobody_is_named_any_more(tmp_path: Path) -> None:
    who = [{"participantId": "p", "firstName": "Zelda", "lastName": "Quorvath"}]
    before = record("c1", NOW, "I am Zelda Quorvath", consumerParticipants=who)
    folder = kept(tmp_path / "archive", before, record("c1", NOW, "** LP deleted data **"))
    with desk_of(folder) as desk:
        token = desk.grant("ed", "reader")
        for path in ("/c/c1", "/c.json/c1", "/history/c1", "/history.json/c1", "/search.json?q=is:earlier am",
                     "/?q=is:earlier am", "/api/v1/messages?q=am", "/api/v1/conversations/c1/history"):  # fmt: skip
            answer = desk.ask(token, path)
            assert answer.status_code == 200, answer.text
            assert "Zelda" not in answer.text, path


def test_a_masked_reader_is_not_told_names_that_are_like_what_they_asked_for(desk: Desk) -> None:
    answer = desk.ask(desk.grant("ed", "reader"), "/api/v1/search?q=customer:Lukass")
    assert not any("mean" in notice for notice in answer.json()["notices"])


@pytest.mark.parametrize("facet", ["customer", "sde"])
def test_values_that_are_personal_data_are_not_counted_where_they_are_masked(desk: Desk, facet: str) -> None:
    token = desk.grant("ed", "compliance")
    assert desk.ask(token, f"/api/v1/facets?facet={facet}").status_code == 403
    answer = desk.ask(token, f"/api/v1/facets?facet={facet}", **{"Archiver-Unmask-Reason": "case 7"})
    assert answer.status_code == 200
    assert desk.ask(desk.grant("mo", "reader"), "/api/v1/facets?facet=sender&scope=message").status_code == 403


def test_a_program_sees_personal_data_for_a_reason_which_is_audited_before_the_answer(desk: Desk) -> None:
    token = desk.grant("mara", "compliance")
    path = f"/api/v1/conversations/{FULL_ID}"
    masked, shown = desk.ask(token, path), desk.ask(token, path, **{"Archiver-Unmask-Reason": "case 7"})
    assert ("Łukasz" in masked.text, "Łukasz" in shown.text) == (False, True)
    assert masked.headers["etag"] != shown.headers["etag"]
    event = next(event for event in desk.audited() if event["event"]["action"] == "unmask")
    assert (event["event"]["reason"], event["archive"]["conversation_id"]) == ("case 7", FULL_ID)


def test_a_reason_of_somebody_who_may_not_unmask_is_refused_and_audited(desk: Desk) -> None:
    reader = desk.grant("ed", "reader")
    answer = desk.ask(reader, f"/api/v1/conversations/{FULL_ID}", **{"Archiver-Unmask-Reason": "curious"})
    assert (answer.status_code, answer.json()["detail"]) == (403, "ed may not unmask")
    assert desk.actions("ed") == ["denial"]


@pytest.mark.parametrize(
    "id_", ["8b49d123-4567-4c77-87da-a2cc681617f4", "4915112345678", "anna@example.com", "anna"]
)  # fmt: skip
def test_who_sees_masked_data_is_told_of_the_other_conversations_of_a_customer(tmp_path: Path, id_: str) -> None:
    def of(conversation_id: str, consumer: str) -> bytes:
        people = [{"participantId": consumer, "consumerName": "Anna", "loginName": "anna"}]
        return record(conversation_id, NOW, "hello", consumerParticipants=people)

    other = id_.replace("a", "b").replace("1", "2")
    raws = [of("c1", id_), of("c2", id_), of("c3", other), of("c4", "x" * len(id_))]
    with desk_of(kept(tmp_path / "archive", *raws)) as desk:
        page = Markup(desk.entered(desk.grant("ed", "reader")).get("/c/c1").text)
        beside = [link for link in page.links("^/c/") if link.startswith(("/c/c2", "/c/c3", "/c/c4"))]
        same = page.text.partition("Same customer")[2]
        assert ("No other conversation" in same, sum(link.startswith("/c/c2") for link in beside) > 0) == (False, True)
        assert "%E2%80%A2" not in " ".join(page.links())  # no search for dots


def test_a_case_of_somebody_with_a_rule_says_what_it_is_made_of(skills: Desk) -> None:
    rita = skills.entered(skills.grant("rita", "reviewer", rule='skill:="Billing"'))
    rita.post("/cases", data={"name": "mine", "q": "hello OR bye", "reason": "r"})
    made = skills.entered(skills.grant("ed", "reviewer")).get("/cases.json/mine").json()
    query = made["case"]["query"] if "case" in made else made["query"]
    token = skills.grant("mo", "reader")
    found = skills.ask(token, f"/api/v1/search?q={quote(query)}").json()
    assert {item["conversation_id"] for item in found["items"]} == {"Billing-0", "Billing-2"}


def test_a_person_sees_the_personal_data_of_one_conversation_for_a_reason(desk: Desk) -> None:
    browser = desk.entered(desk.grant("mara", "compliance"))
    assert "personal data is masked" in Markup(browser.get(f"/c/{FULL_ID}").text).text
    assert browser.post(f"/unmask/{FULL_ID}", data={"reason": "  "}).status_code == 400
    shown = browser.post(f"/unmask/{FULL_ID}", data={"reason": "case 7", "q": "refund"})
    assert (shown.url.path, "Łukasz" in shown.text) == (f"/c/{FULL_ID}", True)
    assert browser.get(f"/raw/{FULL_ID}").status_code == 200
    assert "Łukasz" not in browser.get("/c/phone").text
    assert "Łukasz" not in browser.get("/?q=refund").text
    assert "Łukasz" not in desk.entered(desk.grant("other", "compliance")).get(f"/c/{FULL_ID}").text
    event = next(event for event in desk.audited() if event["event"]["action"] == "unmask")
    assert (event["event"]["reason"], event["archive"]["via"]) == ("case 7", "page")
    assert re.search(r"shown to you until [0-9]+ \w+ [0-9: ]+, when your login ends", Markup(shown.text).text)
    masked = browser.post(f"/mask/{FULL_ID}", data={"q": "refund"})
    assert (masked.url.path, "Łukasz" in masked.text) == (f"/c/{FULL_ID}", False)
    assert browser.get(f"/raw/{FULL_ID}").status_code == 403


@pytest.mark.parametrize(("role", "said"), [("reader", "needs the role compliance"), ("compliance", "Unmask the conv")])
def test_who_may_not_see_a_raw_record_is_told_what_to_do(desk: Desk, role: str, said: str) -> None:
    for path in (f"/raw/{FULL_ID}", f"/api/v1/conversations/{FULL_ID}/raw"):
        answer = desk.ask(desk.grant("ed", role), path)
        assert (answer.status_code, said in answer.text) == (403, True)


# ── decisions and the audit log ──


def test_an_erasure_is_decided_on_the_page_by_whoever_may_for_a_reason(desk: Desk) -> None:
    reader = Markup(desk.entered(desk.grant("ed", "reader")).get("/status").text).text
    assert ("my card is 4111" in reader, "compliance decides" in reader) == (False, True)
    browser = desk.entered(desk.grant("mara", "compliance"))
    shown = browser.get("/status").text
    (number,) = re.findall(r'action="/erasures/(\d+)"', shown)
    assert "my card is 4111" in shown
    assert browser.post(f"/erasures/{number}", data={"decision": "keep", "reason": ""}).status_code == 400
    assert (
        desk.entered(desk.grant("ed", "reviewer"))
        .post(f"/erasures/{number}", data={"decision": "keep", "reason": "x"})
        .status_code
        == 403
    )
    after = browser.post(f"/erasures/{number}", data={"decision": "keep", "reason": "hold 7"})
    assert "Nothing waits for a decision" in Markup(after.text).text
    assert browser.post(f"/erasures/{number}", data={"decision": "keep", "reason": "x"}).status_code == 404
    with desk.archive() as archive:
        decided = {item.seq: item for item in archive.file.erasures.listed(is_pending=False)}[int(number)]
    assert (decided.decided_by, decided.reason) == ("mara", "hold 7")
    event = next(event for event in desk.audited() if event["event"]["action"] == "decision")
    assert (event["archive"]["decision"], event["event"]["reason"]) == ("keep", "hold 7")


def test_every_search_view_and_look_at_the_log_is_in_the_log(desk: Desk) -> None:
    token = desk.grant("mara", "compliance")
    for path in ("/?q=refund", "/search.json?q=refund", "/api/v1/search?q=refund", "/api/v1/messages?q=refund",
                 "/api/v1/facets?q=refund&facet=skill", "/api/v1/histogram?q=refund"):  # fmt: skip
        assert desk.ask(token, path).status_code == 200
    for path in (f"/c/{FULL_ID}", f"/c.json/{FULL_ID}", f"/history/{FULL_ID}", f"/api/v1/conversations/{FULL_ID}"):
        assert desk.ask(token, path).status_code == 200
    etag = desk.ask(token, f"/api/v1/conversations/{FULL_ID}").headers["etag"]
    assert desk.ask(token, f"/api/v1/conversations/{FULL_ID}", **{"If-None-Match": etag}).status_code == 304
    desk.ask(token, "/audit")
    assert desk.actions("mara") == ["search"] * 6 + ["view"] * 6 + ["audit"]
    events = desk.audited()
    assert {event["archive"]["query"] for event in events[:6]} == {"refund"}
    assert {event["archive"]["hits_total"] for event in events[:3]} == {events[0]["archive"]["hits_total"]}
    assert all(event["user"]["roles"] == ["compliance"] for event in events)


def test_the_log_is_read_page_by_page_and_narrowed(desk: Desk) -> None:
    token, other = desk.grant("mara", "auditor"), desk.grant("ed", "reader")
    for number in range(103):
        desk.ask(other, f"/search.json?q=word{number}")
    first = desk.ask(token, "/audit?user=ed&action=search")
    (following,) = Markup(first.text).links("before=")
    assert "word102" in first.text
    second = desk.ask(token, following).text
    assert ("word0" in second, "word102" in second) == (True, False)
    assert desk.ask(token, "/audit.json?user=ed").json()["items"][0]["user"]["name"] == "ed"


def test_nothing_is_answered_that_can_not_be_audited(desk: Desk) -> None:
    token = desk.grant("ed", "reader")
    assert desk.ask(token, "/search.json?q=refund").status_code == 200
    desk.folder.joinpath("audit.sqlite3").unlink()
    desk.folder.joinpath("audit.sqlite3").mkdir()
    for path in ("/?q=refund", "/search.json?q=refund", f"/c/{FULL_ID}", f"/api/v1/conversations/{FULL_ID}"):
        answer = desk.ask(token, path)
        assert answer.status_code >= 500, path
        assert "Your order" not in answer.text


def test_a_reviewer_saves_a_search_which_everybody_who_reads_sees(desk: Desk) -> None:
    browser = desk.entered(desk.grant("ed", "reviewer"))
    assert "Save this search" in browser.get("/?q=refund").text
    assert "Save this search" not in desk.ask(desk.grant("mo", "reader"), "/?q=refund").text
    shown = browser.post("/saved", data={"name": "my <b>refunds</b>", "q": "refund skill:Billing", "scope": "message"})
    assert shown.url.path == "/saved"
    assert "my <b>refunds</b>" in Markup(shown.text).text
    (link,) = Markup(shown.text).links("scope=message")
    assert browser.get(link).status_code == 200
    assert desk.ask(desk.grant("mo", "reader"), "/saved.json").json()["items"][0]["query"] == "refund skill:Billing"
    for form in ({"name": "", "q": "x"}, {"name": "n", "q": "(x"}, {"name": "n", "q": "x", "scope": "planet"}):
        assert browser.post("/saved", data={"scope": "message", **form}).status_code == 400
    assert (
        desk.entered(desk.grant("mo", "reader"))
        .post("/saved", data={"name": "n", "q": "x", "scope": "message"})
        .status_code
        == 403
    )
    assert "save" in desk.actions("ed")


def test_reviewers_work_through_a_case_on_the_page(desk: Desk) -> None:
    browser = desk.entered(desk.grant("ed", "reviewer"))
    assert "Make a case of this" in browser.get("/?q=refund").text
    made = browser.post("/cases", data={"name": "a/<b>7", "q": "refund", "reason": "a <i>complaint</i>"})
    assert made.url.raw_path == b"/cases/a%2F%3Cb%3E7"
    page = Markup(made.text)
    assert "a <i>complaint</i>" in page.text
    assert "2 conversations: 2 unread" in page.text
    (first, second) = page.links("/c/")
    shown = browser.get(first)
    form = {
        "case": "a/<b>7",
        "id": FULL_ID,
        "status": "relevant",
        "tags": "insider, urgent,, insider",
        "note": "two\nlines",
    }
    assert browser.post("/reviews", data=form | {"seen": "0"}).status_code == 400  # somebody else was there

    def seen(path: str) -> dict[str, str]:
        (state,) = re.findall(r'name="seen" value="(\w+)"', browser.get(path).text)
        return {"seen": state}

    moved = browser.post("/reviews", data=form | seen(first))
    assert "2 conversations of the case unread" in Markup(shown.text).text
    assert moved.url.path == second.partition("?")[0]  # the next that nobody has read
    content = browser.get("/cases.json/a%2F%3Cb%3E7").json()
    item = content["items"][0]
    assert (item["status"], item["tags"], item["note"], item["reviewer"]) == (
        "relevant", ["insider", "urgent"], "two\nlines", "ed",
    )  # fmt: skip
    last = browser.post("/reviews", data=form | {"id": "phone", "status": "irrelevant"} | seen("/c/phone"))
    assert last.url.raw_path == made.url.raw_path  # nothing is unread
    assert Markup(browser.get("/cases/a%2F%3Cb%3E7?only=relevant").text).links("/c/") == [first]
    browser.post("/case-items", data={"case": "a/<b>7", "id": "kept30"})
    assert browser.get("/cases.json/a%2F%3Cb%3E7").json()["items"][1]["part"] == "added"
    assert desk.actions("ed").count("case") == 4


@pytest.mark.parametrize(
    ("path", "form", "code"),
    [
        ("/cases", {"name": "", "q": "x", "reason": "r"}, 400),
        ("/cases", {"name": "n", "q": "x", "reason": ""}, 400),
        ("/cases", {"name": "n", "q": "(x", "reason": "r"}, 400),
        ("/cases", {"name": "taken", "q": "x", "reason": "r"}, 400),
        ("/case-items", {"case": "taken", "id": "nobody"}, 404),
        ("/case-items", {"case": "nothing", "id": FULL_ID}, 404),
        ("/reviews", {"case": "taken", "id": "kept30", "status": "relevant"}, 404),
        ("/reviews", {"case": "taken", "id": FULL_ID, "status": "planet"}, 400),
        ("/reviews", {"case": "taken", "id": FULL_ID, "status": "open", "tags": "x" * 1_001}, 400),
    ],
)
def test_a_case_takes_nothing_that_makes_no_sense(desk: Desk, path: str, form: dict[str, str], code: int) -> None:
    browser = desk.entered(desk.grant("ed", "reviewer"))
    browser.post("/cases", data={"name": "taken", "q": "refund", "reason": "r"})
    before = browser.get("/cases.json/taken").json()
    assert browser.post(path, data=form).status_code == code
    assert browser.get("/cases.json/taken").json() == before
    assert len(Markup(browser.get("/cases").text).links("/cases/")) == 1
    assert desk.entered(desk.grant("mo", "reader")).post(path, data=form).status_code == 403


@pytest.mark.parametrize("only", ["", "unread"])
def test_the_pages_of_a_case_show_each_conversation_once(tmp_path: Path, only: str) -> None:
    ids = [f"c {at:03}&é" for at in range(230)]
    with desk_of(kept(tmp_path / "archive", *(record(id_, NOW, "hello") for id_ in ids))) as desk:
        browser = desk.entered(desk.grant("ed", "reviewer"))
        browser.post("/cases", data={"name": "all/7", "q": "hello", "reason": "r"})
        href, shown, parts = f"/cases/all%2F7?only={only}", list[str](), list[str]()
        while href:
            page = Markup(browser.get(href).text)
            shown += [unquote(urlsplit(link).path.removeprefix("/c/")) for link in page.links("/c/")]
            parts += re.findall("[0-9]+ to [0-9]+ of [0-9]+", page.text)
            browser.post("/reviews", data={"case": "all/7", "id": shown[-1], "status": "relevant"})
            href = next((link for link in page.links("after=")), "")
        assert (shown, parts[0]) == (ids, "1 to 100 of 230")


# ── a proxy, and a provider ──


PROXY = {
    "web_auth": "proxy", "proxy_networks": "127.0.0.0/8, 10.0.0.0/8", "proxy_secret": "s3cret",
}  # fmt: skip


def test_a_proxy_names_people_by_its_secret_and_nobody_else_does(tmp_path: Path) -> None:
    filled_archive(tmp_path / "archive").close()
    with desk_of(tmp_path / "archive", **PROXY) as desk:
        desk.grant("legal", "reader", is_group=True)
        told = {"X-Archiver-Proxy-Secret": "s3cret", "X-Forwarded-User": "mara", "X-Forwarded-Groups": "a, legal"}

        def ask(headers: dict[str, str]) -> int:
            return httpx.get(f"{desk.url}/search.json", headers=headers).status_code

        assert ask(told) == 200
        assert ask(told | {"X-Archiver-Proxy-Secret": "guess"}) == 401
        assert ask({name: value for name, value in told.items() if "Secret" not in name}) == 401
        assert ask(told | {"X-Forwarded-Groups": "other"}) == 401
        assert ask(told | {"X-Forwarded-User": ""}) == 401
        assert httpx.get(f"{desk.url}/", headers={}).status_code == 401
        assert desk.actions("mara") == ["search"]
    with desk_of(tmp_path / "archive", **PROXY | {"proxy_networks": "10.0.0.0/8"}) as desk:
        assert httpx.get(f"{desk.url}/search.json", headers=told).status_code == 401


def test_behind_a_proxy_a_person_unmasks_for_a_reason_too(tmp_path: Path) -> None:
    filled_archive(tmp_path / "archive").close()
    with desk_of(tmp_path / "archive", **PROXY) as desk:
        desk.grant("legal", "compliance", is_group=True)
        told = {"X-Archiver-Proxy-Secret": "s3cret", "X-Forwarded-User": "mara", "X-Forwarded-Groups": "legal"}
        browser = desk.browser()
        browser.headers.update(told)
        assert "Łukasz" not in browser.get(f"/c/{FULL_ID}").text
        assert "Łukasz" in browser.post(f"/unmask/{FULL_ID}", data={"reason": "case 7"}).text
        doubled = [*told.items(), ("X-Forwarded-User", "admin"), ("Sec-Fetch-Site", "same-origin")]
        assert httpx.get(f"{desk.url}/search.json", headers=doubled).status_code == 401
        secrets = [*told.items(), ("X-Archiver-Proxy-Secret", "s3cret")]
        assert httpx.get(f"{desk.url}/search.json", headers=secrets).status_code == 401


@pytest.fixture
def provider() -> Iterator[str]:
    import oidc_provider_mock  # whose imports warn

    people = [
        oidc_provider_mock.User(
            sub="42", claims={"email": "mara@brand.example", "email_verified": True, "groups": ["legal", "all"]}
        ),
        oidc_provider_mock.User(sub="43", claims={"email": "ed@brand.example", "email_verified": True}),
        oidc_provider_mock.User(sub="44", claims={"email": "mara@brand.example", "groups": "all"}),
    ]
    with oidc_provider_mock.run_server_in_thread(user_claims=people, require_nonce=True) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def company(tmp_path: Path, provider: str) -> Iterator[Desk]:
    filled_archive(tmp_path / "archive").close()
    settings = {"web_auth": "oidc", "oidc_issuer": provider, "oidc_client_id": "archiver", "oidc_client_secret": "x"}
    desk = Desk(tmp_path / "archive")
    desk.now = datetime.now(UTC)  # the provider has a clock of its own
    with page_of(desk.folder, clock=desk.clock, **settings) as url:
        desk.url = url
        desk.grant("legal", "compliance", is_group=True)
        with desk.open:
            yield desk


def at_provider(browser: httpx.Client, sub: str, goal: str = "/?q=refund") -> httpx.Response:
    """The way of a browser from what it asked for, over the provider's login, to the answer."""
    form = browser.get(goal)
    (link,) = Markup(form.text).links("/login/provider")
    browser.follow_redirects = False
    there = browser.get(link).headers["location"]
    back = browser.post(there, data={"sub": sub}).headers["location"]
    browser.follow_redirects = True
    return browser.get(back)


def test_a_person_logs_in_at_the_provider_and_their_groups_give_roles(company: Desk) -> None:
    browser = company.browser()
    found = at_provider(browser, "42")
    assert (found.status_code, found.url.path, found.url.query) == (200, "/", b"q=refund")
    assert "mara@brand.example" in Markup(found.text).text
    assert company.actions("mara@brand.example") == ["login", "search"]
    (login,) = (event for event in company.audited() if event["event"]["action"] == "login")
    assert (login["archive"]["groups"], login["archive"]["login"]) == (["legal", "all"], "oidc")


def test_whom_nothing_is_granted_does_not_get_in_and_that_is_audited(company: Desk) -> None:
    refused = at_provider(company.browser(), "43")
    assert (refused.status_code, "granted" in refused.text) == (403, True)
    (event,) = company.audited()
    assert (event["user"]["name"], event["event"]["outcome"]) == ("ed@brand.example", "failure")


def test_an_address_that_the_provider_does_not_vouch_for_names_nobody(company: Desk) -> None:
    company.grant("mara@brand.example", "admin")
    assert at_provider(company.browser(), "44").status_code == 403
    (event,) = company.audited()
    assert event["user"]["name"] == "sub:44"


def test_the_login_is_bound_to_this_browser_by_state_nonce_and_pkce(company: Desk) -> None:
    browser = company.browser()
    browser.follow_redirects = False
    there = browser.get("/login/provider?next=/").headers["location"]
    asked = parse_qs(urlsplit(there).query)
    assert (asked["code_challenge_method"], asked["response_type"]) == (["S256"], ["code"])
    assert min(len(asked[name][0]) for name in ("state", "nonce", "code_challenge")) >= 43
    back = browser.post(there, data={"sub": "42"}).headers["location"]
    stranger = company.browser()
    assert stranger.get(back).status_code == 403  # another browser, to which the address was sent
    assert browser.get(back).status_code == 303
    assert browser.get(back).status_code == 403  # it is used up
    for forged in ("state=x&code=y", "code=y", "", "error=access_denied&state=x"):
        assert browser.get(f"/login/back?{forged}").status_code == 403
    kept = browser.get("/login/provider?next=/").cookies["archiver-login"]
    company.now += timedelta(minutes=11)
    late = company.browser()
    assert late.get(back, headers={"Cookie": f"archiver-login={kept}"}).status_code == 403
    assert company.actions("mara@brand.example") == ["login"]


def test_a_provider_out_of_reach_is_told_and_the_page_goes_on(tmp_path: Path) -> None:
    filled_archive(tmp_path / "archive").close()
    settings = {
        "web_auth": "oidc", "oidc_issuer": "http://127.0.0.1:9", "oidc_client_id": "a", "oidc_client_secret": "x",
    }  # fmt: skip
    with desk_of(tmp_path / "archive", **settings) as desk:
        answer = desk.browser().get("/login/provider")
        assert (answer.status_code, "does not answer" in answer.text) == (503, True)
        assert desk.ask(desk.grant("ed", "reader"), "/search.json").status_code == 200
