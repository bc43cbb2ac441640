"""How long a real Chromium takes from the first byte of a page until it is painted."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from statistics import quantiles

from playwright.sync_api import Browser, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ROUNDS = 20
_LENGTH = """() => new Promise((resolve) => {
  const [{ responseStart }] = performance.getEntriesByType("navigation");
  new PerformanceObserver((list) => {
    for (const paint of list.getEntriesByName("first-contentful-paint")) resolve(paint.startTime - responseStart);
  }).observe({ type: "paint", buffered: true });
})"""


def painting(url: str, paths: Sequence[str]) -> None:
    """Prints p50 and p95 over pages that are opened in a browser which has nothing of them yet, and in one that has."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)  # else playwright's own
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for name, is_fresh in (("first visit", True), ("later visits", False)):
            times = sorted(_times(browser, url, paths, is_fresh=is_fresh))
            cuts = quantiles(times, n=20)
            print(f"painted after the first byte, {name:<12}  p50 {cuts[9]:7.1f} ms  p95 {cuts[18]:7.1f} ms")
        browser.close()


def _times(browser: Browser, url: str, paths: Sequence[str], *, is_fresh: bool) -> Iterator[float]:
    context = browser.new_context()
    for number in range(_ROUNDS):
        if is_fresh:
            context.close()
            context = browser.new_context()
        page = context.new_page()
        page.goto(url + paths[number % len(paths)])
        yield float(page.evaluate(_LENGTH))
        page.close()
    context.close()
