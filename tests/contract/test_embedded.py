"""What the embedded index promises beyond the contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from archiver.errors import StoreBusy, StoreError
from archiver.index.embedded.store import EmbeddedStore
from archiver.index.results import Position, Version
from archiver.transcript.projection import project
from tests.conftest import NOW, record
from tests.contract.stores import ask, put


def test_another_process_sees_what_was_put(tmp_path: Path) -> None:
    put(EmbeddedStore(tmp_path, "a"), [project(record("c1", NOW, "hello"))], applied=3)
    again = EmbeddedStore(tmp_path, "a")
    assert (again.position().seq, ask(again, "hello").total) == (3, 1)


def test_a_reader_that_may_not_write_sees_what_another_process_puts_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(EmbeddedStore(tmp_path, "a"), [project(record("c1", NOW, "old"))], applied=1)
    monkeypatch.setattr("archiver.index.embedded.store.may_write", lambda folder: False)
    reader = EmbeddedStore(tmp_path, "a")
    assert (ask(reader, "old").total, ask(reader, "new").total) == (1, 0)
    monkeypatch.undo()
    put(EmbeddedStore(tmp_path, "a"), [project(record("c1", NOW, "new"))], applied=2)
    monkeypatch.setattr("archiver.index.embedded.store.may_write", lambda folder: False)
    assert (ask(reader, "old").total, ask(reader, "new").total, reader.count()) == (0, 1, 1)
    reader.close()


def test_the_index_of_another_archive_is_not_used(tmp_path: Path) -> None:
    put(EmbeddedStore(tmp_path, "a"), [project(record("c1", NOW, "hello"))], applied=3)
    other = EmbeddedStore(tmp_path, "b")
    assert other.position().seq == 0
    put(other, [project(record("c2", NOW, "world"))], applied=1)
    assert ask(other, "hello").total == 0


def test_a_second_writer_is_told_that_the_index_is_busy(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path, "a")
    put(store, [project(record("c1", NOW, "hello"))], applied=1)
    other = EmbeddedStore(tmp_path, "a")
    with pytest.raises(StoreBusy):
        put(other, [project(record("c2", NOW, "x"))], applied=2)
    with pytest.raises(StoreBusy):
        other.begin_rebuild()
    store.close()
    put(other, [project(record("c2", NOW, "x"))], applied=2)
    assert other.count() == 2


def test_a_commit_whose_position_was_not_written_is_applied_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = EmbeddedStore(tmp_path, "a")
    put(store, [project(record("c1", NOW, "one"))], applied=1)

    def killed(number: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("archiver.index.embedded.position.os.fsync", killed)
        with pytest.raises(KeyboardInterrupt):
            put(store, [project(record("c2", NOW, "two"))], applied=2)
    assert ask(store, "two").total == 1  # it was committed, and its position not written
    store.close()
    again = EmbeddedStore(tmp_path, "a")
    assert again.position().seq == 1
    put(again, [project(record("c2", NOW, "two"))], applied=2)
    assert (again.count(), ask(again, "two").total) == (2, 1)


def test_a_damaged_index_is_told_and_a_rebuild_cures_it(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path, "a")
    put(store, [project(record("c1", NOW, "hello"))], applied=1)
    store.close()
    (meta,) = tmp_path.glob("*/meta.json")
    meta.write_bytes(meta.read_bytes()[:40])
    with pytest.raises(StoreError, match="cannot be used"):
        ask(EmbeddedStore(tmp_path, "a"), "hello")
    fresh = EmbeddedStore(tmp_path, "a").begin_rebuild()
    put(fresh, [project(record("c1", NOW, "hello"))], applied=1)
    fresh.finish_rebuild()
    assert ask(EmbeddedStore(tmp_path, "a"), "hello").total == 1


def test_an_index_that_is_being_made_is_not_removed_by_whoever_else_wants_to_make_it(tmp_path: Path) -> None:
    first, other = EmbeddedStore(tmp_path, "a"), EmbeddedStore(tmp_path, "a")
    made = project(record("c", NOW, "hello"))

    def versions() -> Iterator[Version]:
        with pytest.raises(StoreBusy):
            put(other, [made], applied=1)
        yield Version(1, made)

    first.replace(versions(), applied=Position(1, "link"))
    assert first.count() == other.count() == 1
