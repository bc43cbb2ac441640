"""The program as people run it: real processes, real sockets, Ctrl-C and kill -9."""

from __future__ import annotations

import gzip
import json
import os
import random
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from archiver.archive.opening import open_archive
from archiver.model import to_ms
from tests import schemas
from tests.conftest import NOW, record
from tests.nodes import Node

PROGRAM = [sys.executable, "-m", "archiver"]
COUNT = 400


@dataclass
class Shell:
    """Runs commands on one archive, as one user."""

    environment: dict[str, str]

    def start(self, *words: str, **changes: str) -> subprocess.Popen[str]:
        environment = {**os.environ, **self.environment, **changes}
        return subprocess.Popen(
            [*PROGRAM, *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def run(self, *words: str, expect: int = 0, **changes: str) -> tuple[str, str]:
        with self.start(*words, **changes) as process:
            out, err = process.communicate(timeout=120)
        assert process.returncode == expect, (out, err)
        return out, err

    def json(self, *words: str) -> Any:
        return schemas.checked(self.run(*words, "--json")[0])


@pytest.fixture(scope="module")
def announced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A simulator on a port, serving a data file whose times are offsets."""
    path = tmp_path_factory.mktemp("data") / "data.jsonl.gz"
    with gzip.open(path, "wb") as file:
        for number in range(COUNT):
            start = NOW - timedelta(hours=number, minutes=20)
            raw = record(f"c{number:03d}", start, f"hello number {number}", "table for four")
            for ms in {to_ms(start), to_ms(start) + 1000, to_ms(start) + 600_000}:
                raw = raw.replace(b":%d" % ms, b':"@L%d"' % (ms - to_ms(NOW)))
            file.write(raw + b"\n")
    process = subprocess.Popen([*PROGRAM, "simulate", "--data", str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield schemas.checked(process.stdout.readline())
    finally:
        process.send_signal(signal.SIGTERM)
        ended = process.wait(10)
        process.stdout.close()
    assert ended == 0


@pytest.fixture
def shell(announced: dict[str, Any], tmp_path: Path) -> Shell:
    return Shell(
        {
            "ARCHIVER_ARCHIVE": str(tmp_path / "archive"),
            "ARCHIVER_ACCOUNT": announced["account"],
            "ARCHIVER_DOMAIN_URL": announced["domain_url"],
            "ARCHIVER_CLIENT_ID": announced["client_id"],
            "ARCHIVER_CLIENT_SECRET": announced["client_secret"],
        }
    )


@pytest.fixture(params=["embedded", "elasticsearch"])
def store(request: pytest.FixtureRequest, shell: Shell) -> Iterator[str]:
    """Each store in turn as the one of the shell's settings."""
    if request.param == "elasticsearch":
        node: Node = request.getfixturevalue("elasticsearch")
        shell.environment |= {"ARCHIVER_STORE": node.url, "ARCHIVER_STORE_PREFIX": "wholeway"}
    yield request.param
    shell.run("store", "drop", "--yes")


def test_the_whole_way(shell: Shell, store: str, tmp_path: Path) -> None:
    shell.run("harvest", "--from", "30d")
    status = shell.json("status")
    assert status["schema"] == "archiver.status/2"
    head = status["vault"].pop("head")
    assert status["vault"].pop("head_link").startswith(f"{head}:")
    assert status["vault"] == {
        "conversations": COUNT, "messages": 2 * COUNT, "shallow": 0, "quarantined": 0
    }  # fmt: skip
    assert status["index"]["applied"] == head
    shell.run("harvest", "--from", "30d")
    assert shell.json("status")["vault"]["head"] == head

    found = shell.json("search", "hello 7")
    assert (found["schema"], found["total"]) == ("archiver.search/2", 1)
    (item,) = found["items"]
    assert item["conversation_id"] == "c007"
    match = item["matches"][0]
    assert (match["where"], match["message_id"], match["text"]) == ("said", "c007:0", "hello number 7")
    assert [match["text"][start:end] for start, end in match["marks"]] == ["hello", "7"]
    out, err = shell.run("search", '"table for four"', "--limit", "2")
    assert "»table for four«" in out
    assert f"2 of {COUNT}" in err

    assert shell.json("status")["index"] == {"applied": head, "conversations": COUNT, "refused": 0, "faults": []}


def test_what_is_found_can_be_shown_exported_and_found_again_in_a_new_index(
    shell: Shell, store: str, tmp_path: Path
) -> None:
    shell.run("harvest", "--from", "30d")
    transcript = shell.json("show", "c007")
    assert transcript["schema"] == "archiver.transcript/1"
    assert [message["text"] for message in transcript["messages"]] == ["hello number 7", "table for four"]
    assert "hello number 7" in shell.run("show", "c007")[0]
    assert json.loads(shell.run("show", "c007", "--raw")[0])["info"]["conversationId"] == "c007"

    shell.run("export", "--output", str(tmp_path / "all.ndjson"))
    assert len([schemas.checked(line) for line in (tmp_path / "all.ndjson").read_text().splitlines()]) == COUNT
    (line,) = shell.run("export", "hello 7", "--output", "-", "--raw")[0].splitlines()
    exported = schemas.checked(line)
    assert exported.pop("raw")["info"]["conversationId"] == "c007"
    assert exported == transcript

    before = shell.json("search", "hello -7", "--limit", "1000")
    shell.run("reindex")
    after = shell.json("search", "hello -7", "--limit", "1000")
    changing = {"at": None, "coverage": None}  # ten minutes may have ended between the two searches
    assert after | changing == before | changing

    found = shell.json("search", "hello", "--scope", "message", "--facet", "skill", "--limit", "3")
    assert (found["total"], found["facets"]["skill"]) == (COUNT, [{"value": "Restaurants", "count": COUNT}])
    assert shell.json("store", "status")["kind"] == store
    shell.run("store", "drop", "--yes")
    assert shell.json("status")["index"] == {"applied": 0, "conversations": 0, "refused": 0, "faults": []}
    shell.run("store", "prepare")
    shell.run("reindex")
    assert shell.json("search", "hello")["total"] == COUNT
    shell.run("reindex", "--refused")

    covered = shell.json("coverage", "--from", "20d")
    assert (covered["schema"], len(covered["days"])) == ("archiver.coverage/2", 21)
    assert {gap["state"] for gap in covered["gaps"]} <= {"open"}  # the minutes since the harvest
    assert "■" in shell.run("coverage")[0]
    shell.run("coverage", "--fail-on-gaps", expect=9)

    checked, head = shell.json("verify"), shell.json("status")["vault"]["head"]
    assert (checked["schema"], checked["findings"]) == ("archiver.verify/2", [])
    shell.run("verify", "--head", checked["head"])
    assert "made anew" in shell.run("verify", "--head", f"{head}:{'0' * 64}", expect=9)[0]


def test_harvesting_goes_on_while_elasticsearch_is_away(shell: Shell) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        _, err = shell.run("harvest", "--from", "3d", expect=5, ARCHIVER_STORE=away)
        assert "All conversations are kept" in err
        status = schemas.checked(shell.run("status", "--json", ARCHIVER_STORE=away)[0])
    assert status["vault"]["conversations"] > 60
    assert "does not answer" in status["index"]["error"]
    assert shell.json("search", "hello")["total"] == status["vault"]["conversations"]


def test_killed_at_any_moment_the_same_command_ends_like_an_undisturbed_run(shell: Shell) -> None:
    chance = random.Random(3)
    for kill in [signal.SIGKILL] * 6 + [signal.SIGINT] * 3:
        process = shell.start("harvest", "--from", "30d")
        time.sleep(chance.uniform(0.2, 1.2))
        process.send_signal(kill)
        said = process.communicate()
        assert process.returncode in (-signal.SIGKILL, -signal.SIGINT, 130, 0), said  # -2: before Python had started
    shell.run("harvest", "--from", "30d")
    status = shell.json("status")
    head = status["vault"].pop("head")
    assert status["vault"].pop("head_link").startswith(f"{head}:")
    assert status["vault"] == {
        "conversations": COUNT, "messages": 2 * COUNT, "shallow": 0, "quarantined": 0
    }  # fmt: skip
    assert (status["index"]["applied"], status["index"]["conversations"]) == (head, COUNT)
    shell.run("verify")
    assert shell.json("search", "hello")["total"] == COUNT


def test_a_rebuild_that_is_killed_leaves_a_searchable_archive(shell: Shell) -> None:
    shell.run("harvest", "--from", "30d")
    for delay in (0.15, 0.3, 0.5):
        process = shell.start("reindex")
        time.sleep(delay)
        process.kill()
        process.communicate()
        assert shell.json("search", "hello")["total"] == COUNT
    shell.run("reindex")
    assert shell.json("search", "hello")["total"] == COUNT


def test_a_second_harvest_at_the_same_time_is_refused(shell: Shell) -> None:
    shell.run("harvest", "--from", "3d")
    with open_archive(Path(shell.environment["ARCHIVER_ARCHIVE"])) as first:
        first.acquire_lease(datetime.now(UTC))
        _, err = shell.run("harvest", "--from", "3d", expect=8)
        assert f"another harvest of this archive is running (process {os.getpid()}" in err
        first.release_lease()
    shell.run("harvest", "--from", "3d")


@pytest.mark.parametrize(
    ("words", "changes", "code", "said"),
    [
        (["harvest"], {"ARCHIVER_CLIENT_SECRET": "wrong"}, 4, "client_secret"),
        (["harvest"], {"ARCHIVER_CLIENT_ID": ""}, 2, "ARCHIVER_CLIENT_ID"),
        (["harvest"], {"ARCHIVER_DOMAIN_URL": "http://127.0.0.1:9"}, 5, "cannot reach 127.0.0.1:9"),
        (["harvest"], {"ARCHIVER_DOMAIN_URL": "http://example.com"}, 2, "https"),
        (["harvest"], {"ARCHIVER_ACCOUNT": "404"}, 4, "account"),
        (["harvest", "--from", "soon"], {}, 2, "not a known date"),
        (["harvest", "--from", "2026-02", "--to", "2026-01"], {}, 2, "before"),
        (["search", "x"], {}, 2, "archiver harvest"),
        (["show", "x"], {"ARCHIVER_ARCHIVE": "/dev/null"}, 2, "not an archive"),
        (["config", "show"], {"ARCHIVER_CONFIG": "/nowhere.toml"}, 2, "/nowhere.toml"),
        (["simulate", "--data", "/nowhere"], {}, 2, "/nowhere"),
    ],
)
def test_bad_input_is_answered_with_what_to_do(
    shell: Shell, words: list[str], changes: dict[str, str], code: int, said: str
) -> None:
    out, err = shell.run(*words, expect=code, **changes)
    assert said in err
    assert "Traceback" not in err
    assert out == ""


def test_settings_that_do_not_work_make_no_archive(shell: Shell) -> None:
    shell.run("harvest", expect=4, ARCHIVER_CLIENT_SECRET="wrong")
    shell.run("harvest", expect=4, ARCHIVER_ACCOUNT="404")
    assert not Path(shell.environment["ARCHIVER_ARCHIVE"]).exists()


def test_faults_of_an_archive_are_told_apart(shell: Shell, tmp_path: Path) -> None:
    shell.run("harvest", "--from", "1d")
    assert "no conversation" in shell.run("show", "nobody", expect=1)[1]
    _, err = shell.run("search", "a (b", "--json", expect=2)
    assert schemas.checked(err)["error"]["position"] == 2
    assert "account" in shell.run("status", expect=2, ARCHIVER_ACCOUNT="999")[1]
    full = tmp_path / "full"
    full.mkdir()
    (full / "letter.txt").write_text("mine")
    assert "not empty" in shell.run("harvest", expect=2, ARCHIVER_ARCHIVE=str(full))[1]
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "archive.sqlite3").write_bytes(b"no database at all" * 100)
    assert "damaged" in shell.run("status", expect=6, ARCHIVER_ARCHIVE=str(broken))[1]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_an_error_that_says_so(shell: Shell) -> None:
    shell.run("harvest", "--from", "1d")
    with Path("/dev/full").open("w") as full:
        environment = {**os.environ, **shell.environment}
        done = subprocess.run(
            [*PROGRAM, "export", "--output", "-"],
            env=environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 6
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_pipe_that_closes_early_ends_quietly(shell: Shell) -> None:
    shell.run("harvest", "--from", "30d")
    process = shell.start("export", "--output", "-", "--raw")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(30) == 0
    assert "Traceback" not in err


def test_the_demo_ends_by_itself_and_keeps_its_archive_only_if_asked() -> None:
    shell = Shell({})
    out, _ = shell.run("demo")
    assert "»table for four«" in out or "»lawyer«" in out
    assert "What to type next" in out
    out, _ = shell.run("demo", "--keep")
    folder = out.split("The archive stays in ")[1].strip()
    assert shell.json("--archive", folder, "status")["vault"]["conversations"] > 100
    suggested = next(shlex.split(line) for line in out.splitlines() if " search '" in line and folder in line)
    assert shell.json(*suggested[1:])["total"] > 0


def test_secrets_and_message_text_are_in_no_output_but_that_which_shows_them(shell: Shell) -> None:
    secret = shell.environment["ARCHIVER_CLIENT_SECRET"]
    said = shell.run("harvest", "--from", "1d", "--help")[0] + shell.run("config", "show")[0]
    out, err = shell.run("harvest", "--from", "1d")
    said += (
        out
        + err
        + str(shell.json("config", "show"))
        + shell.run("harvest", expect=5, ARCHIVER_DOMAIN_URL="http://127.0.0.1:9")[1]
    )
    assert secret not in said
    assert "table for four" not in out + err


def test_help_starts_without_loading_what_it_does_not_need() -> None:
    code = (
        "import sys; sys.argv = ['archiver', '--help']\n"
        "try:\n    import archiver.cli; archiver.cli.main()\n"
        "except SystemExit: pass\n"
        "heavy = ('httpx', 'tantivy', 'msgspec', 'sqlite3', 'tqdm', 'zstandard')\n"
        "print([name for name in heavy if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_an_export_through_a_link_keeps_the_link_and_a_name_that_cannot_be_is_told_at_once(
    shell: Shell, tmp_path: Path
) -> None:
    shell.run("harvest", "--from", "3d")
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("before")
    link.symlink_to(target)
    shell.run("export", "hello 7", "--output", str(link), "--force")
    assert link.is_symlink()
    assert "hello number 7" in target.read_text()
    for wrong in ("", str(tmp_path), str(tmp_path / "no" / "file")):
        shell.run("export", "hello 7", "--output", wrong, expect=2)


def test_an_export_into_a_pipe_is_written_into_it(shell: Shell, tmp_path: Path) -> None:
    shell.run("harvest", "--from", "3d")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = shell.start("export", "--output", str(pipe))
    assert len(pipe.read_text().splitlines()) > 10
    process.communicate(timeout=20)
    assert process.returncode == 0
    assert pipe.is_fifo()


def test_a_dry_run_prints_what_would_be_read_and_reads_nothing(shell: Shell) -> None:
    out, err = shell.run("harvest", "--from", "3d", "--dry-run")
    assert len(out.splitlines()) == 4
    assert "not read yet" in out
    assert "4 windows, about 4 requests" in err
    shell.run("harvest", "--from", "3d")
    assert "sealed" in shell.run("harvest", "--from", "3d", "--dry-run")[0]


def test_every_harvest_fetch_and_export_prints_the_head_that_a_later_verify_compares_with(
    shell: Shell, tmp_path: Path
) -> None:
    for words in (
        ("harvest", "--from", "3d"),
        ("fetch", "c001"),
        ("export", "--output", str(tmp_path / "all.ndjson"), "--force"),
        ("export", "hello", "--output", "-"),
    ):
        _, err = shell.run(*words)
        head = shell.json("status")["vault"]["head_link"]
        assert f"head {head}" in err.splitlines()
        _, log = shell.run("--log-format", "json", *words)
        (event,) = [
            event for line in log.splitlines() if line.startswith("{")
            if (event := json.loads(line)).get("event", {}).get("action") == "archive.head"
        ]  # fmt: skip
        assert event["archiver"] == {"head": shell.json("status")["vault"]["head_link"]}
        shell.run("verify", "--head", head)
    assert f"head {head}" in shell.run("status")[0].splitlines()


def test_conversations_are_fetched_by_id_and_consumer(shell: Shell) -> None:
    fetched = shell.json("fetch", "c001", "c002")
    assert (fetched["schema"], fetched["conversations"], fetched["absent"]) == ("archiver.fetch/2", 2, [])
    assert shell.json("search", "hello 2")["total"] == 1
    _, err = shell.run("fetch", "gone", "c003", expect=3)
    assert "LivePerson has nothing of gone" in err
    for wrong in ([], [""], ["--consumer", " "], ["a\x1bb"]):
        shell.run("fetch", *wrong, expect=2)


def test_ids_to_fetch_come_from_standard_input_and_must_be_text(shell: Shell) -> None:
    for content, code in ((b"c001\nc002\n", 0), (b"\xff\xfe\n", 2)):
        ran = subprocess.run(
            [*PROGRAM, "fetch", "-"], env={**os.environ, **shell.environment}, input=content, capture_output=True,
            timeout=60, check=False,
        )  # fmt: skip
        assert ran.returncode == code, ran.stderr
        assert b"Traceback" not in ran.stderr


def test_doctor_says_what_is_right_and_what_to_do(shell: Shell) -> None:
    found = shell.json("doctor")
    assert found["schema"] == "archiver.doctor/1"
    assert {check["verdict"] for check in found["checks"]} <= {"pass", "warn", "skip"}
    out, _ = shell.run("doctor", expect=9, ARCHIVER_CLIENT_SECRET="wrong")
    assert "client_id and client_secret" in out
    shell.run("doctor", "--offline")
    shell.run("doctor", ALL_PROXY="socks5://127.0.0.1:9")  # a simulator is asked directly
    out, _ = shell.run(
        "doctor", expect=9, ALL_PROXY="socks5://127.0.0.1:9", ARCHIVER_DOMAIN_URL="https://api.liveperson.test"
    )
    assert "httpx[socks]" in out
    assert "disk" in out


def test_two_accounts_of_one_configuration_are_never_mixed(announced: dict[str, Any], tmp_path: Path) -> None:
    """The second account's credentials are wrong, which must not keep the first one from being harvested."""
    shared = f'domain_url = "{announced["domain_url"]}"\nclient_id = "{announced["client_id"]}"\n'
    (tmp_path / "archiver.toml").write_text(
        f'''{shared}client_secret = "env:SECRET"
[profiles.one]
account = "{announced["account"]}"
[profiles.two]
account = "999"
'''
    )
    shell = Shell({"ARCHIVER_CONFIG": str(tmp_path / "archiver.toml"), "SECRET": announced["client_secret"]})
    folder = f"{tmp_path}/{{profile}}"
    _, err = shell.run("--archive", folder, "harvest", "--from", "9d", "--all-profiles", expect=4)
    assert "profile one" in err
    assert "profile two" in err
    assert (tmp_path / "one" / "archive.sqlite3").exists()
    assert not (tmp_path / "two").exists()
    found = schemas.checked(shell.run("--profile", "one", "--archive", folder, "status", "--json")[0])
    assert (found["account"], found["vault"]["conversations"] > 0) == (announced["account"], True)
    one = str(tmp_path / "one")
    assert "not of 999" in shell.run("--profile", "two", "--archive", one, "search", "hello", expect=2)[1]
    assert "no profile 'onee'" in shell.run("--profile", "onee", "status", expect=2)[1]


def test_usage_errors_are_json_lines_too_where_the_log_is(shell: Shell) -> None:
    _, err = shell.run("--log-format", "json", "harvest", "--bogus", expect=2)
    (line,) = (json.loads(line) for line in err.splitlines())
    assert (line["event"]["action"], line["archiver"]["code"]) == ("command.failed", "usage")
    assert "--bogus" in line["message"]


def test_each_request_is_logged_with_vv_those_for_a_token_too(shell: Shell) -> None:
    _, err = shell.run("-vv", "harvest", "--from", "3d")
    assert "/app/token answered 200" in err
    assert "/conversations/search answered 200" in err
    assert "access_token" not in err
