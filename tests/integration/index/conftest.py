"""A server for the tests of this folder, and names of their own on it."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from archiver.config.settings import StoreAddress
from archiver.index.elastic.server import Server, connect
from archiver.index.elastic.store import ElasticStore
from tests.nodes import Node


@pytest.fixture
def prefix(elasticsearch: Node) -> Iterator[str]:
    """Of the indices of one test, which are deleted after it."""
    name = f"tests_{uuid4().hex}"
    yield name
    ElasticStore(connect(StoreAddress(elasticsearch.url)), name, "archive").drop()


@pytest.fixture
def server(elasticsearch: Node) -> Server:
    """The server itself, to change things in it and look behind the store."""
    return connect(StoreAddress(elasticsearch.url))
