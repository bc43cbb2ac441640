"""What scripts do on the page: results are replaced in their place. In a real Chromium."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from playwright.sync_api import Route, expect

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
