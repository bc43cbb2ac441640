"""How the vault goes into an index: everything, in batches that memory bounds."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from archiver.archive.file import ArchiveFile
from archiver.errors import StoreError
from archiver.index.build import catch_up, rebuild, retry
from archiver.index.memory import MemoryStore
from archiver.index.results import Position, Refusal, Version
from archiver.index.versions import Unread
from archiver.liveperson.answers import read_record
from archiver.progress import Silent
from archiver.received import Conversation
from archiver.value import replace
from tests.conftest import NOW, record

MEGABYTE = 1_000_000


def keep(archive: ArchiveFile, *raws: bytes) -> None:
    archive.keep([item for item in map(read_record, raws) if isinstance(item, Conversation)], (), NOW)


class Recording(MemoryStore):
    """Notes what it is given at once, and keeps nothing of it but the position."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[list[int]] = []
        self.positions: list[int] = []

    def replace(self, versions: Iterable[Version | Unread | Refusal], *, applied: Position) -> int:
        self.batches.append([version.seq for version in versions])
        self.positions.append(applied.seq)
        return super().replace((), applied=applied)


def test_however_large_records_are_what_is_in_memory_at_once_is_bounded_in_bytes(archive: ArchiveFile) -> None:
    for number in range(7):
        keep(archive, record(f"c{number}", NOW, "x" * (9 * MEGABYTE)))
    store = Recording()
    catch_up(archive, store, Silent())
    assert store.batches == [[1, 2, 3], [4, 5, 6], [7]]  # 24 MB, and what the last record has beyond them


def test_the_bytes_of_a_batch_are_those_of_its_own_records(archive: ArchiveFile) -> None:
    for number, megabytes in enumerate((30, 1, 1, 30, 1)):
        keep(archive, record(f"c{number}", NOW, "x" * (megabytes * MEGABYTE)))
    store = Recording()
    catch_up(archive, store, Silent())
    assert store.batches == [[1], [2, 3, 4], [5]]


def test_small_records_are_bounded_in_number(archive: ArchiveFile) -> None:
    keep(archive, *(record(f"c{number}", NOW, "x") for number in range(2_001)))
    store = Recording()
    catch_up(archive, store, Silent())
    assert [len(batch) for batch in store.batches] == [1_000, 1_000, 1]
    assert store.positions == [1_000, 2_000, 2_001]


def test_entries_that_are_no_current_versions_move_the_position_too(archive: ArchiveFile) -> None:
    keep(archive, record("c", NOW, "one"), record("d", NOW, "one"))
    store = Recording()
    catch_up(archive, store, Silent())
    keep(archive, record("c", NOW, "one", "two"))
    keep(archive, record("c", NOW, "one", "two", "three"))
    keep(archive, record("c", NOW, "one"))  # fewer than before, which is kept and not current
    catch_up(archive, store, Silent())
    assert store.batches == [[1, 2], [5]]
    assert store.position().seq == archive.vault.head() == 5
    assert catch_up(archive, store, Silent()).conversations == 0
    assert len(store.batches) == 2


def test_what_can_t_be_read_is_listed_as_refused_and_keeps_nothing_else_out(archive: ArchiveFile) -> None:
    good = read_record(record("broken", NOW, "hello"))
    assert isinstance(good, Conversation)
    keep(archive, record("c", NOW, "one"))
    archive.keep([replace(good, raw=good.raw[:-9])], (), NOW)
    keep(archive, record("d", NOW, "one"))
    store = MemoryStore()
    applied = catch_up(archive, store, Silent())
    assert (applied.conversations, [item.conversation_id for item in applied.refused]) == (2, ["broken"])
    assert (store.refused(), store.position().seq, store.count()) == (applied.refused, 3, 2)
    assert [item.conversation_id for item in retry(archive, store, Silent()).refused] == ["broken"]
    keep(archive, record("broken", NOW, "hello", "again"))
    assert catch_up(archive, store, Silent()).refused == ()
    assert store.count() == 3


def test_an_index_that_is_ahead_of_the_vault_is_refused(archive: ArchiveFile) -> None:
    keep(archive, record("c", NOW, "one"))
    store = MemoryStore()
    store.replace([], applied=Position(2, "of another history"))
    with pytest.raises(StoreError, match="another history"):
        catch_up(archive, store, Silent())
    assert rebuild(archive, store, Silent()).conversations == 1
    assert store.position().seq == 1
