"""What LivePerson takes back after it was kept: recorded, followed by policy, decided by people, provable."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from archiver.archive.events import Decision
from archiver.archive.file import ArchiveFile
from archiver.archive.opening import make_archive, open_archive
from archiver.archive.verify import verify_vault
from archiver.choices import Policies, Policy
from archiver.cli.root import root
from archiver.config.settings import StoreAddress
from archiver.errors import NotFound
from archiver.harvest.harvest import Harvest
from archiver.index.build import catch_up
from archiver.index.results import Sort
from archiver.index.store import Store, open_store
from archiver.index.verify import verify_index
from archiver.model import Window
from archiver.progress import Silent
from archiver.query.ast import Scope
from archiver.query.parser import parse
from archiver.simulator.services import Simulator
from archiver.simulator.world import World
from tests import schemas
from tests.conftest import ACCOUNT, NOW, connected, record, sql

START = NOW - timedelta(days=3)
FULL = record("c", START, "my card is 4111111111111111", "thank you", "bye")
MASKED = record("c", START, "my card is ****************", "thank you", "bye")
ERASED = record("c", START, "** LP deleted data **", "** LP deleted data **", "bye")
FEWER = record("c", START, "my card is 4111111111111111", "thank you")
SECRET = b"4111111111111111"


class Account:
    """A simulated account of one conversation, and its archive, at a time that goes on."""

    def __init__(self, folder: Path, policies: Policies) -> None:
        self.now = NOW
        self.world = World(ACCOUNT, lambda: self.now)
        self.simulator = Simulator(self.world)
        self.archive = make_archive(folder, ACCOUNT, policies=policies)

    def harvest(self, raw: bytes, *, later: timedelta = timedelta(hours=1)) -> None:
        self.now += later
        self.world.put(raw)
        source = connected(self.simulator, self.simulator)
        span = Window(START - timedelta(hours=1), START + timedelta(hours=1))
        Harvest(source, self.archive, clock=lambda: self.now, progress=Silent()).run(span)

    def decide(self, *, approve: bool) -> list[int]:
        (pending,) = self.archive.erasures.listed()
        return self.archive.decide(pending.seq, approve=approve, by="me", reason="why", now=self.now)


@pytest.fixture
def account(tmp_path: Path, request: pytest.FixtureRequest) -> Account:
    return Account(tmp_path / "archive", getattr(request, "param", Policies()))


def states(archive: ArchiveFile) -> list[tuple[str, Decision]]:
    return [(erasure.kind, erasure.state) for erasure in archive.erasures.listed(is_pending=False)]


def versions(archive: ArchiveFile) -> list[bytes | None]:
    return [raw for _, raw, _ in archive.inspection.bodies("record")]


def files(archive: ArchiveFile) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(archive.folder.rglob("*")) if path.is_file())


def test_masking_is_followed_by_default_and_the_chain_stays_whole(account: Account) -> None:
    account.harvest(FULL)
    account.harvest(MASKED)
    archive = account.archive
    assert versions(archive) == [None, MASKED]
    assert archive.vault.current("c").raw == MASKED
    assert states(archive) == [("upstream_masking", Decision.FOLLOWED)]
    assert list(verify_vault(archive, Silent())) == []


def test_what_was_removed_is_in_no_file_any_more(tmp_path: Path) -> None:
    account = Account(tmp_path / "archive", Policies(erasure=Policy.FOLLOW))
    account.harvest(FULL)
    sql(account.archive, "PRAGMA wal_checkpoint(PASSIVE)")
    ((salt,),) = sql(account.archive, "SELECT salt FROM bodies WHERE seq = 1")
    assert salt in files(account.archive)
    account.harvest(ERASED)
    assert salt not in files(account.archive)
    assert SECRET not in files(account.archive)


def test_erasure_waits_for_a_person_by_default_and_the_old_text_is_found_until_it_is_removed(account: Account) -> None:
    archive = account.archive
    account.harvest(FULL)
    store = open_store(StoreAddress(), folder=archive.folder, archive_id=archive.id)
    catch_up(archive, store, Silent())
    account.harvest(ERASED)
    catch_up(archive, store, Silent())
    assert versions(archive) == [FULL, ERASED]
    assert states(archive) == [("upstream_erasure", Decision.PENDING)]
    assert list(verify_index(archive, store, Silent())) == []
    assert [count(store, f"{SECRET.decode()} {age}") for age in ("is:earlier", "is:current")] == [1, 0]
    account.decide(approve=True)
    catch_up(archive, store, Silent())
    assert count(store, SECRET.decode()) == 0
    assert list(verify_index(archive, store, Silent())) == []
    store.close()


def count(store: Store, text: str) -> int:
    return store.search(parse(text, now=NOW).expression, scope=Scope.MESSAGE, sort=Sort.OLDEST, limit=9).total


@pytest.mark.parametrize("approve", [True, False])
def test_a_persons_decision_is_recorded_with_who_and_why(account: Account, approve: bool) -> None:
    account.harvest(FULL)
    account.harvest(ERASED)
    removed = account.decide(approve=approve)
    archive = account.archive
    assert removed == ([1] if approve else [])
    assert versions(archive) == [None if approve else FULL, ERASED]
    (erasure,) = archive.erasures.listed(is_pending=False)
    assert (erasure.state, erasure.decided_by, erasure.reason) == (
        Decision.APPROVED if approve else Decision.KEPT, "me", "why",
    )  # fmt: skip
    assert list(verify_vault(archive, Silent())) == []
    with pytest.raises(NotFound):
        archive.decide(erasure.seq, approve=True, by="me", reason=None, now=NOW)


def test_fewer_messages_are_kept_and_never_take_the_place_of_more_unless_approved(account: Account) -> None:
    archive = account.archive
    account.harvest(FULL)
    account.harvest(FEWER)
    assert archive.vault.current("c").raw == FULL
    assert states(archive) == []  # a replica that lags behind? it is looked at again
    assert archive.ledger.count_watched() == 1
    account.harvest(FEWER)
    assert archive.vault.current("c").raw == FULL
    assert states(archive) == [("upstream_fewer", Decision.PENDING)]
    account.harvest(FEWER)
    assert len(states(archive)) == 1
    head = archive.vault.head()
    account.decide(approve=True)
    assert archive.vault.current("c").raw == FEWER
    assert archive.vault.current("c").seq > head  # so that every index takes it over
    assert archive.vault.totals() == (1, 2)
    assert SECRET in FULL
    assert FULL not in versions(archive)
    assert list(verify_vault(archive, Silent())) == []


def test_messages_that_are_there_again_end_the_question(account: Account) -> None:
    for raw in (FULL, FEWER, FEWER):
        account.harvest(raw)
    account.harvest(record("c", START, "my card is 4111111111111111", "thank you", "bye", "more"))
    assert states(account.archive) == [("upstream_fewer", Decision.SUPERSEDED)]
    assert list(verify_vault(account.archive, Silent())) == []


def test_a_conversation_that_is_open_again_is_so_after_a_second_look(account: Account) -> None:
    opened = record("c", START, "hello", info={"status": "OPEN", "endTimeL": -1})
    closed = record("c", START, "hello")
    account.harvest(closed)
    account.harvest(opened)
    assert account.archive.vault.current("c").raw == closed
    account.harvest(opened)
    assert b'"OPEN"' in account.archive.vault.current("c").raw


ALMOST, ENOUGH = timedelta(minutes=15) - timedelta(milliseconds=1), timedelta(minutes=15)


@pytest.mark.parametrize(("later", "counts"), [(ALMOST, False), (ENOUGH, True)])
def test_what_a_lagging_replica_may_still_show_counts_when_it_is_shown_again_after_fifteen_minutes(
    account: Account, later: timedelta, counts: bool
) -> None:
    opened = record("c", START, "hello", info={"status": "OPEN", "endTimeL": -1})
    account.harvest(record("c", START, "hello"))
    account.harvest(opened)
    account.harvest(opened, later=later)
    assert (b'"OPEN"' in account.archive.vault.current("c").raw) is counts


@pytest.mark.parametrize(("later", "counts"), [(ALMOST, False), (ENOUGH, True)])
def test_fewer_messages_are_a_question_when_they_are_shown_again_after_fifteen_minutes(
    account: Account, later: timedelta, counts: bool
) -> None:
    account.harvest(FULL)
    account.harvest(FEWER)
    account.harvest(FEWER, later=later)
    assert states(account.archive) == ([("upstream_fewer", Decision.PENDING)] if counts else [])


def test_following_a_masking_does_not_remove_what_waits_or_is_to_be_kept(account: Account) -> None:
    erased = record("c", START, "my card is 4111111111111111", "** LP deleted data **", "bye")
    masked = record("c", START, "my card is ****************", "** LP deleted data **", "bye")
    account.harvest(FULL)
    account.harvest(erased)
    account.harvest(masked)
    assert versions(account.archive) == [FULL, None, masked]
    account.decide(approve=False)
    assert versions(account.archive) == [FULL, None, masked]
    assert list(verify_vault(account.archive, Silent())) == []


@pytest.mark.parametrize(
    "account", [Policies(Policy.KEEP, Policy.KEEP), Policies(Policy.ASK, Policy.ASK)], indirect=True
)
def test_the_other_policies_remove_nothing(account: Account) -> None:
    for raw in (FULL, MASKED, ERASED):
        account.harvest(raw)
    assert versions(account.archive) == [FULL, MASKED, ERASED]
    assert account.archive.vault.current("c").raw == ERASED


def test_a_body_that_is_missing_without_a_record_of_it_is_found(account: Account) -> None:
    account.harvest(FULL)
    account.harvest(MASKED)
    account.harvest(record("c", START, "my card is ****************", "thank you", "bye", "more"))
    sql(account.archive, "DELETE FROM bodies WHERE seq = 3")
    assert [(finding.where, finding.seq) for finding in verify_vault(account.archive, Silent())] == [("body", 3)]


def test_a_body_that_was_put_back_is_found(account: Account) -> None:
    account.harvest(FULL)
    (row,) = sql(account.archive, "SELECT * FROM bodies WHERE seq = 1")
    account.harvest(MASKED)
    sql(account.archive, "INSERT INTO bodies VALUES (?, ?, ?)", *row)
    assert [(finding.where, finding.seq) for finding in verify_vault(account.archive, Silent())] == [("body", 1)]


def test_the_command_lists_approves_and_keeps(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    account.harvest(FULL)
    account.harvest(ERASED)
    folder = account.archive.folder
    account.archive.close()
    monkeypatch.setenv("ARCHIVER_ARCHIVE", str(folder))
    run = CliRunner()
    listed = schemas.checked(run.invoke(root, ["erasures", "--json"]).stdout)
    (erasure,) = listed["erasures"]
    assert (erasure["conversation_id"], erasure["state"], erasure["older_entries"]) == ("c", "pending", [1])
    assert "deleted at LivePerson, pending" in run.invoke(root, ["erasures"]).stdout
    assert run.invoke(root, ["erasures", "approve", "99", "--yes"]).exception
    assert run.invoke(root, ["erasures", "keep", str(erasure["id"])]).exit_code == 2  # no reason
    assert run.invoke(root, ["erasures", "approve", str(erasure["id"])], input="n\n").exit_code != 0
    assert run.invoke(root, ["erasures", "approve", "--all"], input="y\n").exit_code == 0
    assert "Nothing waits" in run.invoke(root, ["erasures"]).stderr
    assert "approved" in run.invoke(root, ["erasures", "--all"]).stdout
    with open_archive(folder) as archive:
        assert versions(archive) == [None, ERASED]


def test_what_could_not_be_read_in_full_removes_nothing_and_is_looked_at_again(account: Account) -> None:
    """The older version may have what a search leaves out."""
    account.harvest(FULL)
    account.now += timedelta(hours=1)
    account.world.put(MASKED)

    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/conversation/search"):
            return httpx.Response(503)
        return account.simulator(request)

    source = connected(respond, account.simulator)
    span = Window(START - timedelta(hours=1), START + timedelta(hours=1))
    Harvest(source, account.archive, clock=lambda: account.now, progress=Silent()).run(span)
    assert FULL in versions(account.archive)
    assert states(account.archive) == [("upstream_masking", Decision.PENDING)]
    assert account.archive.ledger.count_watched() == 1


def test_a_full_record_that_is_shown_again_ends_the_question_of_fewer(account: Account) -> None:
    for raw in (FULL, FEWER, FEWER, FULL):
        account.harvest(raw)
    assert states(account.archive) == [("upstream_fewer", Decision.SUPERSEDED)]
    assert account.archive.vault.current("c").raw == FULL


def test_a_lagging_read_does_not_bring_back_what_was_removed(account: Account) -> None:
    for raw in (FULL, MASKED, FULL, MASKED):
        account.harvest(raw)
    assert FULL not in versions(account.archive)
    assert account.archive.vault.current("c").raw == MASKED
    assert list(verify_vault(account.archive, Silent())) == []


def test_an_approval_removes_what_other_open_questions_are_about(account: Account) -> None:
    account.harvest(FULL)
    account.harvest(ERASED)
    for _ in range(2):
        account.harvest(record("c", START, "** LP deleted data **", "** LP deleted data **"))
    first, _ = account.archive.erasures.listed()
    assert account.archive.decide(first.seq, approve=True, by="me", reason=None, now=account.now) == [1]
    assert FULL not in versions(account.archive)


def test_an_erasure_that_is_hidden_in_the_list_is_found(account: Account) -> None:
    account.harvest(FULL)
    account.harvest(ERASED)
    sql(account.archive, "UPDATE erasures SET state = 'superseded'")
    assert {finding.where for finding in verify_vault(account.archive, Silent())} == {"erasures"}


def test_a_current_version_that_points_back_is_found(account: Account) -> None:
    account.harvest(FULL)
    account.harvest(record("c", START, "my card is 4111111111111111", "thank you", "bye", "more"))
    sql(account.archive, "UPDATE current SET seq = 1, messages = 3")
    assert "current" in {finding.where for finding in verify_vault(account.archive, Silent())}
