from __future__ import annotations

import pytest

from archiver.index.memory import MemoryStore
from tests.contract.promises import Make, StoreContract


class TestMemory(StoreContract):
    @pytest.fixture
    def make(self) -> Make:
        return MemoryStore
