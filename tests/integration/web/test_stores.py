"""The page over a real Elasticsearch shows what it shows over the embedded index."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import uuid4

import httpx

from tests.golden.filled import filled_archive
from tests.nodes import Node
from tests.pages import page_of

PATHS = (
    "/?q=refund", "/?q=refund&scope=message", "/?q=refund&view=table", "/?q=zzzz", "/?f=mcs:..39&sort=oldest",
    "/coverage", "/api/v1/search?q=refund&facet=skill&facet=month", "/api/v1/histogram?q=refund", 
    "/search.json?q=refund",
)  # fmt: skip


def steady(text: str) -> str:
    """A page without how long it took."""
    return re.sub(r"\d+ ms", "", text)


def test_both_stores_give_the_same_pages(elasticsearch: Node, tmp_path: Path) -> None:
    folder, prefix = tmp_path / "archive", f"page{uuid4().hex[:8]}"
    filled_archive(folder).close()
    with page_of(folder) as embedded, page_of(folder, store=elasticsearch.url, prefix=prefix) as elastic:
        for path in PATHS:
            mine, theirs = (httpx.get(url + path, timeout=120) for url in (embedded, elastic))
            assert (mine.status_code, theirs.status_code) == (200, 200), f"{path} {theirs.text[-1500:]}"
            assert steady(mine.text) == steady(theirs.text), path
