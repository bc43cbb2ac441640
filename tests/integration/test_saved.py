"""Saved searches: everything is found once, whatever happens, and told as it was asked for."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import hmac
import http.server
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

from archiver.alerts import Teller, evaluate, is_behind
from archiver.archive import ArchiveFile, SavedMatch, SavedSearch, Target, make_archive
from archiver.config import MailServer
from archiver.errors import ConfigError
from archiver.liveperson.answers import read_record
from archiver.value import replace
from tests import schemas
from tests.conftest import ACCOUNT, NOW, record
from tests.golden.filled import filled_archive
from tests.integration.cli.running import run
from tests.nodes import free_port

MINUTE = timedelta(minutes=1)


def keep(archive: ArchiveFile, *raws: bytes) -> None:
    archive.keep([read_record(raw) for raw in raws], (), NOW)  # type: ignore[misc]


def look(archive: ArchiveFile) -> int:
    found = 0
    while is_behind(archive):
        found += evaluate(archive, NOW, UTC)
    return found


def alerts(archive: ArchiveFile) -> list[dict[str, Any]]:
    return [json.loads(delivery.content) for delivery in archive.saved.undelivered()]


def search(query: str = "hello", target: Target = Target.FILE, **changes: Any) -> SavedSearch:
    return SavedSearch("s", query, target=target, **{"place": "/dev/null", **changes})


# ── what is found ──


def test_only_what_is_new_is_found_and_each_message_once(archive: ArchiveFile) -> None:
    keep(archive, record("old", NOW, "hello"))
    archive.saved.add(search(watermark=archive.vault.head()))
    assert look(archive) == 0
    keep(archive, record("c1", NOW, "hello", "bye"), record("c2", NOW, "other"))
    assert look(archive) == 1
    keep(archive, record("c1", NOW, "hello", "bye", "hello again"))  # it goes on
    assert look(archive) == 1
    keep(archive, record("c1", NOW, "hello", "bye", "hello again", info={"csat": 3}))  # it changes late
    assert look(archive) == 0
    assert [match["message_id"] for alert in alerts(archive) for match in alert["matches"]] == ["c1:0", "c1:2"]
    assert {match["number"] for alert in alerts(archive) for match in alert["matches"]} == {1, 3}


def test_a_conversation_is_found_when_it_comes_to_match_and_once(archive: ArchiveFile) -> None:
    archive.saved.add(search("mcs:<30", scope="conversation"))
    keep(archive, record("c1", NOW, "hello"))
    assert look(archive) == 0
    for _ in range(2):
        keep(archive, record("c1", NOW, "hello", info={"mcs": 12}))
        look(archive)
    assert [match["conversation_id"] for alert in alerts(archive) for match in alert["matches"]] == ["c1"]


def test_old_content_is_looked_at_on_demand_and_nothing_is_told_twice(archive: ArchiveFile) -> None:
    keep(archive, record("old", NOW, "hello"))
    archive.saved.add(search(watermark=archive.vault.head()))
    keep(archive, record("c1", NOW, "hello"))
    assert look(archive) == 1
    archive.saved.rewind(archive.saved.one("s"))
    assert look(archive) == 1
    archive.saved.rewind(archive.saved.one("s"))
    assert look(archive) == 0
    assert [match["conversation_id"] for alert in alerts(archive) for match in alert["matches"]] == ["c1", "old"]


def test_a_changed_search_that_looks_at_everything_finds_everything_anew(archive: ArchiveFile) -> None:
    keep(archive, record("c1", NOW, "hello"))
    archive.saved.add(search())
    assert look(archive) == 1
    changed = archive.saved.change(search(), from_start=True)
    assert (changed.version, look(archive)) == (2, 1)


def test_a_search_that_can_not_be_read_is_disabled_told_and_never_lost(tmp_path: Path) -> None:
    with make_archive(tmp_path / "archive", ACCOUNT) as archive:
        archive.saved.add(search("(open"))
        archive.saved.add(SavedSearch("good", "hello"))
        keep(archive, record("c1", NOW, "hello"))
        assert look(archive) == 1  # the other one goes on
        assert "never closed" in str(archive.saved.one("s").disabled)
    done = run(tmp_path / "archive", "saved", "list")
    assert (done.exit_code, "DISABLED" in done.stdout) == (9, True)
    run(tmp_path / "archive", "saved", "add", "s", "hello", "--all", "--force")
    assert "1 new result" in run(tmp_path / "archive", "saved", "run").stderr


def test_many_conversations_are_looked_at_in_parts_and_none_is_left_out(archive: ArchiveFile) -> None:
    archive.saved.add(search())
    keep(archive, *(record(f"c{number}", NOW, "hello") for number in range(450)))
    assert look(archive) == 450
    assert [len(alert["matches"]) for alert in alerts(archive)] == [200, 200, 50]


def test_a_record_that_can_not_be_read_holds_up_no_other(tmp_path: Path) -> None:
    with filled_archive(tmp_path / "archive") as archive:
        archive.saved.add(search("refund", watermark=0))
        assert look(archive) > 2
        assert not is_behind(archive)


def test_what_was_found_is_found_once_also_when_the_program_is_killed(tmp_path: Path) -> None:
    out = tmp_path / "out.ndjson"
    with make_archive(tmp_path / "archive", ACCOUNT) as archive:
        archive.saved.add(SavedSearch("s", "hello", target=Target.FILE, place=str(out)))
        keep(archive, *(record(f"c{number:04}", NOW, "hello") for number in range(1_500)))
    command = [sys.executable, "-m", "archiver", "--archive", str(tmp_path / "archive"), "saved", "run"]
    for pause_s in (0.45, 0.5, 0.55, 0.6, 0.7):
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            time.sleep(pause_s)
            process.kill()
    subprocess.run(command, check=False, stderr=subprocess.DEVNULL)
    with make_archive(tmp_path / "archive", ACCOUNT) as archive:  # what a killed process was telling is due again
        Teller(archive, lambda: datetime.now(UTC) + 3 * MINUTE).tell()
        assert archive.saved.undelivered() == []
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    ids = [match["conversation_id"] for line in lines for match in line["matches"]]
    assert sorted(ids) == [f"c{number:04}" for number in range(1_500)]
    assert len({line["id"] for line in lines}) == len(lines)


# ── how it is told ──


class Hook(http.server.ThreadingHTTPServer):
    """A receiver that keeps what it gets, and answers with these statuses, the last one for ever."""

    daemon_threads = True

    def __init__(self, *statuses: int) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.statuses = list(statuses)
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers), body))
        statuses = self.server.statuses
        self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@contextmanager
def hook(*statuses: int) -> Iterator[Hook]:
    with Hook(*statuses) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


def test_a_webhook_is_signed_and_names_ids_but_no_text(tmp_path: Path) -> None:
    with hook(204) as receiver, make_archive(tmp_path / "archive", ACCOUNT) as archive:
        added = run(tmp_path / "archive", "saved", "add", "s", "secret", "--webhook", receiver.url)
        secret = base64.b64decode(added.stdout.strip().removeprefix("whsec_"))
        keep(archive, record("c1", NOW, "a secret word"))
        run(tmp_path / "archive", "saved", "run")
        ((headers, body),) = receiver.got
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(hmac.digest(secret, signed, 'sha256')).decode()}"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 300
    alert = json.loads(body)
    assert (alert["search"], alert["version"], alert["id"]) == ("s", 1, headers["webhook-id"])
    assert alert["matches"][0]["message_id"] == "c1:0"
    assert b"secret word" not in body


def test_a_webhook_that_fails_is_tried_again_and_at_last_kept_as_dead(archive: ArchiveFile) -> None:
    now = [NOW]
    with hook(500) as receiver:
        archive.saved.add(SavedSearch("s", "hello", target=Target.WEBHOOK, place=receiver.url, secret="whsec_eA=="))
        keep(archive, record("c1", NOW, "hello"))
        look(archive)
        teller = Teller(archive, lambda: now[0])
        for _ in range(20):
            assert teller.tell() == 0
            now[0] += timedelta(days=1)
        (dead,) = archive.saved.undelivered()
        assert (dead.is_dead, dead.error, len(receiver.got)) == (True, "the webhook answered 500", 8)
        assert len({json.loads(body)["id"] for _, body in receiver.got}) == 1
        receiver.statuses[:] = [200]
        assert archive.saved.revive(now[0]) == 1
        assert (teller.tell(), archive.saved.undelivered()) == (1, [])


def test_one_receiver_that_is_down_holds_up_no_other(archive: ArchiveFile, tmp_path: Path) -> None:
    archive.saved.add(
        SavedSearch("a", "hello", target=Target.WEBHOOK, place="http://127.0.0.1:9/", secret="whsec_eA==")
    )
    archive.saved.add(SavedSearch("b", "hello", target=Target.FILE, place=str(tmp_path / "out")))
    keep(archive, record("c1", NOW, "hello"))
    look(archive)
    assert Teller(archive, lambda: NOW).tell() == 1
    assert len((tmp_path / "out").read_text().splitlines()) == 1


def test_a_command_is_run_without_a_shell_and_reads_json(archive: ArchiveFile, tmp_path: Path) -> None:
    out = tmp_path / "out"
    program = tmp_path / "program.py"
    program.write_text("import sys; open(sys.argv[1], 'w').write(repr(sys.argv[2:]) + sys.stdin.read())")
    place = f"{sys.executable} {program} {out} '{{search}}' {{count}} '$(touch {tmp_path}/pwned); {{conversation_id}}'"
    archive.saved.add(SavedSearch("s; rm", "hello", target=Target.COMMAND, place=place))
    keep(archive, record("c1 `id`", NOW, "hello"))
    look(archive)
    assert Teller(archive, lambda: NOW).tell() == 1
    assert out.read_text().startswith(f"['s; rm', '1', '$(touch {tmp_path}/pwned); c1 `id`']{{")
    assert not (tmp_path / "pwned").exists()


def test_a_command_that_fails_is_tried_again(archive: ArchiveFile) -> None:
    archive.saved.add(SavedSearch("s", "hello", target=Target.COMMAND, place="false"))
    keep(archive, record("c1", NOW, "hello"))
    look(archive)
    assert Teller(archive, lambda: NOW).tell() == 0
    assert "ended with 1" in str(archive.saved.undelivered()[0].error)


@pytest.mark.parametrize("is_other", [False, True])
@pytest.mark.parametrize("cut", [1, 5, 29, 40, -40, -2])
def test_the_line_of_an_alert_that_was_cut_off_is_removed_before_the_next(
    archive: ArchiveFile, tmp_path: Path, cut: int, is_other: bool
) -> None:
    out, other = tmp_path / "out", tmp_path / "other"
    archive.saved.add(SavedSearch("s", "hello", target=Target.FILE, place=str(out), with_text=True))
    keep(archive, record("c1", NOW, "hello"))
    look(archive)
    Teller(archive, lambda: NOW).tell()
    whole = out.read_bytes()
    assert json.loads(whole)["matches"][0]["text"] == "hello"
    if is_other:
        with make_archive(other, "other") as second:
            second.saved.add(SavedSearch("s", "hello", target=Target.FILE, place=str(out), with_text=True))
            keep(second, record("c1", NOW, "hello"))
            look(second)
            Teller(second, lambda: NOW).tell()
        cut_off = out.read_bytes().removeprefix(whole)[:cut]
    else:
        cut_off = whole.replace(b'"c1"', b'"c2"')[:cut]
    out.write_bytes(whole + cut_off)
    keep(archive, record("c2", NOW, "hello"))
    look(archive)
    Teller(archive, lambda: NOW).tell()
    told = [json.loads(line)["matches"][0]["conversation_id"] for line in out.read_bytes().splitlines()]
    assert told == ["c1", "c2"]
    assert out.stat().st_mode & 0o077 == 0


def test_a_whole_alert_without_a_line_end_stays(archive: ArchiveFile, tmp_path: Path) -> None:
    out = tmp_path / "out"
    archive.saved.add(SavedSearch("s", "hello", target=Target.FILE, place=str(out)))
    for id_ in ("c1", "c2", "c3"):
        keep(archive, record(id_, NOW, "hello"))
        look(archive)
        Teller(archive, lambda: NOW).tell()
        out.write_bytes(out.read_bytes().removesuffix(b"\n"))
    told = [json.loads(line)["matches"][0]["conversation_id"] for line in out.read_bytes().splitlines()]
    assert told == ["c1", "c2", "c3"]


def test_an_alert_waits_for_no_file_that_is_locked_or_is_none(
    archive: ArchiveFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archiver.alerts.appending._PATIENCE_S", 0.2)
    out = tmp_path / "out"
    out.touch()
    archive.saved.add(SavedSearch("locked", "hello", target=Target.FILE, place=str(out)))
    archive.saved.add(SavedSearch("full", "hello", target=Target.FILE, place="/dev/full"))
    keep(archive, record("c1", NOW, "hello"))
    look(archive)
    with out.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert Teller(archive, lambda: NOW).tell() == 0
    errors = sorted(str(delivery.error) for delivery in archive.saved.undelivered())
    assert errors == ["/dev/full is no regular file", f"{out} is locked by another program"]
    assert Teller(archive, lambda: NOW + MINUTE).tell() == 1


@pytest.mark.parametrize(
    "text",
    ["{}", "{ ", '{"schema":"archiver.alert/1","by":"others"}', '{"schema":"another/1"', "a note", "x" * 3_000_000],
)
def test_what_others_wrote_into_the_file_of_a_search_stays(archive: ArchiveFile, tmp_path: Path, text: str) -> None:
    out = tmp_path / "out"
    out.write_text("first\n" + text)
    archive.saved.add(SavedSearch("s", "hello", target=Target.FILE, place=str(out)))
    keep(archive, record("c1", NOW, "hello"))
    look(archive)
    Teller(archive, lambda: NOW).tell()
    first, second, alert = out.read_text().splitlines()
    assert (first, second) == ("first", text)
    assert json.loads(alert)["search"] == "s"


def test_an_alert_that_is_in_the_file_is_not_written_again(archive: ArchiveFile, tmp_path: Path) -> None:
    out = tmp_path / "out"
    archive.saved.add(SavedSearch("s", "hello", target=Target.FILE, place=str(out)))
    keep(archive, record("c1", NOW, "hello"))
    look(archive)
    (delivery,) = archive.saved.undelivered()
    alert = json.dumps({**json.loads(delivery.content), "id": f"{archive.id}-{delivery.id}"}, separators=(",", ":"))
    out.write_text(alert + "\nanother\n")  # the program was killed before it was noted that it was told
    assert Teller(archive, lambda: NOW).tell() == 1
    assert out.read_text() == alert + "\nanother\n"


@pytest.mark.parametrize(
    "words",
    [
        ("--webhook", "http://example.com/x"), ("--webhook", "ftp://x"), ("--command", "'"), ("--command", " "),
        ("--file", "/nowhere/at/all"), ("--file", "/"), ("--file", "/tmp/x", "--command", "true"),
    ],
)  # fmt: skip
def test_where_nothing_can_be_told_is_said_when_it_is_saved(tmp_path: Path, words: tuple[str, ...]) -> None:
    make_archive(tmp_path / "archive", ACCOUNT).close()
    assert run(tmp_path / "archive", "saved", "add", "s", "hello", *words).exit_code != 0
    assert run(tmp_path / "archive", "saved", "list").stdout == ""


def test_a_name_that_is_taken_and_a_query_that_is_none_are_refused(tmp_path: Path) -> None:
    make_archive(tmp_path / "archive", ACCOUNT).close()
    run(tmp_path / "archive", "saved", "add", "s", "hello")
    taken = run(tmp_path / "archive", "saved", "add", "s", "bye").exception
    assert isinstance(taken, ConfigError)
    assert run(tmp_path / "archive", "saved", "add", "t", "(open").exit_code != 0
    assert run(tmp_path / "archive", "saved", "remove", "s").exit_code == 0
    assert "no saved search" in str(run(tmp_path / "archive", "saved", "remove", "s").exception)


# ── the service ──


def test_the_service_tells_within_a_minute_of_liveperson_showing_it(tmp_path: Path) -> None:
    from archiver.simulator import Scenario, simulate

    data = tmp_path / "data.jsonl"
    now = datetime.now(UTC)
    raws = [
        record(f"c{number}", now - timedelta(hours=number + 1), "I call my lawyer", info={"mcs": 12})
        for number in range(3)
    ]
    data.write_bytes(b"\n".join(raws))
    with hook(200) as receiver, simulate(Scenario(), data=data) as account:
        environment = {**os.environ, **{f"ARCHIVER_{key.upper()}": value for key, value in account.settings.items()}}
        program = [sys.executable, "-m", "archiver", "--archive", str(tmp_path / "archive")]
        subprocess.run([*program, "harvest", "--from", "1d", "--to", "1d"], env=environment, check=False)
        words = ["saved", "add", "s", "mcs:<30 from:customer (lawyer OR regulator)", "--webhook", receiver.url, "--all"]
        subprocess.run([*program, *words], env=environment, check=True, capture_output=True)
        with subprocess.Popen(
            [*program, "serve", "--harvest", "--every", "5s", "--listen", "127.0.0.1:0"], env=environment
        ) as service:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and sum(len(json.loads(body)["matches"]) for _, body in receiver.got) < 3:
                time.sleep(0.2)
            service.terminate()
    found = {match["conversation_id"] for _, body in receiver.got for match in json.loads(body)["matches"]}
    assert len(found) == 3


def test_the_secret_of_a_webhook_is_in_no_output_and_no_log(tmp_path: Path) -> None:
    make_archive(tmp_path / "archive", ACCOUNT).close()
    added = run(tmp_path / "archive", "saved", "add", "s", "hello", "--webhook", "http://127.0.0.1:9/")
    secret = added.stdout.strip()
    shown = [
        run(tmp_path / "archive", *words).output
        for words in (("saved", "list"), ("saved", "list", "--json"), ("audit", "list"))
    ]
    assert secret.startswith("whsec_")
    assert not any(secret in text for text in (added.stderr, *shown))
    assert hashlib.sha256(secret.encode()).hexdigest() not in "".join(shown)


# ── nothing is lost, told twice or held up ──


def test_what_waits_for_one_search_holds_up_no_other(archive: ArchiveFile, tmp_path: Path) -> None:
    archive.saved.add(search("hello", Target.COMMAND, place="false"))
    for number in range(120):
        keep(archive, record(f"c{number}", NOW, "hello"))
        look(archive)
    archive.saved.add(
        replace(search("parcel"), name="other", place=str(tmp_path / "told"), watermark=archive.vault.head())
    )
    keep(archive, record("p", NOW, "a parcel"))
    look(archive)
    teller = Teller(archive, lambda: NOW)
    assert sum(teller.tell() for _ in range(2)) == 1
    assert "p:0" in (tmp_path / "told").read_text()


def test_a_search_that_is_changed_goes_on_where_it_was_and_tells_as_before(tmp_path: Path) -> None:
    folder, told = tmp_path / "archive", tmp_path / "told"
    with make_archive(folder, ACCOUNT) as archive:
        keep(archive, record("old", NOW, "a refund"))
    run(folder, "saved", "add", "Käufe", "parcel", "--file", str(told))
    with make_archive(folder, ACCOUNT) as archive:
        archive.saved.disable(archive.saved.one("Käufe"), "the language has changed")
        keep(archive, record("new", NOW, "a refund"))
    run(folder, "saved", "add", "Käufe", "refund", "--force")
    assert run(folder, "saved", "run").exit_code == 0
    assert ["new:0" in line for line in told.read_text().splitlines()] == [True]
    run(folder, "saved", "add", "Käufe", "refund", "--force", "--all")
    run(folder, "saved", "run")
    assert "old:0" in told.read_text()


def test_what_was_rewound_while_it_was_looked_at_is_looked_at_again(archive: ArchiveFile) -> None:
    archive.saved.add(search())
    keep(archive, record("c1", NOW, "hello"))
    before = archive.saved.one("s")
    archive.saved.rewind(before)
    look(archive)
    archive.saved.rewind(before)
    assert archive.saved.note(replace(before, watermark=1), (), 99, NOW, lambda new: "") == 0
    assert archive.saved.one("s").watermark == 0
    archive.saved.remove(before)
    assert archive.saved.note(before, (SavedMatch("c", "m", 1),), 99, NOW, lambda new: "{}") == 0
    assert archive.saved.undelivered() == []


def test_two_processes_tell_each_alert_once(archive: ArchiveFile, tmp_path: Path) -> None:
    archive.saved.add(search("hello", place=str(tmp_path / "told")))
    for number in range(30):
        keep(archive, record(f"c{number}", NOW, "hello"))
        look(archive)
    others = [ArchiveFile.another_connection(archive) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        told = list(pool.map(lambda other: Teller(other, lambda: NOW).tell(), others))
    for other in others:
        other.close()
    assert sum(told) == len((tmp_path / "told").read_text().splitlines()) == 30


def test_archives_share_a_file_and_no_id(tmp_path: Path) -> None:
    def tell(number: int) -> None:
        with make_archive(tmp_path / f"archive{number}", ACCOUNT) as archive:
            archive.saved.add(search("hello", place=str(tmp_path / "told")))
            for each in range(40):
                keep(archive, record(f"c{each}", NOW, "hello"))
                look(archive)
            Teller(archive, lambda: NOW).tell()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(tell, range(4)))
    lines = [json.loads(line) for line in (tmp_path / "told").read_text().splitlines()]
    assert len({line["id"] for line in lines}) == len(lines) == 160


# ── mail ──


class Mailbox:
    """What a mail server on this machine was given."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.answer = "250 OK"

    async def handle_DATA(self, server: object, session: object, envelope: Envelope) -> str:  # noqa: N802  (aiosmtpd's)
        self.mails.append(message_from_bytes(bytes(envelope.content or b""), policy=SMTP))
        return self.answer


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, MailServer]]:
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        port = controller.server.sockets[0].getsockname()[1]
        yield box, MailServer("127.0.0.1", port, "archiver@brand.example", None, None)
    finally:
        controller.stop()


def test_what_is_found_is_mailed_in_words_and_for_programs(
    archive: ArchiveFile, mailbox: tuple[Mailbox, MailServer]
) -> None:
    box, server = mailbox
    archive.saved.add(replace(search(target=Target.MAIL, with_text=True), place="legal@brand.example"))
    keep(archive, record("c\u202e1", NOW, "hello \U0001f642\nSubject: none"))
    assert look(archive) == 1
    assert Teller(archive, lambda: NOW, server).tell() == 1
    (mail,) = box.mails
    assert (mail["From"], mail["To"], mail["Subject"]) == (
        "archiver@brand.example",
        "legal@brand.example",
        "s: 1 result",
    )
    words, attached = mail.iter_parts()
    assert "hello \U0001f642\n    Subject: none" in words.get_content().replace("\r", "")
    assert "c\\u202e1 #1" in words.get_content()
    schemas.checked(json.loads(attached.get_content()))
    assert Teller(archive, lambda: NOW, server).tell() == 0


@pytest.mark.parametrize(
    "name",
    ["=?utf-8?q?=0D=0ABcc:_x@y.example?=", "=?utf-8?q?=0D=0ASubject:_other?=", "=?utf-8?b?DQpCY2M6IHhAeS5leGFtcGxl?=",
     "=?iso-8859-1?q?=0D=0AContent-Type:_text/html=0D=0A=0D=0A<b>?="],
)  # fmt: skip
def test_the_name_of_a_search_is_no_header(
    archive: ArchiveFile, mailbox: tuple[Mailbox, MailServer], name: str
) -> None:
    box, server = mailbox
    archive.saved.add(replace(search(target=Target.MAIL), name=name, place="legal@brand.example"))
    keep(archive, record("c1", NOW, "hello"))
    assert look(archive) == 1
    assert Teller(archive, lambda: NOW, server).tell() == 1
    (mail,) = box.mails
    assert (mail["Bcc"], len(mail.get_all("Subject") or ()), mail.get_content_type()) == (None, 1, "multipart/mixed")


def test_a_mail_that_nobody_takes_is_kept_and_tried_again(
    archive: ArchiveFile, mailbox: tuple[Mailbox, MailServer]
) -> None:
    box, server = mailbox
    archive.saved.add(replace(search(target=Target.MAIL), place="legal@brand.example"))
    keep(archive, record("c1", NOW, "hello"))
    look(archive)
    assert Teller(archive, lambda: NOW).tell() == 0  # no server is set
    box.answer = "452 the disk is full"
    assert Teller(archive, lambda: NOW + MINUTE, server).tell() == 0
    assert "452" in (archive.saved.undelivered()[0].error or "")
    box.answer = "250 OK"
    assert Teller(archive, lambda: NOW + 5 * MINUTE, server).tell() == 1
    first, second = box.mails
    assert first["Message-ID"] == second["Message-ID"]


def test_mail_that_would_leave_this_machine_unencrypted_is_not_sent(
    archive: ArchiveFile, mailbox: tuple[Mailbox, MailServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    box, server = mailbox
    monkeypatch.setattr("archiver.config.mail.is_loopback", lambda host: False)
    archive.saved.add(replace(search(target=Target.MAIL), place="legal@brand.example"))
    keep(archive, record("c1", NOW, "hello"))
    look(archive)
    assert Teller(archive, lambda: NOW, server).tell() == 0
    assert box.mails == []
    assert "STARTTLS" in (archive.saved.undelivered()[0].error or "")


@pytest.mark.parametrize(
    ("settings", "address", "is_right"),
    [
        ({"MAIL_SERVER": "127.0.0.1:25", "MAIL_FROM": "a@b.example"}, "legal@b.example", True),
        ({"MAIL_SERVER": "[::1]", "MAIL_FROM": "a@b.example"}, "legal@b.example", True),
        ({"MAIL_SERVER": "127.0.0.1:25", "MAIL_FROM": "a@b.example"}, "legal", False),
        ({"MAIL_SERVER": "127.0.0.1:25", "MAIL_FROM": "a@b.example"}, "a@b.example, c@d.example", False),
        ({"MAIL_SERVER": "127.0.0.1:25", "MAIL_FROM": "a@b.example"}, "a@b.example\nBcc: x@y.example", False),
        ({"MAIL_SERVER": "127.0.0.1:25", "MAIL_FROM": "nobody"}, "a@b.example", False),
        ({"MAIL_SERVER": "127.0.0.1:25"}, "a@b.example", False),
        ({"MAIL_SERVER": "https://mail.example.com", "MAIL_FROM": "a@b.example"}, "a@b.example", False),
        ({"MAIL_SERVER": "mail.example.com:99999", "MAIL_FROM": "a@b.example"}, "a@b.example", False),
        ({"MAIL_SERVER": "mail.example.com", "MAIL_FROM": "a@b.example", "MAIL_USERNAME": "u"}, "a@b.example", False),
        ({}, "a@b.example", False),
    ],
)
def test_a_search_is_mailed_to_an_address_by_a_server_that_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], address: str, is_right: bool
) -> None:
    make_archive(tmp_path / "archive", ACCOUNT).close()
    for name, value in settings.items():
        monkeypatch.setenv(f"ARCHIVER_{name}", value)
    ran = run(tmp_path / "archive", "saved", "add", "s", "hello", "--mail", address)
    assert (ran.exit_code == 0) is is_right, ran.output
    assert bool(run(tmp_path / "archive", "saved", "list").stdout) is is_right
