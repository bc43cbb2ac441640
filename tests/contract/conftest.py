"""Each test of the contract runs with every store of `stores.STORES`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.stores import STORES, Opened


@pytest.fixture(params=STORES)
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    opened = Opened(STORES[request.param](request), tmp_path)
    yield opened
    opened.remove()
