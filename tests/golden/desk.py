"""Outputs of the real command line, one or more of each schema, over an archive that is always the same."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from archiver.access import Action, Origin, Person, View
from archiver.app import Archive
from archiver.archive import Grant, Grantee
from archiver.archive.opening import make_archive
from archiver.cli.root import root
from archiver.config import find_settings
from archiver.errors import StoreUnavailable
from archiver.index.memory import MemoryStore
from archiver.index.store import StoreStatus
from archiver.jsontext import pretty
from archiver.liveperson.answers import read_record
from archiver.outputs import changes_json
from archiver.received import Conversation
from archiver.service.health import answer
from archiver.service.state import ArchiveCounts, IndexState, LaneState, Observation, Pause, Snapshot
from archiver.simulator.faults import Fault
from archiver.simulator.running import SimulatedAccount, simulate
from archiver.simulator.scenario import Scenario
from tests.conftest import ACCOUNT, NOW, record
from tests.golden.filled import DAY, FULL_ID, HOUR, OLDEST
from tests.reported import Reported

MINUTE = timedelta(minutes=1)
PROGRAM = [sys.executable, "-m", "archiver"]


@dataclass
class Desk:
    """Runs commands on the archive in a folder."""

    folder: Path
    patch: pytest.MonkeyPatch

    def run(self, *words: str, archive: str = "archive") -> str:
        """What a command prints, whether it found faults or not."""
        done = CliRunner().invoke(root, ["--archive", str(self.folder / archive), "--progress", "none", *words])
        assert done.stdout, (done, done.stderr)
        return done.stdout

    def set(self, **settings: str) -> None:
        for key, value in settings.items():
            self.patch.setenv(f"ARCHIVER_{key.upper()}", value)

    def fail(self, *words: str) -> str:
        """What a command that fails says on standard error."""
        command = [*PROGRAM, "--archive", str(self.folder / "archive"), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.stdout, done.returncode > 0) == ("", True)
        return done.stderr


Case = Callable[[Desk], str]
_MESSAGES = ("--scope", "message", "--output", "-")
_PROVEN = f"started:>={OLDEST:%Y-%m-%dT%H:%M} started:<{OLDEST + 12 * HOUR:%Y-%m-%dT%H:%M}"


class Server(MemoryStore):
    """A store that says what only Elasticsearch can say."""

    def status(self) -> StoreStatus:
        return StoreStatus(
            kind="elasticsearch", place="https://elasticsearch:9200", is_prepared=True, is_current=True, applied=9,
            conversations=8, documents=70, bytes=600, version="9.1.0", is_backfilling=True,
            indices=("archiver-messages-000001", "archiver-metadata-000001"), faults=("the index x is blocked",),
            leftovers=("family v1",),
        )  # fmt: skip


class Away(MemoryStore):
    """A store out of reach."""

    def status(self) -> StoreStatus:
        raise StoreUnavailable("Elasticsearch at https://elasticsearch:9200 does not answer")


def _search(desk: Desk) -> str:
    query = "fraud OR refund OR satisfied OR C77 OR spa-*"
    facets = [word for facet in ("skill", "month", "month,skill", "has") for word in ("--facet", facet)]
    return desk.run("search", query, "--limit", "1", *facets, "--values", "2", "--json")


def _terms(desk: Desk) -> str:
    (desk.folder / "terms.txt").write_text(
        "# of a lawyer\nrefund\nfraud OR bot\nsatisfied from:bot\n(open\n\nthank*\nskill:Biling\n"
    )
    return desk.run("terms", str(desk.folder / "terms.txt"), "--json")


def _status(desk: Desk) -> str:
    desk.run("search", "refund", "--json")  # brings the index up to date
    return desk.run("status", "--json")


def _status_without_index(desk: Desk) -> str:
    desk.patch.setattr("archiver.app.open_store", lambda *_, **__: Away())
    return desk.run("status", "--json")


def _status_with_a_broken_index(desk: Desk) -> str:
    desk.patch.setattr("archiver.app.open_store", lambda *_, **__: Server())
    return desk.run("status", "--json")


def _covered(first: int, last: int) -> Case:
    """Days, counted from the oldest that LivePerson keeps."""
    days = [f"{OLDEST + number * DAY:%Y-%m-%d}" for number in (first, last)]
    return lambda desk: desk.run("coverage", "--from", days[0], "--to", days[1], "--json")


def _config(desk: Desk) -> str:
    desk.set(account=ACCOUNT, client_id="archiver", client_secret="s3cret", store="https://me:pass@elastic:9200")
    desk.set(acount=ACCOUNT)
    return desk.run("config", "show", "--json")


def _store(desk: Desk) -> str:
    desk.run("search", "refund", "--json")
    return desk.run("store", "status", "--json")


def _server(desk: Desk) -> str:
    desk.patch.setattr("archiver.app.open_store", lambda *_, **__: Server())
    return desk.run("store", "status", "--json")


def _simulated(
    desk: Desk, *faults: Fault, clock: Callable[[], datetime] = lambda: NOW
) -> AbstractContextManager[SimulatedAccount]:
    """A simulated account of two conversations of one customer."""
    data = desk.folder / "data.jsonl"
    who = [{"participantId": "who"}]
    raws = [record(f"c{number}", NOW - number * HOUR, "hello", consumerParticipants=who) for number in (20, 30)]
    data.write_bytes(b"\n".join(raws))
    return simulate(Scenario(faults=faults), data=data, clock=clock)


def _doctor(desk: Desk) -> str:
    desk.run("search", "refund", "--json")
    with _simulated(desk, clock=lambda: datetime.now(UTC)) as account:
        desk.set(**account.settings)
        return desk.run("doctor", "--json")


def _fetch(desk: Desk) -> str:
    with _simulated(desk, Fault("unreadable-record", "consumer")) as account:
        desk.set(**account.settings)
        return desk.run("fetch", "c20", "gone", "--consumer", "who", "--json", archive="fetched")


def _health(desk: Desk) -> str:
    lanes = {
        "tail": LaneState(7, 2, NOW - MINUTE),
        "updates": LaneState(3, 1, None, "LivePerson does not answer", "source.down"),
    }
    counts = ArchiveCounts(90, 200, 120, 5, 7, 2, 1, 4, 36.5, 3, 1, 12.25, 24.5, 36.0)
    index = IndexState(110, 6, "Elasticsearch does not answer", NOW - HOUR, 30)
    pause = Pause("archive", "the disk is full", "Free some space.", NOW - HOUR, 14, NOW + MINUTE)
    seen = Observation(counts, NOW - 2 * MINUTE)
    state = Snapshot(ACCOUNT, 30 * MINUTE, NOW - DAY, NOW, "brand", lanes, pause, archive=seen, index=index)
    response = answer("/health/harvest", [Reported(state)], NOW)
    assert response is not None
    return response[2].decode()


def _not_utf8(desk: Desk) -> str:
    """The export of a record that holds a byte of another encoding."""
    raw = record("latin", NOW, "Gr\xfc\xdfe").replace("\xfc\xdf".encode(), b"\xfc\xdf")
    with make_archive(desk.folder / "latin", ACCOUNT) as archive:
        archive.keep([item for item in [read_record(raw)] if isinstance(item, Conversation)], (), NOW)
    return desk.run("export", "--raw", "--output", "-", archive="latin")


def _simulator(desk: Desk) -> str:
    (desk.folder / "data.jsonl").write_bytes(record("c1", NOW, "hello"))
    command = [*PROGRAM, "simulate", "--data", str(desk.folder / "data.jsonl")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.terminate()
    return line


def _run(*words: str) -> Case:
    return lambda desk: desk.run(*words, "--json")


def _changes(desk: Desk) -> str:
    with Archive(find_settings({"archive": desk.folder / "archive"})) as archive:
        return pretty(changes_json(archive, 3, 5))


def _access(desk: Desk) -> str:
    desk.run("access", "add", "mara", "--role", "compliance", "--expires", "90d")
    with Archive(find_settings({"archive": desk.folder / "archive"})) as archive:
        archive.file.grants.add(Grant(Grantee.GROUP, "support", ("reader", "exporter"), "skill:Billing"), None)
        archive.file.grants.add(Grant(Grantee.PERSON, "ed", ("reader",), None, NOW - DAY), None)
    return desk.run("access", "list", "--json")


def _certificate(desk: Desk) -> str:
    done = CliRunner().invoke(
        root, ["--archive", str(desk.folder / "archive"), "certify", "refund", "--output", str(desk.folder / "c.json")]
    )
    assert done.exit_code == 9
    return (desk.folder / "c.json").read_text()


def _case(desk: Desk) -> str:
    words = ["export", "refund", "--format", "case", "--output", str(desk.folder / "case")]
    assert CliRunner().invoke(root, ["--archive", str(desk.folder / "archive"), *words]).exit_code == 3
    return (desk.folder / "case" / "manifest.json").read_text()


def _save(desk: Desk) -> None:
    for words in (
        ("refunds", "refund", "--all", "--with-text", "--file", str(desk.folder / "refunds.ndjson")),
        ("closed", "refund", "--all", "--scope", "conversation", "--file", str(desk.folder / "ids.ndjson")),
        ("broken", "hello"),
    ):
        assert (
            CliRunner().invoke(root, ["--archive", str(desk.folder / "archive"), "saved", "add", *words]).exit_code == 0
        )
    with make_archive(desk.folder / "archive", ACCOUNT) as archive:
        archive.saved.disable(archive.saved.one("broken"), "the language has changed")
    assert CliRunner().invoke(root, ["--archive", str(desk.folder / "archive"), "saved", "run"]).exit_code == 0


def _saved(desk: Desk) -> str:
    _save(desk)
    return desk.run("saved", "list", "--json").replace(str(desk.folder), "FOLDER")


def _scheduled(desk: Desk) -> str:
    for words in (
        ("nightly", "on:yesterday", "--format", "parquet", "--to", str(desk.folder)),
        ("all", "--format", "case", "--to", str(desk.folder), "--every", "1w"),
    ):
        _do(desk, "scheduled", "add", *words)
    with make_archive(desk.folder / "archive", ACCOUNT) as archive:
        item = archive.scheduled.one("nightly")
        archive.scheduled.made(item, NOW, beat=NOW, remark="1 conversation could not be read: unreadable.ndjson")
        archive.scheduled.failed(archive.scheduled.one("all"), due_at=NOW, remark="FAILED: the disk is full")
    listed = json.loads(desk.run("scheduled", "list", "--json").replace(str(desk.folder), "FOLDER"))
    listed["items"][0]["beat"] = NOW.isoformat(timespec="milliseconds")  # when it was added
    return pretty(listed)


def _alert(name: str) -> Case:
    def case(desk: Desk) -> str:
        _save(desk)
        return (desk.folder / name).read_text()

    return case


def _do(desk: Desk, *words: str) -> None:
    """A command that prints no output; a record that no index can hold lets some end with 3."""
    ran = CliRunner().invoke(root, ["--archive", str(desk.folder / "archive"), *words])
    assert ran.exit_code in (0, 3), ran.output


def _review(*words: str) -> Case:
    def case(desk: Desk) -> str:
        _do(desk, "case", "new", "c", *words, "--reason", "a complaint")
        _do(desk, "case", "mark", "c", "phone", "--status", "relevant", "--tag", "refund", "--note", "see message 2")
        _do(desk, "case", "add", "c", "kept30", "bare")
        _do(desk, "case", "mark", "c", "kept30", "--status", "irrelevant")
        _do(desk, "case", "mark", "c", "bare", "--status", "privileged")
        return desk.run("case", "show", "c", "--json")

    return case


def _cases(desk: Desk) -> str:
    _review("refund", "--sample", "2", "--seed", "s")(desk)
    _do(desk, "case", "new", "d", "refund", "--follow", "--reason", "another complaint")
    return desk.run("case", "list", "--json")


def _audit(desk: Desk) -> str:
    """A search and a decision on the command line, and a request over the network that was refused."""
    desk.run("search", "refund", "--json")
    view = View(Origin("page", "token", "192.0.2.7", "Mozilla/5.0"), Person("ed", ("reader",)))
    with Archive(find_settings({"archive": desk.folder / "archive"}), clock=lambda: NOW) as archive:
        archive.view = view
        archive.audit(
            Action.DENIAL, reason="ed may not export", outcome="failure", what="/raw/c1", conversation_id="c1"
        )
    return desk.run("audit", "list", "--json")


CASES: Mapping[str, Case] = {
    "access": _access,
    "alert": _alert("refunds.ndjson"),
    "alert-without-text": _alert("ids.ndjson"),
    "audit": _audit,
    "case": _case,
    "cases": _cases,
    "certificate": _certificate,
    "change": lambda desk: desk.run("export", "id:waiting", "--changes-since", "0", "--output", "-").splitlines()[-1],
    "changes": _changes,
    "config": _config,
    "coverage": _covered(-1, 3),
    "coverage-of-a-counted-day": _covered(1, 1),
    "coverage-of-an-unread-day": _covered(3, 3),
    "customer": lambda desk: desk.run("customer", "Łukasz", "--json"),
    "doctor": _doctor,
    "doctor-without-account": _run("doctor"),
    "erasures": _run("erasures", "--all"),
    "error": lambda desk: desk.fail("show", "nobody", "--json"),
    "error-in-query": lambda desk: desk.fail("search", "refund (fraud", "--json"),
    "fetch": _fetch,
    "health": _health,
    "history": lambda desk: desk.run("history", "waiting", "--json"),
    "quarantine": _run("quarantine"),
    "saved": _saved,
    "scheduled": _scheduled,
    "review": _review("refund", "--follow"),
    "review-of-a-sample": _review("refund", "--sample", "2", "--seed", "s"),
    "search": _search,
    "search-with-context": _run("search", "refund", "--context", "1"),
    "histogram": _run("histogram", "*", "--interval", "month"),
    "histogram-of-a-proven-span": _run("histogram", _PROVEN),
    "search-of-earlier-texts": _run("search", "4111"),
    "search-of-a-proven-span": _run("search", _PROVEN),
    "search-for-messages": _run("search", "refund", "--scope", "message"),
    "simulator": _simulator,
    "status": _status,
    "unreadable": lambda desk: desk.run("show", "refused", "--json"),
    "status-with-a-broken-index": _status_with_a_broken_index,
    "status-without-index": _status_without_index,
    "store": _store,
    "store-elasticsearch": _server,
    "terms": _terms,
    "transcript": _run("show", FULL_ID),
    "transcript-of-a-phone": _run("show", "phone"),
    "transcript-with-earlier-texts": _run("show", "waiting"),
    "transcript-of-an-odd-record": _run("show", "odd"),
    "transcript-exported": lambda desk: desk.run("export", f"id:{FULL_ID}", "--raw", "--output", "-"),
    "message-of-an-earlier-text": lambda desk: desk.run("export", "4111 id:waiting", *_MESSAGES),
    "message": lambda desk: desk.run("export", f"id:{FULL_ID} refund from:customer", *_MESSAGES),
    "message-with-a-file": lambda desk: desk.run("export", f"id:{FULL_ID} receipt", *_MESSAGES),
    "message-of-a-bot": lambda desk: desk.run("export", f"id:{FULL_ID} pick", *_MESSAGES),
    "message-of-a-note": lambda desk: desk.run("export", f"id:{FULL_ID} fraud", *_MESSAGES),
    "transcript-exported-not-utf8": _not_utf8,
    "upgrade": _run("upgrade"),
    "verify": _run("verify", "--head", f"2:{'0' * 64}"),
}
