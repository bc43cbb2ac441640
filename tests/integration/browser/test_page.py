"""The page in a real Chromium: journeys, hostile text, accessibility, looks. `--update` writes docs/pictures anew."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.conftest import NOW, TOP, record
from tests.golden.filled import FULL_ID
from tests.integration.browser.conftest import enter
from tests.pages import kept, page_of

pytestmark = pytest.mark.browser
Look = Callable[..., Any]
PICTURES = TOP / "docs" / "pictures"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
QUERY = '/?q=lawyer OR "table for four"'
OF_FILLED = (
    "/",
    "/?q=refund&view=table",
    f"/c/{FULL_ID}?q=refund",
    f"/history/{FULL_ID}",
    "/coverage",
    "/status",
    "/c/refused",
)
OF_DEMO = (
    QUERY,
    "/?q=lawyer&scope=message&view=table",
    "/?q=skil:x",
    "/?q=zzzz",
    "/coverage",
    "/?q=lawyer&f=skill:Flights&from=2026-01-01",
)


def faults_of(page: Page) -> list[str]:
    """What axe finds, also in targets that are too small."""
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}})
    return [f"{item['id']}: {node['html'][:150]}" for item in found.response["violations"] for node in item["nodes"]]


def is_refused(fault: str) -> bool:
    """Chromium's own note of an answer with an error's status."""
    return "the server responded with a status of 4" in fault


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", [*OF_FILLED, *OF_DEMO])
def test_every_page_is_accessible_fits_and_asks_nobody_else(
    look: Look, served_url: str, demo_url: str, path: str, scheme: str, width: int
) -> None:
    watched = look(
        demo_url if path in OF_DEMO else served_url, viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    page = watched.goto(path)
    assert faults_of(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    watched.faults[:] = [fault for fault in watched.faults if not is_refused(fault)]


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_behind_the_login_are_accessible_and_so_is_the_login(
    look: Look, closed_url: str, scheme: str, width: int
) -> None:
    options: dict[str, Any] = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    page = look(closed_url, **options).goto("/login")
    assert faults_of(page) == []
    watched = enter(look, closed_url, "/audit", **options)
    for path in ("/audit", f"/c/{FULL_ID}", "/status", "/?q=refund", "/saved", "/cases"):
        page = watched.goto(path)
        assert faults_of(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("with_scripts", [True, False])
def test_a_reviewer_makes_a_case_and_reads_through_it(look: Look, closed_url: str, with_scripts: bool) -> None:
    watched = enter(look, closed_url, "/?q=refund", java_script_enabled=with_scripts)
    page, name = watched.page, f"case {with_scripts}"
    page.get_by_text("Make a case of this").click()
    page.get_by_label("Name").and_(page.locator("form[action='/cases'] input")).fill(name)
    page.get_by_label("Reason").fill("a complaint")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Case {name}")
    if with_scripts:
        assert faults_of(page) == []
    page.get_by_role("table").get_by_role("link").first.click()
    for status in ("relevant", "irrelevant"):
        box = page.locator(".review").filter(has_text=name).first
        box.get_by_label("Status").select_option(status)
        box.get_by_label("Note").fill("read")
        box.get_by_role("button").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Case {name}")
    expect(page.get_by_text("0 unread, 1 relevant, 1 irrelevant")).to_be_visible()
    page.get_by_role("link", name="Cases").first.click()
    expect(page.get_by_role("row").filter(has_text=name)).to_contain_text("a complaint")
    if with_scripts:
        assert faults_of(page) == []


@pytest.mark.parametrize("with_scripts", [True, False])
def test_an_officer_logs_in_unmasks_a_conversation_for_a_reason_and_leaves(
    look: Look, closed_url: str, with_scripts: bool
) -> None:
    page = enter(look, closed_url, f"/c/{FULL_ID}", java_script_enabled=with_scripts).page
    expect(page.get_by_text("The customer's personal data is masked")).to_be_visible()
    assert "Łukasz" not in page.content()
    page.get_by_label("Reason").fill("case 7")
    page.get_by_role("button", name="Show it").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Łukasz")
    page.get_by_role("link", name="Audit").click()
    expect(page.get_by_role("row").filter(has_text="case 7").first).to_contain_text("unmask")
    page.get_by_role("button", name="Log out").click()
    page.goto(f"{closed_url}/c/{FULL_ID}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")


def test_a_form_of_another_site_is_refused_by_what_the_browser_says_itself(look: Look, closed_url: str) -> None:
    watched = enter(look, closed_url, "/status")
    page = watched.page
    page.goto("data:text/html,<form method=post action='" + closed_url + "/logout'><button>Go</button></form>")
    page.get_by_role("button").click()
    expect(page.get_by_text("another site asked for this")).to_be_visible()
    expect(watched.goto("/status").get_by_role("heading", level=1)).to_have_text("Status")
    watched.faults.clear()  # Chromium notes the refusal, and the page of the other site


def test_a_message_is_copied_as_a_citation(look: Look, served_url: str) -> None:
    watched = look(served_url, permissions=["clipboard-read", "clipboard-write"])
    page = watched.goto(f"/c/{FULL_ID}")
    page.get_by_role("button", name="Copy message 2 as a citation").click()
    expect(page.get_by_text("copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("“Refund für Straße 5, please 🙏” (Łukasz, 2026-01-01T10:00")
    assert f"LivePerson conversation {FULL_ID}, message #2)" in copied
    assert copied.endswith(f"{served_url}/c/{FULL_ID}#m2")


def test_an_officer_searches_narrows_reads_and_finds_the_way_back(look: Look, demo_url: str) -> None:
    page = look(demo_url, viewport={"width": 1280, "height": 900}).goto("/")
    page.get_by_label("Query").fill("lawyer")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**q=lawyer**")
    total = page.locator(".count strong").inner_text()
    page.get_by_role("link", name="Aiko Tanaka", exact=True).click()
    expect(page.locator(".chips")).to_contain_text("Aiko Tanaka")
    assert page.locator(".count strong").inner_text() != total
    page.get_by_role("list", name="Filters").get_by_label("Remove the filter").click()
    expect(page.locator(".count strong")).to_have_text(total)
    page.locator(".card h3 a").first.click()
    assert re.search(r"/c/.*#m\d+$", page.url)
    expect(page.locator("mark").first).to_be_visible()
    expect(page.locator(".private .label.note").first).to_have_text("private note")
    page.get_by_role("link", name="Back to the search").click()
    expect(page.locator(".count strong")).to_have_text(total)
    page.get_by_label("Sort").select_option("oldest")
    page.get_by_role("link", name="Aiko Tanaka", exact=True).click()
    page.locator(".card h3 a").first.click()
    page.get_by_role("link", name="Back to the search").click()
    expect(page.locator(".chips")).to_contain_text("Aiko Tanaka")
    expect(page.get_by_label("Sort")).to_have_value("oldest")


def test_everything_works_with_the_keyboard_alone(look: Look, demo_url: str) -> None:
    page = look(demo_url, viewport={"width": 1280, "height": 900}).goto("/")
    page.keyboard.press("/")
    page.keyboard.type("lawyer")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=lawyer**")
    page.keyboard.press("?")
    expect(page.locator("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(".card.here")).to_have_count(1)
    page.keyboard.press("o")
    page.wait_for_url("**/c/**")
    page.keyboard.press("n")
    expect(page.locator("mark.now")).to_have_count(1)
    page.keyboard.press("/")
    page.keyboard.type("j?o")
    assert page.get_by_label("Find in this conversation").input_value() == "j?o"


def test_the_box_completes_what_is_typed(look: Look, demo_url: str) -> None:
    page = look(demo_url, viewport={"width": 1280, "height": 900}).goto("/")
    offered = page.locator("#completions li")
    page.get_by_label("Query").press_sequentially("🙂 skil")
    expect(offered).to_have_count(1)
    assert faults_of(page) == []
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(offered.first).to_be_visible()
    offered.filter(has_text="Flights").click()
    expect(page.get_by_label("Query")).to_have_value('🙂 skill:="Flights" ')
    expect(offered).to_have_count(0)
    page.keyboard.press("Escape")
    assert page.url.endswith("/")


def test_the_zone_of_the_browser_is_offered_and_all_that_it_knows(look: Look, demo_url: str) -> None:
    page = look(demo_url, viewport={"width": 1280, "height": 900}, timezone_id="Asia/Tokyo").goto("/?q=lawyer")
    first = page.locator(".card .meta span").first
    before = first.inner_text()
    zone = page.get_by_label("Time zone")
    zone.focus()
    assert page.locator("#zones option").count() > 300
    page.get_by_role("link", name="in Asia/Tokyo").click()
    page.wait_for_url("**tz=Asia**")
    expect(zone).to_have_value("Asia/Tokyo")
    expect(first).not_to_have_text(before)
    expect(page.get_by_role("link", name="in Asia/Tokyo")).to_be_hidden()
    page.locator(".card h3 a").first.click()
    expect(page.get_by_text("times in Asia/Tokyo")).to_be_visible()
    page.get_by_role("link", name="in UTC").click()
    expect(page.get_by_text("times in UTC")).to_be_visible()
    page.get_by_role("link", name="in Asia/Tokyo").first.click()
    expect(page.get_by_text("times in Asia/Tokyo")).to_be_visible()
    zone = look(demo_url, java_script_enabled=False).goto("/?q=lawyer").get_by_label("Time zone")
    zone.fill("Asia/Kolkata")
    zone.press("Enter")
    expect(zone).to_have_value("Asia/Kolkata")
    assert "tz=Asia%2FKolkata" in zone.page.url


def test_everything_works_without_javascript(look: Look, demo_url: str) -> None:
    page = look(demo_url, java_script_enabled=False, viewport={"width": 390, "height": 800}).goto("/")
    page.get_by_label("Query").fill("flight")
    page.get_by_role("button", name="Search").click()
    first = page.locator(".card h3").first.inner_text()
    page.get_by_role("link", name="Next 20").click()
    assert page.locator(".card h3").first.inner_text() != first or "after=" in page.url
    page.get_by_role("link", name="Table").click()
    page.locator("summary", has_text="Columns").click()
    page.get_by_label("duration").check()
    page.get_by_role("button", name="Show").click()
    expect(page.locator("th", has_text="Duration")).to_be_visible()
    page.locator(".hits th a").first.click()
    expect(page.locator(".messages .message").first).to_be_visible()
    page.locator(".only a", has_text="customer").click()
    expect(page.locator(".message.agent")).to_have_count(0)


HOSTILE = (
    "<script>window.pwned=1</script>", '"><img src=http://192.0.2.1/x onerror=window.pwned=1>',
    "javascript:window.pwned=1",
    "<div hx-get='http://192.0.2.1/' hx-trigger='load' onclick=window.pwned=1>", "<svg onload=window.pwned=1>",
    "<iframe srcdoc='<script>parent.pwned=1</script>'>", "<base href=http://192.0.2.1/>", "\u202eevil\u2066",
    "<form action=http://192.0.2.1/><button>", "<link rel=stylesheet href=http://192.0.2.1/>", "a\x00b\x1b[2J",
    "https://аррӏе.com/login", "<meta http-equiv=refresh content='0;url=http://192.0.2.1/'>", "{{7*7}}",
    "<hx-partial hx-target=body><script>window.pwned=1</script></hx-partial>", "</head><body hx-on:load=pwned=1>",
    "<p data-hx-get=http://192.0.2.1/ data-hx-trigger=load hx-swap-oob=outerHTML:body>",
)  # fmt: skip


def test_hostile_text_runs_nothing_asks_nobody_and_deceives_nobody(look: Look, tmp_path: Path) -> None:
    raws = [
        record(
            f"c{number}", NOW - timedelta(minutes=number), f"needle {text}", text, summary={"text": text},
            consumerParticipants=[{"participantId": text, "firstName": text, "consumerName": text}],
            info={"latestSkillName": text, "latestSkillId": 1},
        )
        for number, text in enumerate(HOSTILE)
    ]  # fmt: skip
    with page_of(kept(tmp_path / "archive", *raws)) as url:
        watched = look(url)
        paths = ["/?q=needle", "/?q=needle&view=table", *(f"/c/c{number}?q=needle" for number in range(len(HOSTILE)))]
        for path in [*paths, *(f"/?q={quote(text)}" for text in HOSTILE)]:
            page = watched.goto(path)
            assert page.evaluate("window.pwned") is None
            assert "evil" not in page.evaluate("getSelection().toString()")
        page = watched.goto("/?q=needle")
        for at in range(len(HOSTILE)):  # results that are replaced in their place
            page.locator(".facets li a:not(.not)").nth(at % 8).click()
            page.get_by_role("list", name="Filters").get_by_role("link").first.click()
            expect(page.locator(".chips")).to_have_count(0)
            assert page.evaluate("window.pwned") is None
        watched.goto("/c/c7")
        assert "\\u202eevil" in watched.page.locator(".said").nth(1).inner_text()
        watched.goto("/c/c11")
        assert "xn--80ak6aa92e.com" in watched.page.locator(".out").first.inner_text()
        watched.faults[:] = [fault for fault in watched.faults if not is_refused(fault)]


def test_20_000_messages_open_and_every_one_has_its_address(look: Look, long_url: str) -> None:
    page = look(long_url).goto("/c/long?m=12345#m12345")
    expect(page.locator("#m12345")).to_be_in_viewport()
    expect(page.locator("#m12345")).to_contain_text("message number 12345")
    assert page.locator(".message").count() <= 150


def test_all_parts_of_a_conversation_are_printed_as_one(look: Look, long_url: str) -> None:
    page = look(long_url).goto("/c/long")
    page.get_by_role("link", name="All, to print").click()
    page.emulate_media(media="print")
    expect(page.locator(".message")).to_have_count(20_000, timeout=30_000)
    expect(page.locator(".printed")).to_contain_text("conversation long. Printed")


@pytest.mark.parametrize("has_scripts", [True, False])
def test_on_a_phone_filters_wait_behind_a_button(look: Look, demo_url: str, has_scripts: bool) -> None:
    page = look(demo_url, viewport={"width": 390, "height": 800}, java_script_enabled=has_scripts).goto(QUERY)
    facet, days = page.locator(".facets li a").first, page.get_by_label("From", exact=True)
    expect(facet).to_be_hidden()
    expect(days).to_be_hidden()
    page.locator("summary", has_text="Narrow").click()
    page.locator("summary", has_text="Days").click()
    expect(facet).to_be_visible()
    expect(days).to_be_visible()
    page.set_viewport_size({"width": 1280, "height": 800})
    for name in ("Narrow", "Days, order"):
        expect(page.locator("summary", has_text=name)).to_be_hidden()


def test_what_is_printed_is_the_transcript_with_its_facts_and_nothing_to_click(look: Look, served_url: str) -> None:
    watched = look(served_url)
    page = watched.goto(f"/c/{FULL_ID}")
    page.emulate_media(media="print")
    for hidden in (".top", ".within", ".find", ".only"):
        expect(page.locator(hidden).first).to_be_hidden()
    expect(page.locator(".message").first).to_be_visible()
    expect(page.locator(".side dl").first).to_be_visible()
    assert len(page.pdf(format="A4")) > 10_000


def test_the_pictures_of_the_documentation_can_be_made(
    look: Look, demo_url: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder = PICTURES if request.config.getoption("--update") else tmp_path
    folder.mkdir(exist_ok=True)
    shots = {"search": QUERY, "coverage": "/coverage", "transcript": ""}
    page = look(demo_url, viewport={"width": 1200, "height": 800}).goto(QUERY)
    shots["transcript"] = page.locator(".card h3 a").first.get_attribute("href") or ""
    for name, path in shots.items():
        page.goto(demo_url + path)
        page.evaluate("scrollTo(0, 0)")
        page.screenshot(path=folder / f"{name}.png")
        assert (folder / f"{name}.png").stat().st_size > 20_000
    assert {path.stem for path in PICTURES.glob("*.png")} == set(shots)
