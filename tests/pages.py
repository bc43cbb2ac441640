"""An archive served as a page, for tests."""

from __future__ import annotations

import fcntl
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

from archiver.app import Archive
from archiver.archive import make_archive
from archiver.config import find_settings
from archiver.liveperson.answers import read_record
from archiver.service import Respond
from archiver.web import served
from tests.conftest import ACCOUNT, NOW


class Markup(HTMLParser):
    """The elements of a page with their attributes and the text in each, as a browser would see them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def links(self, pattern: str = "") -> list[str]:
        """The addresses that links lead to."""
        found = [attributes.get("href", "") for tag, attributes in self.elements if tag == "a"]
        return [href for href in found if re.search(pattern, href)]


@contextmanager
def page_of(
    folder: Path,
    *,
    respond: Respond | None = None,
    store: str | None = None,
    prefix: str | None = None,
    clock: Callable[[], datetime] = lambda: NOW,
    **given: object,
) -> Iterator[str]:  # fmt: skip
    """The URL of the page of an archive, whose clock stands still unless another is given, with any settings."""
    settings = find_settings({"archive": folder, "store": store, "store_prefix": prefix, **given})
    with served(partial(Archive, settings, clock=clock), respond, "127.0.0.1", 0) as url:
        yield url


def kept(folder: Path, *raws: bytes) -> Path:
    """The folder of an archive that holds these records."""
    with make_archive(folder, ACCOUNT) as archive:
        archive.keep([read_record(raw) for raw in raws], (), NOW)  # type: ignore[misc]
    return folder


def indexed(folder: Path) -> None:
    """Brings the index of an archive up to date, as the harvest does."""
    with Archive(find_settings({"archive": folder}), clock=lambda: NOW) as archive:
        assert archive.search("", limit=0).total > 0


@contextmanager
def index_held(folder: Path) -> Iterator[None]:
    """Holds the lock of an embedded index, as another process that writes it does."""
    (index,) = (path.parent for path in folder.rglob("meta.json"))
    with (index / ".tantivy-writer.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
