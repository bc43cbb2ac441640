"""How often records are decoded on their way into the archive."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from archiver import jsontext
from archiver.archive.file import ArchiveFile
from archiver.harvest.harvest import Harvest
from archiver.model import Window
from archiver.progress import Silent
from archiver.simulator.services import Simulator
from tests.conftest import NOW, connected, record

SPAN = Window(NOW - timedelta(days=2), NOW)
AT = NOW - timedelta(hours=30)
OPEN: dict[str, Any] = {"status": "OPEN", "endTimeL": -1}


class CountingDecoder:
    """Decodes as ever, and counts by conversation how often a whole record was decoded."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._decode = jsontext._decode  # every decoding of the program goes through it

    def __call__(self, raw: bytes | str) -> Any:
        value = self._decode(raw)
        if isinstance(value, dict) and "messageRecords" in value and "info" in value:
            self.counts[value["info"]["conversationId"]] += 1
        return value


@pytest.fixture
def decoder(monkeypatch: pytest.MonkeyPatch) -> CountingDecoder:
    counting = CountingDecoder()
    monkeypatch.setattr(jsontext, "_decode", counting)
    return counting


def harvest(archive: ArchiveFile, simulator: Simulator) -> None:
    Harvest(connected(simulator, simulator), archive, clock=lambda: NOW, progress=Silent()).run(SPAN)


def test_a_new_closed_record_is_not_decoded_and_a_new_open_one_once(
    archive: ArchiveFile, simulator: Simulator, decoder: CountingDecoder
) -> None:
    simulator.world.put(record("closed", AT, "one", "two"))
    simulator.world.put(record("open", AT, "one", info=OPEN))
    harvest(archive, simulator)
    assert decoder.counts == {"open": 1}


def test_an_unchanged_record_is_not_decoded_be_it_closed_or_open(
    archive: ArchiveFile, simulator: Simulator, decoder: CountingDecoder
) -> None:
    simulator.world.put(record("closed", AT, "one", "two"))
    simulator.world.put(record("open", AT, "one", info=OPEN))
    harvest(archive, simulator)
    decoder.counts.clear()
    simulator.world.clock = lambda: NOW + timedelta(minutes=5)  # an open conversation's duration has grown
    harvest(archive, simulator)
    assert decoder.counts == {}
    assert archive.vault.head() == len(list(archive.inspection.entries()))


def test_a_changed_record_is_decoded_once_beside_the_version_it_is_compared_with(
    archive: ArchiveFile, simulator: Simulator, decoder: CountingDecoder
) -> None:
    simulator.world.put(record("c", AT, "one", info=OPEN))
    harvest(archive, simulator)
    decoder.counts.clear()
    simulator.world.put(record("c", AT, "one", "two", info=OPEN))
    harvest(archive, simulator)
    assert decoder.counts == {"c": 2}
    assert b"two" in archive.vault.current("c").raw
