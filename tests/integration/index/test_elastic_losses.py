"""What may be lost, left behind or altered on a real Elasticsearch: noticed before any answer, named, and healed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from archiver.archive.file import ArchiveFile
from archiver.errors import StoreError
from archiver.index.build import catch_up, rebuild
from archiver.index.condition import index_status
from archiver.index.elastic.bodies import KINDS
from archiver.index.elastic.family import shape
from archiver.index.elastic.server import Server
from archiver.index.elastic.state import State
from archiver.index.elastic.store import ElasticStore
from archiver.index.readiness import Readiness, make_ready
from archiver.index.results import Position
from archiver.index.verify import repair_index, verify_index
from archiver.liveperson.answers import read_record
from archiver.progress import Silent
from tests.conftest import NOW, record
from tests.integration.index.test_elastic_faults import assert_whole, store_at
from tests.nodes import Node

COUNT = 20  # conversations, in two months
MONTH = timedelta(days=31)


@pytest.fixture
def store(archive: ArchiveFile, elasticsearch: Node, prefix: str) -> ElasticStore:
    """An index of the archive, complete and quiet."""
    raws = (record(f"c{at:02d}", NOW - at % 2 * MONTH, "hello", "general", "answer") for at in range(COUNT))
    archive.keep([read_record(raw) for raw in raws], (), NOW)  # type: ignore[misc]
    store = store_at(elasticsearch.url, prefix)
    catch_up(archive, store, Silent())
    assert make_ready(archive, store, Silent()) == Readiness()
    return store


def months(server: Server, prefix: str, kind: str) -> list[str]:
    return sorted(server.ask("GET", f"/{prefix}-{kind}-v*/_alias"))


def lose_the_state(server: Server, prefix: str) -> None:
    (name,) = months(server, prefix, "state")
    server.ask("DELETE", f"/{name}")


def lose_a_month(server: Server, prefix: str) -> None:
    for kind in KINDS:
        server.ask("DELETE", f"/{months(server, prefix, kind)[0]}", absent=None)


def lose_the_messages_of_a_month(server: Server, prefix: str) -> None:
    server.ask("DELETE", f"/{months(server, prefix, 'messages')[1]}")


def lose_documents(server: Server, prefix: str) -> None:
    query = {"query": {"term": {"conversation_id": "c07"}}}
    server.ask("POST", f"/{prefix}-messages/_delete_by_query", query, {"refresh": "true"})


def lose_an_alias(server: Server, prefix: str) -> None:
    name = months(server, prefix, "metadata")[0]
    server.ask("POST", "/_aliases", {"actions": [{"remove": {"index": name, "alias": f"{prefix}-metadata"}}]})


def let_two_families_answer(server: Server, prefix: str) -> None:
    server.ask("PUT", f"/{prefix}-messages-v7-2026.01", {"aliases": {f"{prefix}-messages": {}}})


def put_a_stranger_behind_an_alias(server: Server, prefix: str) -> None:
    server.ask("PUT", f"/{prefix}_copy", {"aliases": {f"{prefix}-messages": {}}})


LOSSES: list[Callable[[Server, str], None]] = [
    lose_the_state, lose_a_month, lose_the_messages_of_a_month, lose_documents, lose_an_alias, let_two_families_answer,
    put_a_stranger_behind_an_alias,
]  # fmt: skip


@pytest.mark.parametrize("lose", LOSSES)
def test_a_loss_is_noticed_before_an_answer_named_by_verify_and_healed(
    lose: Callable[[Server, str], None], archive: ArchiveFile, store: ElasticStore, server: Server, prefix: str
) -> None:
    lose(server, prefix)
    with pytest.raises(StoreError, match="not whole"):
        make_ready(archive, store, Silent())
    assert index_status(archive, store).faults
    assert list(verify_index(archive, store, Silent()))
    repair_index(archive, store, Silent())
    assert list(verify_index(archive, store, Silent())) == []
    assert make_ready(archive, store, Silent()) == Readiness()
    assert index_status(archive, store).faults == ()
    assert_whole(store, archive)


@pytest.mark.parametrize("lose", [lose_a_month, lose_the_messages_of_a_month])
def test_only_what_is_missing_is_put_in_again(
    lose: Callable[[Server, str], None], archive: ArchiveFile, store: ElasticStore, server: Server, prefix: str
) -> None:
    lose(server, prefix)
    applied = repair_index(archive, store, Silent())
    assert applied.conversations == COUNT // 2
    assert months(server, prefix, "state") == [f"{prefix}-state-v1"]


@pytest.mark.parametrize(
    ("kind", "script"),
    [
        ("messages", "ctx._source.text = 'something else'"),
        ("messages", "ctx._source.sender = 'Nobody'"),
        ("metadata", "ctx._source.skill = 'Other'"),
    ],
)
def test_an_altered_document_is_named_by_verify_and_put_right(
    kind: str, script: str, archive: ArchiveFile, store: ElasticStore, server: Server, prefix: str
) -> None:
    body = {"query": {"term": {"conversation_id": "c04"}}, "script": {"source": script}}
    server.ask("POST", f"/{prefix}-{kind}/_update_by_query", body, {"refresh": "true"})
    (finding,) = verify_index(archive, store, Silent())
    assert finding.message == "1 conversation: of another content: c04"
    repair_index(archive, store, Silent())
    assert list(verify_index(archive, store, Silent())) == []


def test_a_document_added_by_somebody_else_is_named_and_removed(
    archive: ArchiveFile, store: ElasticStore, server: Server, prefix: str
) -> None:
    name = months(server, prefix, "metadata")[0]
    stranger = {"conversation_id": "stranger", "account": "1", "vault_seq": 1, "rank": 5}
    server.ask("PUT", f"/{name}/_doc/stranger", stranger, {"refresh": "true"})
    assert "stranger" in " ".join(finding.message for finding in verify_index(archive, store, Silent()))
    repair_index(archive, store, Silent())
    assert list(verify_index(archive, store, Silent())) == []


def test_what_a_killed_rebuild_left_is_named_and_removed_with_the_index(
    archive: ArchiveFile, store: ElasticStore, server: Server, prefix: str
) -> None:
    half = store.begin_rebuild()
    catch_up(archive, half, Silent())
    assert make_ready(archive, store, Silent()) == Readiness()
    (leftover,) = store.status().leftovers
    assert "v2" in leftover
    store.drop()
    assert server.ask("GET", f"/{prefix}-*/_alias", None, {"expand_wildcards": "all"}, absent={}) == {}


def test_of_two_rebuilds_at_once_one_takes_the_place_and_the_other_is_told(
    archive: ArchiveFile, store: ElasticStore, server: Server, prefix: str
) -> None:
    first, second = store.begin_rebuild(), store.begin_rebuild()
    catch_up(archive, first, Silent())
    catch_up(archive, second, Silent())
    second.finish_rebuild()
    with pytest.raises(StoreError):
        first.finish_rebuild()
    assert make_ready(archive, store, Silent()) == Readiness()
    assert_whole(store, archive)
    assert store.status().leftovers == ()


def test_an_index_that_may_not_be_written_still_answers_and_says_what_it_lacks(
    archive: ArchiveFile, store: ElasticStore, server: Server, prefix: str
) -> None:
    server.ask("PUT", f"/{prefix}-*/_settings", {"index.blocks.write": True})
    archive.keep([read_record(record("new", NOW, "hello"))], (), NOW)  # type: ignore[list-item]
    (doubt,) = make_ready(archive, store, Silent()).doubts
    assert doubt.startswith("1 of the vault's entries not searchable yet")
    assert any("index.blocks.write" in fault for fault in store.status().faults)
    server.ask("PUT", f"/{prefix}-*/_settings", {"index.blocks.write": None})
    assert make_ready(archive, store, Silent()) == Readiness()
    assert_whole(store, archive)


def test_an_index_of_another_history_of_the_archive_is_refused_at_any_number(
    archive: ArchiveFile, store: ElasticStore, server: Server, prefix: str
) -> None:
    """As after the archive was restored from a backup and harvested to the same number of entries."""
    stranger = Position(store.position().seq, "0" * 64)
    state = State(server, f"{prefix}-state-v1", "archive")
    state.write(stranger, shape=shape(), is_backfilling=False, is_writing=False)
    with pytest.raises(StoreError, match="another history"):
        make_ready(archive, store, Silent())
    assert "another history" in index_status(archive, store).faults[0]
    rebuild(archive, store, Silent())
    assert make_ready(archive, store, Silent()) == Readiness()


def test_a_writer_that_was_cut_off_raises_no_false_alarm(archive: ArchiveFile, store: ElasticStore) -> None:
    with pytest.raises(KeyboardInterrupt), store.writing(expected=0):
        raise KeyboardInterrupt
    assert make_ready(archive, store, Silent()) == Readiness()
