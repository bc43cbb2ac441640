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
        made: list[Store] = []

        def make() -> Store:
            prefix = f"contract_{uuid4().hex}"  # the server may be one that outlives the tests
            made.append(ElasticStore(connect(StoreAddress(elasticsearch.url)), prefix, "archive"))
            return made[-1]

        yield make
        for store in made:
            store.drop()

    def reopen(self, store: Store) -> Store:
        assert isinstance(store, ElasticStore)
        return ElasticStore(store._server, store._prefix, "archive")
