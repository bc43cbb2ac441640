"""A real Chromium, and an archive served to it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page, sync_playwright

import archiver
from archiver.access import token_hash
from archiver.archive import Grant, Grantee
from archiver.simulator import Scenario, simulate
from tests.conftest import NOW, record
from tests.golden.filled import filled_archive
from tests.pages import kept, page_of

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, or playwright's own."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--lang=en-GB"])
        except Error as error:
            if os.environ.get("ARCHIVER_TEST_REQUIRE_BROWSER"):
                raise
            pytest.skip(f"NO BROWSER: the page was not tried in one. Install chromium. ({str(error).splitlines()[0]})")
        yield browser
        browser.close()


class Watched:
    """A page with everything that it should not do: errors, reports of its policy, requests to others, dialogs."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.faults: list[str] = []
        page.on("console", lambda message: self.faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda request: self._note(request.url))
        page.on("dialog", lambda dialog: (self.faults.append(f"dialog {dialog.message}"), dialog.dismiss()))

    def _note(self, address: str) -> None:
        if not address.startswith(self.url):
            self.faults.append(f"asked {address}")

    def goto(self, path: str) -> Page:
        self.page.goto(self.url + path)
        return self.page


@pytest.fixture
def look(chromium: Browser, served_url: str) -> Iterator[Any]:
    """Opens a watched page of the archive with options of a browser context; nothing may have gone wrong at the end."""
    opened: list[Watched] = []

    def open_page(url: str = served_url, **options: Any) -> Watched:
        context = chromium.new_context(locale="en-GB", **options)
        opened.append(Watched(context.new_page(), url))
        return opened[-1]

    yield open_page
    for watched in opened:
        watched.page.context.close()
    assert [fault for watched in opened for fault in watched.faults] == []


@pytest.fixture(scope="session")
def served_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page of an archive with odd conversations of every kind."""
    folder = tmp_path_factory.mktemp("browser") / "archive"
    filled_archive(folder).close()
    with page_of(folder) as url:
        yield url


TOKEN = "archiver_of_the_tests"


def enter(look: Callable[..., Any], url: str, path: str, **options: Any) -> Any:
    """A watched page behind the login."""
    watched = look(url, **options)
    page = watched.goto(path)
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{url}{path}")
    return watched


@pytest.fixture(scope="session")
def closed_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page of the same archive with a login, and a person of compliance whose token is TOKEN."""
    folder = tmp_path_factory.mktemp("closed") / "archive"
    with filled_archive(folder) as archive:
        archive.grants.add(Grant(Grantee.PERSON, "mara", ("compliance",), has_token=True), token_hash(TOKEN))
    with page_of(folder, web_auth="token") as url:
        yield url


@pytest.fixture(scope="session")
def demo_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page of an archive that was harvested from an invented account."""
    folder = tmp_path_factory.mktemp("demo") / "archive"
    with simulate(Scenario()) as account, archiver.open(folder, **account.settings) as archive:
        archive.harvest("76d")
    with page_of(folder, clock=lambda: datetime.now(UTC)) as url:
        yield url


@pytest.fixture(scope="session")
def long_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page of an archive with one conversation of 20,000 messages."""
    texts = (f"message number {number}" for number in range(1, 20_001))
    folder: Path = kept(tmp_path_factory.mktemp("long") / "archive", record("long", NOW - timedelta(days=1), *texts))
    with page_of(folder) as url:
        yield url
