"""How documents are sent from several threads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from archiver.errors import StoreTooLarge
from archiver.index.elastic.bodies import Body
from archiver.index.elastic.bulk import Batch, Limits, Senders
from archiver.index.elastic.server import Server
from archiver.index.results import Position


class Small:
    """A server that takes one document a request. While it answers, another thread makes requests smaller."""

    def __init__(self) -> None:
        self.senders: Senders | None = None
        self.taken: list[bytes] = []

    def bulk(self, lines: Sequence[bytes]) -> dict[str, Any]:
        documents = b"".join(lines).split(b"\n")[1::2]
        assert self.senders
        self.senders._request_bytes = 1
        if len(documents) > 1:
            raise StoreTooLarge("too large")
        self.taken += documents
        return {"errors": False, "items": [{"index": {"status": 201}}]}


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_document_is_not_called_too_large_for_a_request_that_held_others_too(count: int) -> None:
    server = Small()
    senders = server.senders = Senders(cast(Server, server), Limits(senders=1))
    batch = Batch(Position(1, "link"))
    lines = b"".join(b'{"index":{}}\n{"number":%d}\n' % number for number in range(count))
    senders.put(Body("c1", 1, True, "2026.01", count, lines), batch)
    senders.end(batch)
    senders.wait_for(batch)
    senders.stop()
    assert (len(server.taken), batch.refused) == (count, {})
