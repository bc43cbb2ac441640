from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from archiver.config.settings import StoreAddress
from archiver.index.elastic.server import connect
from archiver.index.elastic.store import ElasticStore
from archiver.index.store import Store
from tests.contract.promises import Make, StoreContract
from tests.nodes import Node


class TestElastic(StoreContract):
    @pytest.fixture
    def make(self, elasticsearch: Node) -> Iterator[Make]:
        self.addresses: dict[Store, StoreAddress] = {}

        def make() -> Store:
            # The server may be one that outlives the tests.
            address = StoreAddress(elasticsearch.url, prefix=f"contract_{uuid4().hex}")
            store = ElasticStore(connect(address), address.prefix, "archive")
            self.addresses[store] = address
            return store

        yield make
        for store in self.addresses:
            store.drop()

    def reopen(self, store: Store) -> Store:
        address = self.addresses[store]
        return ElasticStore(connect(address), address.prefix, "archive")
