"""Certificates: what is found and what was examined, PROVEN only where it is, and the same again when it is checked."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import archiver
from archiver.app import Archive
from archiver.archive import make_archive, open_archive
from archiver.cli.root import root
from archiver.config import find_settings
from archiver.errors import ConfigError
from archiver.liveperson.answers import read_record
from archiver.outputs import certificate_json
from archiver.received import Unreadable
from archiver.simulator import Scenario, simulate
from tests.conftest import ACCOUNT, NOW, record
from tests.golden.filled import filled_archive
from tests.integration.cli.running import run
from tests.pages import kept

SPAN = f"started:{datetime.now(UTC) - timedelta(days=20):%Y-%m-%d}..{datetime.now(UTC) - timedelta(days=10):%Y-%m-%d}"


@pytest.fixture(scope="module")
def harvested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of which days are proven complete by the simulator's counts."""
    folder = tmp_path_factory.mktemp("certified") / "archive"
    with simulate(Scenario()) as account, archiver.open(folder, **account.settings) as archive:
        archive.harvest("40d")
    return folder


def certify(folder: Path, output: Path, *query: str) -> tuple[int, dict[str, Any]]:
    done = run(folder, "certify", *query, "--output", str(output))
    return done.exit_code, json.loads(output.read_bytes())


def test_that_nothing_is_found_in_a_proven_span_is_proven(harvested: Path, tmp_path: Path) -> None:
    code, made = certify(harvested, tmp_path / "c.json", f"xylophone {SPAN}")
    assert (code, made["heading"], made["reasons"]) == (0, "PROVEN", [])
    assert made["found"]["conversations"] == made["found"]["messages"] == 0
    counted = json.loads(run(harvested, "search", SPAN, "--limit", "0", "--json").stdout)
    assert made["examined"]["conversations"] == counted["total"] > 0
    assert made["examined"]["days"] == made["examined"]["proven_days"] == 11
    assert made["examined"]["messages"] > made["examined"]["conversations"]
    page = (tmp_path / "c.html").read_text()
    assert "<h1>PROVEN</h1>" in page
    assert "xylophone" in page


def test_what_is_found_is_counted_as_a_search_counts_it(harvested: Path, tmp_path: Path) -> None:
    _, made = certify(harvested, tmp_path / "c.json", f"table {SPAN}")
    for scope in ("conversation", "message"):
        found = json.loads(run(harvested, "search", f"table {SPAN}", "--scope", scope, "--limit", "0", "--json").stdout)
        assert made["found"][f"{scope}s"] == found["total"] > 0


@pytest.mark.parametrize(
    "query", ["xylophone", "xylophone started:2020", "xylophone before:now", "xylophone after:45d"]
)
def test_a_span_of_which_any_part_is_not_proven_proves_nothing(harvested: Path, tmp_path: Path, query: str) -> None:
    code, made = certify(harvested, tmp_path / "c.json", query)
    assert (code, made["heading"]) == (9, "NOT PROVEN")
    assert "<h1>NOT PROVEN</h1>" in (tmp_path / "c.html").read_text()


def test_what_could_not_be_searched_proves_nothing_and_is_counted(tmp_path: Path) -> None:
    filled_archive(tmp_path / "archive").close()
    code, made = certify(tmp_path / "archive", tmp_path / "c.json", "xylophone")
    told = " ".join(made["reasons"])
    assert (code, made["heading"]) == (9, "NOT PROVEN")
    assert ("1 conversation could not be searched" in told, "2 records of an unknown time" in told) == (True, True)
    assert made["not_searched"]["with_attachments"] == 1
    assert made["not_searched"]["with_erased_text"] == 3
    assert made["not_searched"]["refused"] == 1
    assert made["not_searched"]["gaps"]


def test_a_record_that_could_not_be_read_counts_until_its_span_is_proven_after_it(tmp_path: Path) -> None:
    folder, start = tmp_path / "archive", datetime.now(UTC) - timedelta(minutes=80)

    def harvest(since: str, minute: int) -> None:
        at = start + timedelta(minutes=minute)
        with simulate(Scenario(), clock=lambda: at) as account:
            settings = find_settings({**account.settings, "archive": folder})
            with Archive(settings, clock=lambda: at) as archive:
                archive.harvest(since)

    def quarantine(minute: int) -> None:
        with open_archive(folder) as file:
            file.keep((), [Unreadable(b"{", "cut")], start + timedelta(minutes=minute))

    def certified() -> tuple[int, list[str], int]:
        code, made = certify(folder, tmp_path / f"{len(list(tmp_path.iterdir()))}.json", f"xylophone {SPAN}")
        return code, made["reasons"], made["not_searched"]["quarantined"]

    told = ["1 record of an unknown time could not be read"]
    harvest("40d", 0)
    quarantine(20)
    assert certified() == (9, told, 1)
    assert "could not be read: archiver quarantine" in run(folder, "search", f"xylophone {SPAN}").stderr
    harvest("15d", 40)  # which says nothing new of the first days of the span
    assert certified() == (9, told, 1)
    harvest("40d", 60)
    assert certified() == (0, [], 0)
    quarantine(55)  # while the span was read
    assert certified() == (9, told, 1)
    quarantine(70)  # the same bytes once more
    assert certified() == (9, told, 1)


def test_missing_sdes_count_where_a_query_looks_into_them(tmp_path: Path) -> None:
    folder = kept(tmp_path / "archive", record("c1", NOW, "hello"))
    for query, is_doubtful in (
        ("hello", True),
        ("sde:hello", True),
        ("text:hello", False),
        ("from:agent hello", False),
    ):
        _, made = certify(folder, tmp_path / f"{len(query)}.json", query)
        assert any("lack some of the SDEs" in reason for reason in made["reasons"]) is is_doubtful, query


def test_a_certificate_that_is_checked_says_the_same(harvested: Path, tmp_path: Path) -> None:
    certify(harvested, tmp_path / "c.json", f"table {SPAN}")
    done = run(harvested, "certify", "--check", str(tmp_path / "c.json"))
    assert (done.exit_code, done.stdout) == (0, "")
    assert "It says the same as on" in done.stderr


def test_days_that_count_from_now_are_those_of_when_it_was_asked(tmp_path: Path) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    then = now - timedelta(days=30)
    folder = kept(tmp_path / "archive", record("c1", then - timedelta(days=2), "hello"))
    with Archive(find_settings({"archive": folder}), clock=lambda: then) as archive:
        made = certificate_json(archive, archive.parse("hello after:3d"), then)
    (tmp_path / "c.json").write_text(json.dumps(made))
    grow(folder, record("c2", now, "other"))
    done = run(folder, "certify", "--check", str(tmp_path / "c.json"))
    assert (made["found"]["conversations"], done.exit_code) == (1, 0), done.stdout  # after:3d of a month ago


def grow(folder: Path, *raws: bytes) -> None:
    with make_archive(folder, ACCOUNT) as archive:
        archive.keep([read_record(raw) for raw in raws], (), NOW)  # type: ignore[misc]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return kept(tmp_path / "archive", record("c1", NOW, "hello"), record("c2", NOW, "bye"))


def test_an_archive_that_has_grown_elsewhere_says_the_same_and_that_it_has(small: Path, tmp_path: Path) -> None:
    certify(small, tmp_path / "c.json", "hello")
    grow(small, record("c3", NOW, "other"))
    done = run(small, "certify", "--check", str(tmp_path / "c.json"))
    assert (done.exit_code, done.stdout) == (0, "the archive has 1 entry more than then\n")


Forge = Callable[[dict[str, Any]], None]


@pytest.mark.parametrize(
    ("forge", "told"),
    [
        (lambda made: made["found"].update(conversations=0), "1 conversations are found, and were 0"),
        (lambda made: made["found"].update(ids_sha256="0" * 64), "other conversations are found"),
        (lambda made: made.update(heading="PROVEN"), "it is NOT PROVEN now"),
        (lambda made: made["archive"].update(head="2:" + "0" * 64), "does not hold the head"),
        (lambda made: made["archive"].update(head="99:" + "0" * 64), "does not hold the head"),
        (lambda made: made["archive"].update(id="other"), "it is of the archive other"),
        (lambda made: made["question"].update(query="bye hello"), "0 conversations are found, and were 1"),
        (lambda made: made["question"].update(understood="everything"), "understood otherwise"),
        (lambda made: made["archive"].update(account="999"), "the account is otherwise"),
        (lambda made: made["examined"].update(conversations=999), "examined is not what the archive says"),
        (lambda made: made["not_searched"].update(with_attachments=7), "not_searched is not what the archive says"),
        (lambda made: made["reasons"].clear(), "reasons is not what the archive says"),
    ],
)  # fmt: skip
def test_a_certificate_that_was_changed_does_not_stand_the_check(
    small: Path, tmp_path: Path, forge: Forge, told: str
) -> None:
    _, made = certify(small, tmp_path / "c.json", "hello")
    forge(made)
    (tmp_path / "c.json").write_text(json.dumps(made))
    done = run(small, "certify", "--check", str(tmp_path / "c.json"))
    assert (done.exit_code, told in done.stdout) == (9, True), done.stdout


@pytest.mark.parametrize(
    "forge",
    [
        lambda made: made.update(at="2999-01-01T00:00:00+00:00"),
        lambda made: made["question"].update(zone="Mars/Olympus"),
        lambda made: made["archive"].update(head="none"),
        lambda made: made["found"].update(conversations="many"),
        lambda made: made["archive"].pop("account"),
        lambda made: made["question"].update(query=7),
        lambda made: made.update(at="2026-03-01T00:00:00"),
        lambda made: made.update(at="0001-01-01T00:00:00+00:00"),
        lambda made: made.update(made_by={}),
        lambda made: made.update(reasons=None),
        lambda made: made.pop("heading"),
    ],
)
def test_a_certificate_of_nonsense_is_refused(small: Path, tmp_path: Path, forge: Forge) -> None:
    _, made = certify(small, tmp_path / "c.json", "hello")
    forge(made)
    (tmp_path / "c.json").write_text(json.dumps(made))
    assert isinstance(run(small, "certify", "--check", str(tmp_path / "c.json")).exception, ConfigError)


def test_what_is_checked_is_what_the_certificate_asks(small: Path, tmp_path: Path) -> None:
    certify(small, tmp_path / "c.json", "hello")
    assert run(small, "certify", "bye", "--check", str(tmp_path / "c.json")).exit_code == 2


def test_an_archive_without_a_record_is_checked_too(tmp_path: Path) -> None:
    make_archive(tmp_path / "archive", ACCOUNT).close()
    certify(tmp_path / "archive", tmp_path / "c.json", "hello")
    assert run(tmp_path / "archive", "certify", "--check", str(tmp_path / "c.json")).exit_code == 0


def test_neither_file_is_written_if_one_exists(small: Path, tmp_path: Path) -> None:
    (tmp_path / "c.html").write_text("mine")
    assert "exists" in str(run(small, "certify", "hello", "--output", str(tmp_path / "c.json")).exception)
    assert not (tmp_path / "c.json").exists()


@pytest.mark.parametrize("condition", ["skill:Flihgts", "sde.nosuch:abc", "csat:>6", "agent:Nobody"])
def test_a_condition_that_is_true_of_nothing_in_the_archive_proves_nothing(
    harvested: Path, tmp_path: Path, condition: str
) -> None:
    code, made = certify(harvested, tmp_path / "c.json", f"{condition} {SPAN}")
    assert (code, made["heading"]) == (9, "NOT PROVEN"), made["question"]["notices"]
    assert escape(made["question"]["notices"][0]) in (tmp_path / "c.html").read_text()


def test_a_query_that_may_be_read_otherwise_proves_nothing(harvested: Path, tmp_path: Path) -> None:
    for query, code in ((f"xylophone or regulator {SPAN}", 9), (f'xylophone "or" zebra {SPAN}', 0)):
        done, made = certify(harvested, tmp_path / f"{code}.json", query)
        assert (done, bool(made["reasons"])) == (code, bool(code)), made["reasons"]


def test_a_conversation_of_unknown_start_counts_if_everything_else_is_true_of_it(
    harvested: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "archive"
    shutil.copytree(harvested, folder)
    with open_archive(folder) as file:
        for name, start in (("absent", None), ("odd", "zzz"), ("far", 10**18)):
            info = {"conversationId": name, "startTimeL": start, "startTime": start}
            raw = record(name, NOW, f"xylophone {name}", info=info)
            file.keep([read_record(raw)], (), datetime.now(UTC))  # type: ignore[list-item]
    for query, count in ((f"xylophone {SPAN}", 3), (f"xylophone absent {SPAN}", 1), (f"text:zebra {SPAN}", 0),
                         (f"(xylophone {SPAN}) OR zebra", 3)):  # fmt: skip
        code, made = certify(folder, tmp_path / f"{len(query)}.json", query)
        reasons = [reason for reason in made["reasons"] if "whose start is unknown" in reason]
        assert (code, made["found"]["conversations"], len(reasons)) == (9 if count else 0, 0, min(count, 1)), query
        assert not count or reasons[0].startswith(str(count))
    assert "whose start is unknown" in run(folder, "search", f"xylophone {SPAN}").stderr


def test_a_certificate_says_the_same_under_another_zone(harvested: Path, tmp_path: Path) -> None:
    certify(harvested, tmp_path / "c.json", f"xylophone {SPAN}")
    done = CliRunner().invoke(
        root, ["--archive", str(harvested), "--tz", "Asia/Tokyo", "certify", "--check", str(tmp_path / "c.json")]
    )
    assert (done.exit_code, done.stdout) == (0, "")


@pytest.mark.parametrize("condition", ["started:20d", "on:20d", "sent:3mo", "ended:1y"])
def test_a_moment_is_no_day(harvested: Path, tmp_path: Path, condition: str) -> None:
    done = run(harvested, "certify", f"table {condition}", "--output", str(tmp_path / "c.json"))
    assert "is one moment; write" in str(done.exception)


def test_a_span_without_a_conversation_proves_nothing(tmp_path: Path) -> None:
    folder = kept(tmp_path / "archive", record("c1", NOW, "hello"))
    _, made = certify(folder, tmp_path / "c.json", "hello started:2020-01")
    assert any("no conversation of this span" in reason for reason in made["reasons"])


def test_deleted_text_is_counted_and_what_was_removed_proves_nothing(tmp_path: Path) -> None:
    deleted = "** LP deleted data **"
    folder = kept(tmp_path / "archive", record("before", NOW, deleted), record("after", NOW, "a promise"))
    grow(folder, record("after", NOW, deleted))
    (waiting,) = json.loads(run(folder, "erasures", "--json").stdout)["erasures"]
    _, made = certify(folder, tmp_path / "c1.json", "promise")
    assert (made["not_searched"]["deleted_before"], made["not_searched"]["removed"]) == (1, 0)
    ran = run(folder, "erasures", "approve", str(waiting["id"]), "--yes", "--reason", "asked for")
    assert ran.exit_code == 0, (ran.output, ran.exception, waiting)
    _, made = certify(folder, tmp_path / "c2.json", "promise")
    assert made["not_searched"]["removed"] == 1
    assert any("removed for ever" in reason for reason in made["reasons"])


def test_what_is_found_later_is_told(small: Path, tmp_path: Path) -> None:
    certify(small, tmp_path / "c.json", "hello")
    grow(small, record("c3", NOW, "hello again"))
    done = run(small, "certify", "--check", str(tmp_path / "c.json"))
    assert done.exit_code == 9
    assert "2 conversations are found, and were 1" in done.stdout
    assert "other conversations are found than then" in done.stdout


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "archiver.search/2"}', "not json"])
def test_what_is_no_certificate_is_said_to_be_none(small: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "c.json").write_text(text)
    done = run(small, "certify", "--check", str(tmp_path / "c.json"))
    assert "is no certificate" in str(done.exception)


def test_a_certificate_is_not_overwritten_and_is_audited(small: Path, tmp_path: Path) -> None:
    certify(small, tmp_path / "c.json", "hello")
    assert "exists" in str(run(small, "certify", "bye", "--output", str(tmp_path / "c.json")).exception)
    assert "certificate" in run(small, "audit", "list").stdout
