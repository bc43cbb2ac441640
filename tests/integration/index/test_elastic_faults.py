"""Catch-up into a real Elasticsearch that fails in every way: nothing lost, nothing doubled, always an end."""

from __future__ import annotations

import itertools
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from archiver.archive.file import ArchiveFile
from archiver.config.settings import StoreAddress
from archiver.errors import StoreError, StoreUnavailable
from archiver.index.build import catch_up, rebuild, retry
from archiver.index.elastic.bulk import Limits
from archiver.index.elastic.server import Server, connect
from archiver.index.elastic.state import State
from archiver.index.elastic.store import ElasticStore
from archiver.index.results import Position, Sort, Version
from archiver.liveperson.answers import read_record
from archiver.progress import Silent
from archiver.query.ast import Scope
from archiver.query.parser import parse
from archiver.transcript.projection import project
from tests.conftest import NOW, record
from tests.faults import RESET, Exchange, Fault, Reply, busy, proxy
from tests.nodes import Node

SMALL = Limits(senders=2, request_bytes=30_000, smallest_request_bytes=2_000, queued_bytes=200_000, patience_s=20)
COUNT = 120


def keep(archive: ArchiveFile, *raws: bytes) -> None:
    """As current versions, also with fewer messages than before, which somebody approves."""
    for at in (NOW, NOW + timedelta(hours=1)):
        archive.keep([read_record(raw) for raw in raws], (), at)  # type: ignore[misc]
    for erasure in archive.erasures.listed():
        archive.decide(erasure.seq, approve=True, by="me", reason=None, now=NOW)


def conversation(number: int, *texts: str) -> bytes:
    return record(f"c{number:04d}", NOW - timedelta(hours=7 * number), *(texts or ("hello there", "general", "answer")))


@pytest.fixture
def full(archive: ArchiveFile) -> ArchiveFile:
    keep(archive, *(conversation(number) for number in range(COUNT)))
    return archive


def store_at(url: str, prefix: str, limits: Limits = SMALL, archive_id: str = "archive") -> ElasticStore:
    return ElasticStore(connect(StoreAddress(url)), prefix, archive_id, limits=limits)


def assert_whole(store: ElasticStore, archive: ArchiveFile) -> None:
    """The index has each document of the vault exactly once, and knows that it has."""
    assert store.position().seq == archive.vault.head()
    conversations, messages = archive.vault.totals()
    for scope, count in ((Scope.CONVERSATION, conversations), (Scope.MESSAGE, messages)):
        found = store.search(parse("messages:>=0", now=NOW).expression, scope=scope, sort=Sort.NEWEST, limit=5000)
        assert found.total == len({(key.conversation_id, key.message_id) for key in found.keys}) == count
    assert store.refused() == ()


def bulks(fault: Callable[[int, Exchange], Reply | None]) -> Fault:
    """A fault of bulk requests alone, told their number."""
    numbers = itertools.count()

    def decide(exchange: Exchange) -> Reply | None:
        is_bulk = exchange.path.startswith("/_bulk") and b"-messages-v" in exchange.body
        return fault(next(numbers), exchange) if is_bulk else None

    return decide


def some_items_busy(number: int, exchange: Exchange) -> Reply | None:
    """The server takes every second document, as when its write queue runs full."""
    if number % 2:
        return None
    lines = exchange.body.rstrip(b"\n").split(b"\n")
    pairs = [b"\n".join(lines[at : at + 2]) for at in range(0, len(lines), 2)]
    taken = pairs[::2]
    reply = exchange.forward(b"\n".join(taken) + b"\n")
    rejected = {"index": {"status": 429, "error": {"type": "es_rejected_execution_exception", "reason": "full"}}}

    def with_rejected(answer: dict[str, object]) -> dict[str, object]:
        items = iter(answer["items"])  # type: ignore[call-overload]
        return {"errors": True, "items": [rejected if at % 2 else next(items) for at in range(len(pairs))]}

    return reply.changed(with_rejected)


def half_an_answer(number: int, exchange: Exchange) -> Reply | None:
    if number % 3:
        return None
    return exchange.forward().changed(lambda answer: answer | {"items": answer["items"][: len(answer["items"]) // 2]})


def cut_off(number: int, exchange: Exchange) -> Reply | None:
    if number % 3:
        return None
    reply = exchange.forward()
    return Reply(reply.status, reply.headers, reply.body, cut=len(reply.body) // 2)


def reset_after_it_worked(number: int, exchange: Exchange) -> Reply | None:
    if number % 3:
        return None
    exchange.forward()
    return RESET


def too_large(number: int, exchange: Exchange) -> Reply | None:
    return Reply(413, {"X-Elastic-Product": "Elasticsearch"}) if len(exchange.body) > 6_000 else None


FAULTS: dict[str, Callable[[int, Exchange], Reply | None]] = {
    "requests refused as busy": lambda number, exchange: busy() if number % 2 else None,
    "a gateway that fails": lambda number, exchange: busy(503) if number % 2 else None,
    "some items refused as busy": some_items_busy,
    "half an answer": half_an_answer,
    "an answer cut off": cut_off,
    "connections reset before": lambda number, exchange: RESET if number % 3 == 0 else None,
    "connections reset after": reset_after_it_worked,
    "requests too large": too_large,
}


@pytest.mark.parametrize("name", FAULTS)
def test_nothing_is_lost_or_doubled_by(name: str, full: ArchiveFile, elasticsearch: Node, prefix: str) -> None:
    with proxy(elasticsearch.url, bulks(FAULTS[name])) as url:
        catch_up(full, store_at(url, prefix), Silent())
    assert_whole(store_at(elasticsearch.url, prefix), full)


def test_a_server_that_stays_busy_is_given_up_and_caught_up_with_later(
    full: ArchiveFile, elasticsearch: Node, prefix: str
) -> None:
    patient = Limits(request_bytes=20_000, patience_s=0.5)
    always = bulks(lambda number, exchange: busy() if number > 3 else None)
    with proxy(elasticsearch.url, always) as url, pytest.raises(StoreUnavailable, match="takes no requests now"):
        catch_up(full, store_at(url, prefix, patient), Silent())
    assert store_at(elasticsearch.url, prefix).position().seq < full.vault.head()
    catch_up(full, store_at(elasticsearch.url, prefix), Silent())
    assert_whole(store_at(elasticsearch.url, prefix), full)


def test_a_read_only_block_is_waited_for(full: ArchiveFile, elasticsearch: Node, server: Server, prefix: str) -> None:
    """What Elasticsearch does when its disk is nearly full."""
    direct = store_at(elasticsearch.url, prefix)
    catch_up(full, direct, Silent())
    keep(full, *(conversation(number, "newer words") for number in range(0, COUNT, 2)))
    block = {"index.blocks.read_only_allow_delete": True}
    server.ask("PUT", f"/{prefix}-messages/_settings", block)
    lift = threading.Timer(
        2,
        lambda: server.ask("PUT", f"/{prefix}-messages/_settings", {"index.blocks.read_only_allow_delete": None}),
    )
    lift.start()
    try:
        catch_up(full, store_at(elasticsearch.url, prefix), Silent())
    finally:
        lift.join()
    assert_whole(direct, full)


def test_a_server_killed_in_the_middle_and_started_again_gets_everything(
    full: ArchiveFile, elasticsearch: Node, prefix: str
) -> None:
    if not elasticsearch.can_restart:
        pytest.skip("the Elasticsearch of ARCHIVER_TEST_ES_URL is not ours to stop")
    killed = threading.Event()

    def kill(number: int, exchange: Exchange) -> Reply | None:
        if number == 5:
            elasticsearch.stop(signal.SIGKILL)
            threading.Timer(1, elasticsearch.start).start()
            killed.set()
        return None

    patient = Limits(request_bytes=20_000, patience_s=120)
    with proxy(elasticsearch.url, bulks(kill)) as url:
        catch_up(full, store_at(url, prefix, patient), Silent())
    assert killed.is_set()
    elasticsearch.wait()
    assert_whole(store_at(elasticsearch.url, prefix), full)


def test_a_catch_up_killed_at_any_bulk_request_is_finished_by_the_next(
    archive: ArchiveFile, elasticsearch: Node, prefix: str
) -> None:
    """With updates, so that leftovers of older versions have to be hidden too."""
    for stop_at in range(6):
        texts = [f"round{stop_at} word"] * (5 - stop_at % 5)
        keep(archive, *(conversation(number, *texts) for number in range(20)))

        left = iter(range(stop_at, -1, -1))

        def kill(exchange: Exchange, left: Iterator[int] = left) -> Reply | None:
            if exchange.method in ("POST", "PUT") and not exchange.path.endswith("_search") and next(left, 0) == 0:
                return RESET
            return None

        impatient = Limits(request_bytes=5_000, patience_s=0.1)
        with proxy(elasticsearch.url, kill) as url, pytest.raises(StoreUnavailable):
            quick = connect(StoreAddress(url), sleep=lambda seconds: None)
            catch_up(archive, ElasticStore(quick, prefix, "archive", limits=impatient), Silent())
        direct = store_at(elasticsearch.url, prefix)
        catch_up(archive, direct, Silent())
        assert_whole(direct, archive)
        old = parse(f"round{stop_at - 1} is:current", now=NOW).expression
        for scope in Scope:
            assert direct.search(old, scope=scope, sort=Sort.NEWEST, limit=9).total == 0


def test_refused_documents_are_listed_and_given_again_after_a_fix(
    full: ArchiveFile, elasticsearch: Node, server: Server, prefix: str
) -> None:
    store = store_at(elasticsearch.url, prefix)
    store.prepare()
    template = f"/_index_template/{prefix}-v1-messages"
    body = server.ask("GET", template)["index_templates"][0]["index_template"]
    good = body["template"]["mappings"]["properties"].pop("dialog_id")
    for date in ("created_date", "created_date_millis", "modified_date", "modified_date_millis"):
        body.pop(date, None)
    server.ask("PUT", template, body)
    applied = catch_up(full, store, Silent())
    assert len(applied.refused) == COUNT == len(store.refused())
    assert "dialog_id" in applied.refused[0].reason
    assert store.position().seq == full.vault.head()
    server.ask("PUT", f"/{prefix}-messages/_mapping", {"properties": {"dialog_id": good}})
    assert retry(full, store, Silent()).refused == ()
    assert_whole(store, full)


def test_the_indices_of_another_archive_are_refused(full: ArchiveFile, elasticsearch: Node, prefix: str) -> None:
    catch_up(full, store_at(elasticsearch.url, prefix), Silent())
    with pytest.raises(StoreError, match="another archive"):
        catch_up(full, store_at(elasticsearch.url, prefix, archive_id="other"), Silent())


def test_an_index_that_is_ahead_of_the_vault_is_refused(full: ArchiveFile, elasticsearch: Node, prefix: str) -> None:
    store = store_at(elasticsearch.url, prefix)
    with store.writing(expected=1) as writer:
        writer.replace([], applied=Position(COUNT + 50, "of another history"))
    with pytest.raises(StoreError, match="another history"):
        catch_up(full, store, Silent())
    rebuild(full, store, Silent())
    assert_whole(store, full)


def test_a_late_write_never_puts_old_over_new(full: ArchiveFile, elasticsearch: Node, prefix: str) -> None:
    store = store_at(elasticsearch.url, prefix)
    catch_up(full, store, Silent())
    keep(full, conversation(3, "only this"))
    catch_up(full, store, Silent())
    with store.writing(expected=1) as late:
        late.replace([Version(4, project(conversation(3)), True)], applied=Position(4, "late"))
    assert_whole(store, full)


def test_backfill_settings_are_taken_back_also_after_a_crash(
    full: ArchiveFile, elasticsearch: Node, server: Server, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archiver.index.elastic.writer.LARGE", 100)
    store = store_at(elasticsearch.url, prefix)

    def settings() -> set[tuple[object, ...]]:
        found = server.ask("GET", f"/{prefix}-messages/_settings", None, {"flat_settings": "true"})
        names = ("index.refresh_interval", "index.translog.durability", "index.auto_expand_replicas")
        return {tuple(item["settings"].get(name) for name in names) for item in found.values()}

    with pytest.raises(KeyboardInterrupt), store.writing(expected=COUNT) as writer:
        writer.replace([Version(1, project(conversation(1)), True)], applied=Position(1, full.vault.link_at(1) or ""))
        raise KeyboardInterrupt
    assert settings() == {("-1", "async", "false")}
    assert store.status().is_backfilling
    monkeypatch.setattr("archiver.index.elastic.writer.LARGE", 10_000)
    catch_up(full, store, Silent())
    assert settings() == {(None, None, "0-1")}
    assert_whole(store, full)


def test_another_mapping_is_built_beside_the_old_one_which_answers_meanwhile(
    full: ArchiveFile, elasticsearch: Node, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = store_at(elasticsearch.url, prefix)
    catch_up(full, old, Silent())
    monkeypatch.setattr("archiver.index.elastic.family.SCHEMA", 99)
    keep(full, conversation(COUNT + 1, "brand new"))
    with pytest.raises(StoreError, match="another version") as told:
        catch_up(full, old, Silent())
    assert "reindex" in str(told.value.hint)
    assert old.count() == COUNT
    fresh = old.begin_rebuild()
    catch_up(full, fresh, Silent())
    assert old.count() == COUNT
    fresh.finish_rebuild()
    assert_whole(old, full)
    assert old.status().indices
    assert all("-v2-" in name for name in old.status().indices)


def test_a_writer_of_a_family_that_was_replaced_stops_and_makes_no_index_by_accident(
    full: ArchiveFile, elasticsearch: Node, server: Server, prefix: str
) -> None:
    store = store_at(elasticsearch.url, prefix)
    catch_up(full, store, Silent())
    keep(full, *(conversation(number, "later words") for number in range(COUNT)))
    with pytest.raises(StoreError, match="404"), store.writing(expected=COUNT) as writer:
        rebuild(full, store_at(elasticsearch.url, prefix), Silent())
        versions = [Version(record.seq, project(record.raw)) for record in full.vault.after(COUNT)]
        writer.replace(versions, applied=Position(full.vault.head(), full.vault.link_at(full.vault.head()) or ""))
    assert not [
        name
        for name in server.ask("GET", "/_cat/indices", None, {"h": "index", "format": "json"})
        if f"{prefix}-messages-v1" in name["index"]
    ]
    assert_whole(store, full)


def test_sdes_are_searchable_as_typed_values_and_as_text_and_unknown_fields_are_kept(
    archive: ArchiveFile, elasticsearch: Node, server: Server, prefix: str
) -> None:
    event = {
        "sdeType": "PURCHASE", "serverTimeStamp": 1_780_000_000_000,
        "purchase": {"purchase": {"total": "1200.50", "orderId": "ORD-7", "newField": {"deep": "value"}}},
    }  # fmt: skip
    keep(archive, record("c1", NOW, "hi", info={"brandNewField": {"a": [1, "two"]}}, sdes={"events": [event]}))
    store = store_at(elasticsearch.url, prefix)
    catch_up(archive, store, Silent())

    def count(kind: str, query: dict[str, object]) -> int:
        found = server.ask("POST", f"/{prefix}-{kind}/_search", {"query": query})
        return int(found["hits"]["total"]["value"])

    assert count("sdes", {"range": {"purchase.total": {"gt": 1000}}}) == 1
    assert count("sdes", {"term": {"purchase.orderId": "ORD-7"}}) == 1
    assert count("sdes", {"match": {"text": "ord"}}) == 1
    assert count("sdes", {"term": {"values.purchase.newField.deep": "value"}}) == 1
    assert count("metadata", {"term": {"extra.brandNewField.a": "two"}}) == 1
    source = server.ask("GET", f"/{prefix}-metadata/_search")["hits"]["hits"][0]["_source"]
    assert (source["message_count"], source["sde_count"], len(source["digest"])) == (1, 1, 32)
    assert "words" not in source


def test_an_older_position_and_an_index_that_is_there_already_change_nothing(server: Server, prefix: str) -> None:
    index = f"{prefix}-state"
    for _ in range(2):
        server.ask("PUT", f"/{index}", {}, accepted="resource_already_exists_exception")
    state = State(server, index, "archive")
    state.write(Position(7), shape="new", is_backfilling=False, is_writing=False)
    state.write(Position(3), shape="old", is_backfilling=True, is_writing=False)
    assert (state.read()["applied"], state.read()["shape"]) == (7, "new")
    with pytest.raises(StoreError, match="already exists"):
        server.ask("PUT", f"/{index}", {})
    server.ask("DELETE", f"/{index}")


def test_any_other_refusal_is_an_error(server: Server, prefix: str) -> None:
    with pytest.raises(StoreError, match="refuses the request"):
        server.ask("PUT", f"/{prefix}-UPPER", {}, accepted="resource_already_exists_exception")


def test_a_document_that_the_server_will_never_take_is_refused_by_name_and_holds_nothing_up(
    archive: ArchiveFile, elasticsearch: Node, prefix: str
) -> None:
    """As one of 11 MB with a heap of 1 GB: the server answers it 429, as if it were busy."""
    texts = [f"order {number} " + "lorem ipsum " * 3_000 for number in range(300)]
    keep(archive, conversation(1, *texts), conversation(2, "hello"))
    store = store_at(elasticsearch.url, prefix, Limits())
    catch_up(archive, store, Silent())
    (refusal,) = store.refused()
    assert refusal.conversation_id == "c0001"
    assert "MB" in refusal.reason
    found = store.search(parse("hello", now=NOW).expression, scope=Scope.CONVERSATION, sort=Sort.NEWEST, limit=5)
    assert [key.conversation_id for key in found.keys] == ["c0002"]
    assert store.position().seq == archive.vault.head()
