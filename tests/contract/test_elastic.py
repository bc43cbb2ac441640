from __future__ import annotations

from itertools import count

import pytest

from archiver.config import StoreAddress
from archiver.stores import Store
from archiver.stores.elastic.server import connect
from archiver.stores.elastic.store import ElasticStore
from tests.contract.promises import Make, StoreContract
from tests.nodes import Node

numbers = count()


class TestElastic(StoreContract):
    @pytest.fixture
    def make(self, elasticsearch: Node) -> Make:
        return lambda: ElasticStore(connect(StoreAddress(elasticsearch.url)), f"contract{next(numbers)}", "archive")

    def reopen(self, store: Store) -> Store:
        assert isinstance(store, ElasticStore)
        return ElasticStore(store._server, store._prefix, "archive")
