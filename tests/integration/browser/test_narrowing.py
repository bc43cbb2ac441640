"""What scripts do on the page: results are replaced in their place. In a real Chromium."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from time import sleep
from typing import Any
from urllib.parse import quote_plus

import pytest
from playwright.sync_api import Error, Route, expect

from tests.conftest import NOW, record
from tests.integration.browser.conftest import TOKEN, enter
from tests.pages import indexed, kept, page_of

pytestmark = pytest.mark.browser
Look = Callable[..., Any]


def test_narrowing_keeps_the_place_and_shows_what_was_asked_and_nothing_else(look: Look, demo_url: str) -> None:
    page = look(demo_url, viewport={"width": 1280, "height": 700}).goto("/?q=lawyer")
    count, title = page.locator(".count strong"), page.title()
    before = count.inner_text()
    page.evaluate("window.isSame = true")
    page.locator("summary", has_text="As a table").click()
    page.locator("summary", has_text="As a command").click()
    page.locator("summary", has_text=re.compile("^Skill$")).click()  # closes it
    box = page.get_by_label("Query")
    box.fill("lawyer nonsense")  # and is never sent
    page.get_by_label("From", exact=True).fill("2026-01-01")
    facet = page.get_by_role("link", name="Aiko Tanaka", exact=True)
    facet.scroll_into_view_if_needed()
    place = page.evaluate("scrollY")
    facet.press("Enter")
    page.wait_for_url("**f=agent**")
    expect(page.locator(".chips")).to_contain_text("Aiko Tanaka")
    expect(count).not_to_have_text(before)
    assert page.evaluate("window.isSame")
    expect(box).to_have_value("lawyer")
    expect(page.get_by_label("From", exact=True)).to_have_value("")
    expect(page.locator(".histogram table")).to_be_visible()
    expect(page.locator(".command pre")).to_contain_text("Aiko Tanaka")
    expect(page.locator(".facets details", has_text="Skill").locator("ul").first).to_be_hidden()
    assert abs(page.evaluate("scrollY") - place) < 120
    assert page.evaluate("document.activeElement.closest('.facets') !== null")
    assert page.title() == title
    narrowed = count.inner_text()
    page.keyboard.press("j")
    expect(page.locator(".card.here")).to_have_count(1)
    page.keyboard.press("o")
    page.wait_for_url("**/c/**")
    page.get_by_role("link", name="Back to the search").click()
    expect(count).to_have_text(narrowed)
    page.go_back()
    page.go_back()
    page.wait_for_url("**f=agent**")
    expect(count).to_have_text(narrowed)
    page.go_back()
    expect(count).to_have_text(before)
    expect(page.locator(".chips")).to_have_count(0)
    page.go_forward()
    expect(count).to_have_text(narrowed)
    page.get_by_label("Query").press_sequentially(" skil")
    expect(page.locator("#completions li")).to_have_count(1)


def test_of_two_facets_that_are_clicked_at_once_the_last_is_shown(look: Look, demo_url: str) -> None:
    page = look(demo_url, viewport={"width": 1280, "height": 900}).goto("/?q=lawyer")
    links = page.locator(".facets details").first.locator("li a:not(.not)")
    last = links.nth(1).inner_text()
    page.evaluate("document.querySelectorAll('.facets li a:not(.not)').forEach((link, at) => at < 2 && link.click())")
    expect(page.locator(".chips li")).to_have_count(1)
    expect(page.locator(".chips")).to_contain_text(last)
    assert quote_plus(last) in page.url


def _refuse(answer: dict[str, Any] | None, route: Route) -> None:
    """Answers a script's request otherwise, or not at all."""
    if route.request.resource_type != "fetch":
        route.continue_()
    elif answer:
        route.fulfill(**answer)
    else:
        route.abort()


def _answer_late(route: Route) -> None:
    sleep(0.6)  # the browser goes on meanwhile
    with suppress(Error):  # of a request that nobody waits for any more
        route.continue_()


def test_a_facet_that_is_clicked_while_another_page_is_on_its_way_is_shown(look: Look, demo_url: str) -> None:
    page = look(demo_url, viewport={"width": 1280, "height": 900}).goto("/")
    page.route("**/?q=flight*", _answer_late)
    page.get_by_label("Query").fill("flight")
    page.evaluate(
        "setTimeout(() => document.querySelector('.ask').requestSubmit(), 50);"
        "setTimeout(() => document.querySelector('.facets li a:not(.not)').click(), 300);"
    )
    expect(page.locator(".chips li")).to_have_count(1)


def test_what_a_script_can_not_show_is_left_to_the_browser(look: Look, demo_url: str) -> None:
    watched = look(demo_url, viewport={"width": 1280, "height": 900})
    for answer in ({"status": 503, "body": "try again later", "content_type": "text/plain"}, None):
        page = watched.goto("/?q=lawyer")
        page.evaluate("window.isSame = true")

        page.route("**/*", partial(_refuse, answer))
        page.get_by_role("link", name="Aiko Tanaka", exact=True).click()
        expect(page.locator(".chips")).to_contain_text("Aiko Tanaka")
        assert page.evaluate("window.isSame") is None
        page.unroute("**/*")
    watched.faults[:] = [fault for fault in watched.faults if "Failed to" not in fault]


def test_who_is_logged_out_meanwhile_logs_in_and_goes_on(look: Look, closed_url: str) -> None:
    watched = enter(look, closed_url, "/?q=refund", viewport={"width": 1280, "height": 900})
    page = watched.page
    page.context.clear_cookies()
    page.locator(".facets li a:not(.not)").first.click()
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator(".chips li")).to_have_count(1)
    expect(page.get_by_label("Query")).to_have_value("refund")


def test_the_page_of_a_first_harvest_waits_for_it_and_then_shows_the_search(look: Look, tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    with page_of(folder, respond=lambda path: (200, "text/plain", b"ok\n")) as url:
        watched = look(url)
        watched.page.clock.install()
        page = watched.goto("/")
        heading = page.get_by_role("heading", level=1)
        expect(heading).to_have_text("The first harvest begins")
        page.evaluate("window.isSame = true")
        for _ in range(3):
            page.clock.run_for(5_100)
            page.wait_for_load_state("networkidle")
        assert page.evaluate("window.isSame")
        kept(folder, record("c", NOW, "hello"))
        indexed(folder)
        page.clock.run_for(5_100)
        expect(heading).to_have_text("Search conversations")
        expect(page.locator(".count strong")).to_have_text("1 conversation")


FACET = ".facets li a:not(.not)"


def test_the_json_of_a_narrowed_search_is_that_of_the_same_search(look: Look, demo_url: str) -> None:
    page = look(demo_url, viewport={"width": 1280, "height": 900}).goto("/?q=lawyer")
    for selector in (FACET, ".chips a", ".views a[href*=table]", f"{FACET} >> nth=1"):
        before = page.url
        page.locator(selector).first.click()
        page.wait_for_url(lambda url, before=before: url != before)
        expect(page.locator("footer a").first).to_have_attribute("href", re.compile("^/search.json"))
        twin = page.locator("footer a").first.get_attribute("href") or ""
        assert page.url.partition("?")[2] == twin.partition("?")[2]


def test_a_click_with_control_opens_another_tab_and_leaves_this_one(look: Look, demo_url: str) -> None:
    page = look(demo_url, viewport={"width": 1280, "height": 900}).goto("/?q=lawyer")
    for keys in (["Control"], ["Shift"]):
        with page.context.expect_page() as opened:
            page.locator(FACET).first.click(modifiers=keys)
        expect(opened.value.locator(".chips li")).to_have_count(1)
        assert page.url.endswith("/?q=lawyer")
        opened.value.close()


def test_whoever_goes_back_over_a_place_on_the_page_sees_what_the_address_says(look: Look, demo_url: str) -> None:
    page = look(demo_url, viewport={"width": 1280, "height": 900}).goto("/?q=lawyer")
    before = page.locator(".count strong").inner_text()
    page.evaluate("location.hash = 'results'")
    page.locator(FACET).first.click()
    expect(page.locator(".chips li")).to_have_count(1)
    page.evaluate("history.go(-2)")
    page.wait_for_url("**/?q=lawyer")
    expect(page.locator(".count strong")).to_have_text(before)
    expect(page.locator(".chips")).to_have_count(0)


def test_lists_that_are_open_stay_open_also_when_others_come_or_go(look: Look, demo_url: str) -> None:
    page = look(demo_url, viewport={"width": 1280, "height": 900}).goto("/")
    lists = page.locator(".facets details details")
    names = lists.locator("summary").all_inner_texts()
    lists.filter(has_text="Language").locator("summary").click()
    for name in ("Intent", "CSAT"):
        lists.filter(has_text=name).first.locator("summary").click()
    page.locator("#facet-intent li a:not(.not)").first.click()
    expect(page.locator(".chips li")).to_have_count(1)
    page.wait_for_timeout(200)
    found = {item.locator("summary").inner_text(): item.get_attribute("open") is not None for item in lists.all()}
    assert set(found) <= set(names)
    assert found["Language"]
    assert found["Intent"]
    assert found["Has"] is False


def test_who_else_logs_in_meanwhile_is_named_and_finds_nothing_of_what_was_asked_before(
    look: Look, closed_url: str
) -> None:
    watched = enter(look, closed_url, "/?q=refund", viewport={"width": 1280, "height": 900})
    page = watched.page
    expect(page.locator(".account")).to_contain_text("mara")
    page.context.clear_cookies()
    page.locator(FACET).first.click()
    expect(page.get_by_label("Token")).to_be_visible()
    expect(page.locator(".account")).to_have_count(0)
    expect(page.locator("nav[aria-label=Pages] a")).to_have_count(0)
    assert page.evaluate("sessionStorage.length") == 0


def test_a_late_failure_does_not_undo_what_was_asked_since(look: Look, demo_url: str) -> None:
    watched = look(demo_url, viewport={"width": 1280, "height": 900})
    page = watched.goto("/?q=lawyer")

    def answer(route: Route) -> None:
        page.wait_for_timeout(300)
        if route.request.resource_type == "fetch":
            route.fulfill(status=503, body="later", content_type="text/plain")
        else:
            page.wait_for_timeout(300)
            route.continue_()

    page.route("**/?q=*", answer)
    page.locator(FACET).first.click()
    page.get_by_label("Query").fill("flight")
    page.get_by_label("Query").press("Enter")
    page.wait_for_url("**q=flight**")
    expect(page.get_by_label("Query")).to_have_value("flight")
    page.wait_for_timeout(700)
    assert "q=flight" in page.url
    watched.faults.clear()


def test_the_way_back_from_a_case_does_not_lead_to_another_search(look: Look, closed_url: str) -> None:
    page = enter(look, closed_url, "/?q=refund").page
    page.get_by_text("Make a case of this").click()
    page.get_by_label("Name").and_(page.locator("form[action='/cases'] input")).fill("of refunds")
    page.get_by_label("Reason").fill("to know")
    page.get_by_role("button", name="Make it").click()
    page.goto(f"{closed_url}/?q=hello")
    page.goto(f"{closed_url}/cases/of%20refunds")
    page.get_by_role("table").get_by_role("link").first.click()
    expect(page.locator("[data-back]")).to_have_attribute("href", "/?q=refund")
