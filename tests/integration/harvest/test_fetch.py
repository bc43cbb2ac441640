"""Conversations fetched by id and by consumer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from archiver.archive.file import ArchiveFile
from archiver.archive.verify import verify_vault
from archiver.config.settings import StoreAddress
from archiver.errors import AuthError
from archiver.harvest.fetch import Fetch, Fetched
from archiver.harvest.harvest import Harvest
from archiver.index.build import catch_up
from archiver.index.store import open_store
from archiver.index.verify import verify_index
from archiver.jsontext import decode
from archiver.model import Window
from archiver.progress import Silent
from archiver.simulator.faults import Fault, Faults
from archiver.simulator.services import Simulator
from tests.conftest import NOW, connected, record, sql

DAY = timedelta(days=1)
LEADS = [{"sdeType": "LEAD", "serverTimeStamp": ms, "lead": {"lead": {"leadId": str(ms)}}} for ms in (1, 2, 3)]


@pytest.fixture
def account(simulator: Simulator) -> Simulator:
    """300 conversations over a year, three consumers in turn, each with three SDEs of one type."""
    simulator.world.fill(
        record(
            f"c{number:03d}", NOW - number * DAY, "hello", consumerParticipants=[{"participantId": f"who{number % 3}"}],
            sdes={"events": LEADS},
        )
        for number in range(300)
    )  # fmt: skip
    return simulator


def fetch(
    archive: ArchiveFile, simulator: Simulator, ids: Sequence[str], consumers: Sequence[str] = (), *faults: Fault
) -> Fetched:
    source = connected(Faults(simulator, faults, sleep=lambda seconds: None), simulator)
    return Fetch(source, archive, clock=lambda: NOW, progress=Silent()).run(ids, consumers)


def test_ids_are_fetched_in_full_whenever_they_started_and_those_that_are_gone_are_named(
    archive: ArchiveFile, account: Simulator
) -> None:
    wanted = [f"c{number:03d}" for number in range(250)]
    fetched = fetch(archive, account, [*wanted, "gone", "c007"])
    assert (fetched.conversations, fetched.new, fetched.absent, fetched.faults) == (250, 250, ("gone",), ())
    raw = archive.vault.current("c249").raw
    assert raw == account.world.by_id["c249"].at(NOW).raw
    assert len(decode(raw)["sdes"]["events"]) == 3
    assert fetch(archive, account, wanted).new == 0


def test_a_consumers_conversations_are_fetched_in_full_open_and_closed(
    archive: ArchiveFile, account: Simulator
) -> None:
    who = [{"participantId": "who1"}]
    is_open = {"status": "OPEN", "endTimeL": -1}
    account.world.put(record("open", NOW - DAY, "hi", info=is_open, consumerParticipants=who))
    fetched = fetch(archive, account, [], ["who1", "nobody"])
    assert (fetched.conversations, fetched.absent) == (101, ("nobody",))
    assert all(len(decode(archive.vault.current(f"c{n:03d}").raw)["sdes"]["events"]) == 3 for n in range(1, 300, 3))
    reasons = [row[0] for row in sql(archive, "SELECT reason FROM watch ORDER BY 1")]
    assert reasons == ["open", "settling"]


def test_one_conversation_that_spoils_its_answer_costs_no_other(archive: ArchiveFile, account: Simulator) -> None:
    """As where one record breaks LivePerson's own service."""

    def respond(request):  # type: ignore[no-untyped-def]
        answer = account(request)
        return answer if b'"c013"' not in request.content else type(answer)(200, content=answer.content[:-40])

    source = connected(respond, account)
    wanted = [f"c{number:03d}" for number in range(40)]
    fetched = Fetch(source, archive, clock=lambda: NOW, progress=Silent()).run(wanted)
    assert fetched.conversations == 39
    assert [fault.partition(":")[0] for fault in fetched.faults] == ["conversation c013"]
    assert fetched.absent == ()


@pytest.mark.parametrize("kind", ["partial-result", "dropped-record", "wrong-count"])
def test_a_consumers_conversations_that_are_not_proven_whole_are_kept_and_said(
    archive: ArchiveFile, account: Simulator, kind: str
) -> None:
    fetched = fetch(archive, account, [], ["who1"], Fault(kind, place="consumer", times=None))
    assert fetched.conversations >= 50
    assert len(fetched.faults) == 1
    assert "who1" in fetched.faults[0]


def test_where_the_look_up_fails_the_search_is_kept(archive: ArchiveFile, account: Simulator) -> None:
    fetched = fetch(archive, account, [], ["who1"], Fault("html", place="by-id", times=None))
    assert fetched.conversations == 100
    assert "as the search gave them" in fetched.faults[0]


def test_a_record_that_cannot_be_read_is_quarantine_and_nobody_is_called_absent(
    archive: ArchiveFile, account: Simulator
) -> None:
    fetched = fetch(archive, account, ["c001", "c002"], (), Fault("unreadable-record", place="by-id", times=None))
    assert archive.vault.count_quarantined() >= 1
    assert fetched.absent == ()
    assert fetched.conversations == 2
    assert "could not be read" in fetched.faults[0]


def test_a_refusal_ends_it_and_what_came_before_stays(archive: ArchiveFile, account: Simulator) -> None:
    wanted = [f"c{number:03d}" for number in range(250)]
    with pytest.raises(AuthError):
        fetch(archive, account, wanted, (), Fault("403", place="by-id", after=1, times=None))
    assert archive.vault.head() == 100


def test_a_harvest_after_a_fetch_does_not_forget_what_the_fetch_brought(
    archive: ArchiveFile, account: Simulator
) -> None:
    fetch(archive, account, ["c003"])
    store = open_store(StoreAddress(), folder=archive.folder, archive_id=archive.id)
    catch_up(archive, store, Silent())
    for _ in range(2):
        span = Window(NOW - 5 * DAY, NOW)
        Harvest(connected(account, account), archive, clock=lambda: NOW, progress=Silent()).run(span)
        catch_up(archive, store, Silent())
    assert len(decode(archive.vault.current("c003").raw)["sdes"]["events"]) == 3
    assert store.position().seq == archive.vault.head()
    assert list(verify_index(archive, store, Silent())) == []
    assert list(verify_vault(archive, Silent())) == []
    store.close()
