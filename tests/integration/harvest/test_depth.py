"""Conversations are read by their ids, which alone returns all SDEs; others are kept, counted, and read so later."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from archiver.archive.file import ArchiveFile
from archiver.archive.opening import open_archive
from archiver.archive.verify import verify_vault
from archiver.choices import Depth
from archiver.harvest.harvest import Harvest, Summary
from archiver.harvest.ingest import Ingest
from archiver.jsontext import decode
from archiver.model import Window
from archiver.progress import Silent
from archiver.rawrecord import items, section
from archiver.service.time_lanes import Deepen
from archiver.simulator.services import Simulator
from tests.conftest import NOW, connected, record
from tests.formats import make_older

DAY = timedelta(days=1)
SPAN = Window(NOW - 6 * DAY, NOW)
LEADS = [{"sdeType": "LEAD", "serverTimeStamp": ms, "lead": {"lead": {"leadId": str(ms)}}} for ms in (1, 2, 3)]
PREVIEW = {"messageData": {"file": {"relativePath": "a.png", "preview": "thumbnail"}}, "type": "HOSTED_FILE"}
Respond = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def account(simulator: Simulator) -> Simulator:
    """250 conversations in five days, each with three SDEs of one type."""
    simulator.world.fill(
        record(f"c{number:03d}", NOW - DAY - number * DAY / 50, "hello", sdes={"events": LEADS})
        for number in range(250)
    )
    return simulator


def harvest(
    archive: ArchiveFile, simulator: Simulator, respond: Respond | None = None, *, span: Window = SPAN, **how: Depth
) -> Summary:  # fmt: skip
    source = connected(respond or simulator, simulator)
    return Harvest(source, archive, clock=lambda: NOW, progress=Silent(), **how).run(span)  # type: ignore[arg-type]


def failing(simulator: Simulator, ids: Collection[str], status: int = 503) -> Respond:
    """The account, whose look-ups fail if one of some ids is among them."""

    def respond(request: httpx.Request) -> httpx.Response:
        is_look_up = request.url.path.endswith("/conversation/search")
        if is_look_up and set(json.loads(request.content)["conversationIds"]) & set(ids):
            return httpx.Response(status)
        return simulator(request)

    return respond


def events(archive: ArchiveFile) -> dict[str, int]:
    """How many SDEs each conversation has in the archive."""
    return {
        item.conversation_id: len(items(section(decode(item.raw), "sdes"), "events")) for item in archive.vault.after(0)
    }


def test_a_harvest_archives_each_record_exactly_as_the_look_up_by_its_id_returns_it(
    archive: ArchiveFile, account: Simulator
) -> None:
    account.world.put(record("photo", NOW - 2 * DAY, messageRecords=[PREVIEW], sdes={"events": LEADS}))
    assert harvest(archive, account).unproven == ()
    given = {item.id: item.at(NOW).raw for item in account.world.by_id.values()}
    assert {item.conversation_id: item.raw for item in archive.vault.after(0)} == given
    assert archive.vault.count_shallow() == 0
    assert archive.vault.head() == len(given) + len(archive.ledger.sealed())  # nothing was kept twice


def test_a_hundred_conversations_take_about_two_requests(archive: ArchiveFile, simulator: Simulator) -> None:
    simulator.world.fill(
        record(f"c{day}-{at:02d}", NOW - day * DAY, "hello") for day in range(1, 61) for at in range(99)
    )
    asked: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path.rpartition("/conversations/")[2])
        return simulator(request)

    harvest(archive, simulator, respond, span=Window(NOW - 61 * DAY, NOW))
    assert archive.vault.conversations() == 60 * 99
    assert asked.count("conversation/search") < 1.15 * 60
    assert asked.count("search") < 1.25 * 60


def test_a_conversation_whose_look_up_fails_is_kept_as_the_search_returns_it_and_read_later(
    archive: ArchiveFile, account: Simulator
) -> None:
    assert harvest(archive, account, failing(account, {"c007"})).unproven == ()
    lacking = {id_ for id_, count in events(archive).items() if count < 3}
    assert (lacking, archive.vault.count_shallow()) == ({"c007"}, 1)
    harvest(archive, account)
    assert (set(events(archive).values()), archive.vault.count_shallow()) == ({3}, 0)


@pytest.mark.parametrize("status", [503, 400, 404])
def test_without_any_look_up_everything_is_kept_and_proven_and_counted_as_shallow(
    archive: ArchiveFile, account: Simulator, status: int
) -> None:
    assert harvest(archive, account, failing(account, account.world.by_id, status)).unproven == ()
    assert set(events(archive).values()) == {1}
    assert archive.vault.count_shallow() == 250
    assert archive.covering(NOW).between(SPAN.start, SPAN.start + DAY).shallow == 49


def test_what_a_look_up_does_not_know_is_kept_as_the_search_returns_it(
    archive: ArchiveFile, account: Simulator
) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        response = account(request)
        if request.url.path.endswith("/conversation/search"):
            content = json.loads(response.content)
            known = [item for item in content["conversationHistoryRecords"] if item["info"]["conversationId"] != "c009"]
            metadata = {**content["_metadata"], "count": len(known)}
            return httpx.Response(200, json={"_metadata": metadata, "conversationHistoryRecords": known})
        return response

    assert harvest(archive, account, respond).unproven == ()
    assert (events(archive)["c009"], archive.vault.count_shallow()) == (1, 1)


def test_a_listed_conversation_without_any_readable_record_keeps_its_window_from_being_proven(
    archive: ArchiveFile, account: Simulator
) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        response = account(request)
        if b"messageRecords" in request.content and b'"c011"' in response.content:
            broken = response.content.replace(b'"conversationId":"c011"', b'"conversationId":\\"c011"')
            return httpx.Response(200, content=broken)
        return response

    summary = harvest(archive, account, respond)
    assert len(summary.unproven) == 1
    assert "1 readable record less: c011" in summary.unproven[0].reason
    assert set(events(archive)) == set(account.world.by_id) - {"c011"}
    assert b"c011" in next(archive.vault.quarantined()).raw
    assert harvest(archive, account).unproven == ()
    assert "c011" in events(archive)


def test_search_depth_makes_no_look_ups_and_counts_what_it_lacks(archive: ArchiveFile, account: Simulator) -> None:
    harvest(archive, account, failing(account, account.world.by_id), depth=Depth.SEARCH)
    assert archive.vault.count_shallow() == 250
    assert set(events(archive).values()) == {1}


def test_an_archive_of_the_format_that_knew_no_depth_is_read_by_its_ids_by_the_service(
    archive: ArchiveFile, account: Simulator
) -> None:
    harvest(archive, account, depth=Depth.SEARCH)
    folder: Path = archive.folder
    archive.close()
    make_older(folder, 4)
    with closing(open_archive(folder)) as older:
        assert older.vault.count_shallow() == 250
        lane = Deepen(Ingest(connected(account, account), older, clock=lambda: NOW, progress=Silent()))
        steps = 0
        while lane.step(NOW):
            steps += 1
        assert (steps, older.vault.count_shallow(), set(events(older).values())) == (3, 0, {3})
        assert list(verify_vault(older, Silent(), now=NOW)) == []


def test_a_later_search_that_shows_something_new_makes_a_conversation_shallow_until_it_is_read_by_id(
    archive: ArchiveFile, account: Simulator
) -> None:
    harvest(archive, account)
    account.world.put(record("c001", NOW - DAY - DAY / 50, "hello", "and more", sdes={"events": LEADS}))
    harvest(archive, account, failing(account, account.world.by_id))
    assert archive.vault.count_shallow() == 1
    harvest(archive, account)
    assert archive.vault.count_shallow() == 0
