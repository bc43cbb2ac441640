"""A record that is known to be truncated is looked at again; a window that holds one that stays so is not proven."""

from __future__ import annotations

import json
from datetime import timedelta

import httpx
import pytest

from archiver.archive.file import ArchiveFile
from archiver.harvest.harvest import Harvest, Summary
from archiver.harvest.tally import RepeatedReads, WindowTally
from archiver.model import Window
from archiver.progress import Silent
from archiver.simulator.services import Simulator
from tests.conftest import NOW, connected, record

DAY = timedelta(days=1)
SPAN = Window(NOW - 6 * DAY, NOW)


class Cutting:
    """An account that returns some conversations truncated: searches always, the first `looks` look-ups of each too."""

    def __init__(self, simulator: Simulator, looks: dict[str, int]) -> None:
        self.simulator, self.looks = simulator, looks

    def __call__(self, request: httpx.Request) -> httpx.Response:
        response = self.simulator(request)
        if "messaging_history" not in request.url.path:
            return response
        content = json.loads(response.content)
        is_look_up = request.url.path.endswith("/conversation/search")
        for item in content["conversationHistoryRecords"]:
            id_ = item["info"]["conversationId"]
            if self.looks.get(id_, 0) > 0:
                self.looks[id_] -= is_look_up
                item["info"]["isPartial"] = True
                item["messageRecords"] = item.get("messageRecords", [])[:1]
        return httpx.Response(200, json=content)


def harvest(archive: ArchiveFile, simulator: Simulator, **looks: int) -> Summary:
    simulator.world.fill(record(f"c{number}", NOW - number * DAY, "one", "two", "three") for number in range(1, 6))
    source = connected(Cutting(simulator, looks), simulator)
    return Harvest(source, archive, clock=lambda: NOW, progress=Silent()).run(SPAN)


@pytest.mark.parametrize("looks", [1, 2])
def test_a_record_that_is_whole_at_a_later_look_costs_nothing(
    archive: ArchiveFile, simulator: Simulator, looks: int
) -> None:
    summary = harvest(archive, simulator, c2=looks, c4=looks)
    assert (summary.conversations, summary.unproven) == (5, ())
    assert all(b"three" in item.raw for item in archive.vault.after(0))
    assert archive.ledger.is_sealed(Window(NOW - 2 * DAY, NOW - 2 * DAY + DAY / 24))


def test_a_record_that_stays_cut_is_kept_named_and_keeps_its_window_from_being_sealed(
    archive: ArchiveFile, simulator: Simulator
) -> None:
    summary = harvest(archive, simulator, c2=99, c4=99)
    assert [gap.reason.rpartition(": ")[2] for gap in summary.unproven] == ["c4", "c2"]
    assert all("1 record truncated only (isPartial)" in gap.reason for gap in summary.unproven)
    assert {item.conversation_id for item in archive.vault.after(0)} == {f"c{number}" for number in range(1, 6)}
    for number in (2, 4):
        at = NOW - number * DAY
        assert not any(at in window for window in archive.ledger.sealed())
    assert any(NOW - 3 * DAY in window for window in archive.ledger.sealed())
    assert summary.conversations == 5


def test_a_window_whose_records_have_become_whole_is_proven_by_the_next_harvest(
    archive: ArchiveFile, simulator: Simulator
) -> None:
    assert harvest(archive, simulator, c3=99).unproven
    assert harvest(archive, simulator).unproven == ()
    assert b"three" in archive.vault.current("c3").raw


def test_of_several_readings_together_a_record_is_cut_if_none_of_them_had_it_whole() -> None:
    together = RepeatedReads()
    first = WindowTally("x", ids={"a", "b"}, inside={"a", "b"}, cut={"a", "b"}, announced=3, is_reordered=True)
    second = WindowTally("x", ids={"b", "c"}, inside={"b", "c"}, cut=set(), announced=3, is_reordered=True)
    assert not together.settles(first)
    assert together.settles(second)
    assert second.cut == {"a"}
