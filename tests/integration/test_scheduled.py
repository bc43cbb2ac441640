"""Scheduled exports: made when they are due, whole or not at all, to a folder or an object store."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fsspec
import pytest
from moto.server import ThreadedMotoServer

from archiver.app import Archive
from archiver.archive import make_archive
from archiver.config import find_settings
from archiver.liveperson.answers import read_record
from archiver.progress import Silent
from archiver.scheduling import Exporter, _alone, make_due, make_now
from tests.conftest import ACCOUNT, NOW, record
from tests.golden.filled import filled_archive
from tests.integration.cli.running import run
from tests.nodes import free_port
from tests.pages import index_held, kept

HOUR = timedelta(hours=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    raws = [record(f"c{number}", NOW - timedelta(days=number), "a refund", "yes") for number in range(5)]
    return kept(tmp_path / "archive", *raws, record("other", NOW, "a parcel"))


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a bucket of an S3-compatible server on this machine."""
    server = ThreadedMotoServer("127.0.0.1", free_port(), verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    name = f"warehouse-{port}"
    fsspec.filesystem("s3", skip_instance_cache=True).mkdir(name)
    yield f"s3://{name}/liveperson"
    server.stop()


def opened(folder: Path, now: datetime = NOW) -> Archive:
    return Archive(find_settings({"archive": folder}), clock=lambda: now)


def schedule(
    folder: Path, to: str, *words: str, format_: str = "csv", every: str = "1h", name: str = "nightly"
) -> None:
    done = run(folder, "scheduled", "add", name, *words, "--format", format_, "--to", to, "--every", every)
    assert done.exit_code == 0, (done.output, done.exception)


def made(target: Path) -> list[str]:
    return sorted(path.name for path in target.iterdir())


def test_what_is_due_is_made_once_and_again_on_its_beat(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "reports"
    target.mkdir()
    with opened(folder) as archive:
        now = archive.file.scheduled
        schedule(folder, str(target), "refund")
        due = now.one("nightly").due_at
    counts = []
    for minutes in (0, 1, 59, 61, 62, 250, 251):
        with opened(folder, due + timedelta(minutes=minutes)) as archive:
            counts.append(make_due(archive))
    assert counts == [1, 0, 0, 1, 0, 1, 0]  # not four for what was missed
    with opened(folder) as archive:
        assert archive.file.scheduled.one("nightly").due_at == due + 5 * HOUR
    assert len(made(target)) == 3
    rows = (target / made(target)[0] / "conversations.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 1 + 5  # what the query finds


def test_two_processes_make_one(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    schedule(folder, str(tmp_path / "reports"))
    with opened(folder, datetime.now(UTC)) as first, opened(folder, datetime.now(UTC)) as second:
        with _alone(first, "nightly") as is_alone:
            assert (is_alone, make_due(second)) == (True, 0)
            assert "made by another process" in str(run(folder, "scheduled", "run", "nightly").exception)
        assert (make_due(second), make_due(first)) == (1, 0)


def test_each_day_is_delivered_whatever_fails_or_is_missed(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "reports"
    target.mkdir()
    schedule(folder, str(target), "on:yesterday", every="1d")
    with opened(folder) as archive:
        due = archive.file.scheduled.one("nightly").due_at
    target.rmdir()
    day = timedelta(days=1)
    times = [timedelta(0), timedelta(minutes=5), timedelta(minutes=11), 3 * day, 3 * day, 3 * day, 3 * day, 3 * day]
    counts = []
    for number, after in enumerate(times):
        if number == 2:
            target.mkdir()
        with opened(folder, due + after) as archive:
            counts.append(make_due(archive))
    assert counts == [0, 0, 1, 1, 1, 1, 0, 0]
    assert made(target) == [f"nightly-{due + n * day:%Y-%m-%dT%H%M%SZ}" for n in range(4)]


def test_after_a_long_time_the_last_hundred_are_made_on_the_beat(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    schedule(folder, str(tmp_path / "reports"), "on:yesterday", every="1d")
    with opened(folder) as archive:
        due = archive.file.scheduled.one("nightly").due_at
    with opened(folder, due + timedelta(days=150, hours=12)) as archive:
        assert make_due(archive) == 1
        assert archive.file.scheduled.one("nightly").beat == due + timedelta(days=51)
    assert made(tmp_path / "reports") == [f"nightly-{due + timedelta(days=50):%Y-%m-%dT%H%M%SZ}"]


def test_what_was_delivered_before_a_kill_is_not_delivered_again(folder: Path, bucket: str) -> None:
    schedule(folder, bucket)
    with opened(folder, datetime.now(UTC)) as archive:
        before = archive.file.scheduled.one("nightly")
        assert make_due(archive) == 1
    store = fsspec.filesystem("s3", skip_instance_cache=True)
    first = {path: info["LastModified"] for path, info in store.find(bucket, detail=True).items()}
    with opened(folder, datetime.now(UTC)) as archive:
        archive.file.scheduled.made(before, before.beat, beat=before.beat, remark=None)  # as if it was not noted
        assert make_due(archive) == 1
    store = fsspec.filesystem("s3", skip_instance_cache=True)
    assert {path: info["LastModified"] for path, info in store.find(bucket, detail=True).items()} == first


def test_what_an_earlier_try_has_left_is_no_part_of_what_is_delivered(folder: Path, bucket: str) -> None:
    schedule(folder, bucket, format_="vcon")
    with opened(folder, datetime.now(UTC)) as archive:
        beat = archive.file.scheduled.one("nightly").beat
        left = f"{bucket}/nightly-{beat:%Y-%m-%dT%H%M%SZ}/erased.vcon.json"
        fsspec.filesystem("s3", skip_instance_cache=True).pipe(left, b"{}")
        assert make_due(archive) == 1
    found = fsspec.filesystem("s3", skip_instance_cache=True).find(bucket)
    assert (len(found), any("erased" in path for path in found)) == (7, False)


def test_one_that_can_not_be_begun_does_not_stop_the_next(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    schedule(folder, str(tmp_path / "reports"), name="a")
    schedule(folder, str(tmp_path / "reports"), name="z")
    (folder / "exports").mkdir(exist_ok=True)
    (folder / "exports" / "a").write_text("no folder")
    with opened(folder, datetime.now(UTC)) as archive:
        assert make_due(archive) == 1


def test_one_that_is_made_by_hand_leaves_the_beat_as_it_is(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    schedule(folder, str(tmp_path / "reports"))
    with opened(folder, datetime.now(UTC)) as archive:
        assert make_due(archive) == 1
    with opened(folder) as archive:
        before = archive.file.scheduled.one("nightly")
    for _ in range(3):
        assert run(folder, "scheduled", "run", "nightly").exit_code == 0
    with opened(folder) as archive:
        after = archive.file.scheduled.one("nightly")
    assert (after.beat, after.due_at) == (before.beat, before.due_at)


def test_a_clock_that_was_ahead_stops_nothing(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    schedule(folder, str(tmp_path / "reports"))
    now = datetime.now(UTC)
    for at in (now + 3650 * 24 * HOUR, now, now + HOUR):
        with opened(folder, at) as archive:
            assert make_due(archive) == 1


def test_an_index_that_is_behind_makes_none_that_is_short(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    run(folder, "search", "refund")
    schedule(folder, str(tmp_path / "reports"), "refund", format_="vcon")
    with make_archive(folder, ACCOUNT) as file:
        file.keep([read_record(record("late", NOW, "a refund"))], (), NOW)  # type: ignore[list-item]
    with index_held(folder):
        done = run(folder, "scheduled", "run", "nightly")
        assert "not searchable yet" in str(done.exception)
        assert made(tmp_path / "reports") == []
    assert run(folder, "scheduled", "run", "nightly").exit_code == 0
    assert len(list((tmp_path / "reports").rglob("*.vcon.json"))) == 6


def test_one_that_is_made_anew_meanwhile_is_not_noted_as_made(folder: Path, tmp_path: Path) -> None:
    schedule(folder, str(tmp_path))
    with opened(folder, datetime.now(UTC)) as archive:
        old = archive.file.scheduled.one("nightly")
        archive.file.scheduled.remove("nightly")
        schedule(folder, str(tmp_path), "refund")
        archive.file.scheduled.made(old, old.due_at, beat=old.due_at, remark=None)
        assert archive.file.scheduled.one("nightly").done_at is None


def test_one_fault_does_not_end_the_others(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def odd(_: Archive) -> int:
        calls.append(1)
        raise OverflowError("date value out of range")

    monkeypatch.setattr("archiver.scheduling._POLL_S", 0.01)
    monkeypatch.setattr("archiver.scheduling.make_due", odd)
    stop = threading.Event()
    thread = threading.Thread(target=Exporter(lambda: Archive(find_settings({"archive": folder})), stop).run)
    thread.start()
    deadline = time.monotonic() + 30
    while len(calls) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    stop.set()
    thread.join(30)
    assert len(calls) >= 3


@pytest.mark.parametrize("format_", ["csv", "parquet", "case", "html"])
def test_a_store_gets_every_file_and_the_mark_of_completeness_last(
    folder: Path, bucket: str, tmp_path: Path, format_: str
) -> None:
    schedule(folder, bucket, format_=format_)
    done = run(folder, "scheduled", "run", "nightly")
    assert done.exit_code == 0, done.exception
    store = fsspec.filesystem("s3", skip_instance_cache=True)
    (root,) = store.ls(bucket.removeprefix("s3://"))
    there = {path.removeprefix(f"{root}/"): info for path, info in store.find(root, detail=True).items()}
    run(folder, "export", "--format", format_, "--output", str(tmp_path / "same"))
    here = {path.relative_to(tmp_path / "same").as_posix(): path.read_bytes()
            for path in (tmp_path / "same").rglob("*") if path.is_file()}  # fmt: skip
    assert there.keys() == here.keys()
    differing = [name for name in here if store.cat_file(f"{root}/{name}") != here[name]]
    assert differing == []
    assert there["export.json"]["LastModified"] == max(info["LastModified"] for info in there.values())
    assert list((folder / "exports" / "nightly").iterdir()) == []  # nothing stays behind on this machine


def test_what_can_not_be_delivered_is_told_tried_again_and_leaves_no_mark(folder: Path, bucket: str) -> None:
    schedule(folder, bucket.replace("warehouse", "nowhere"))
    with opened(folder, datetime.now(UTC)) as archive:
        assert make_due(archive) == 0
        failed = archive.file.scheduled.one("nightly")
    assert failed.remark
    listed = run(folder, "scheduled", "list")
    assert (listed.exit_code, "FAILED" in listed.stdout, "never made" in listed.stdout) == (9, True, True)
    assert list((folder / "exports" / "nightly").iterdir()) == []


def test_a_folder_that_is_gone_fails_and_is_made_when_it_is_back(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "reports"
    target.mkdir()
    schedule(folder, str(target))
    target.rmdir()
    with opened(folder) as archive:
        assert make_now(archive, "nightly", Silent()) is None
        assert "no folder" in (archive.file.scheduled.one("nightly").remark or "")
        target.mkdir()
        assert make_now(archive, "nightly", Silent())
        assert archive.file.scheduled.one("nightly").remark is None
    assert len(made(target)) == 1


def test_the_service_makes_what_is_due(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archiver.scheduling._POLL_S", 0.05)
    target = tmp_path / "reports"
    target.mkdir()
    schedule(folder, str(target), format_="vcon")
    stop = threading.Event()
    thread = threading.Thread(target=Exporter(lambda: Archive(find_settings({"archive": folder})), stop).run)
    thread.start()
    try:
        deadline = time.monotonic() + 60
        while not any((path / "export.json").exists() for path in target.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        stop.set()
        thread.join(60)
    (name,) = [name for name in made(target) if not name.endswith(".part")]
    assert len(list((target / name).glob("*.vcon.json"))) == 6


def test_it_is_audited_with_the_digest_of_a_package(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    schedule(folder, str(tmp_path / "reports"), "refund", format_="case")
    run(folder, "scheduled", "run", "nightly")
    events = json.loads(run(folder, "audit", "list", "--json").stdout)["items"]
    told: list[dict[str, Any]] = [event["archive"] for event in events if event["event"]["action"] == "export"]
    package = tmp_path / "reports" / made(tmp_path / "reports")[0]
    digest = hashlib.sha256((package / "manifest.json").read_bytes()).hexdigest()
    assert {(item["what"], item.get("manifest_sha256")) for item in told} == {("done", digest), ("scheduled", None)}


@pytest.mark.parametrize(
    "words",
    [
        ("add", "x", "(refund", "--format", "csv", "--to", "."),
        ("add", "x", "--format", "csv", "--to", "/nowhere/at/all"),
        ("add", "x", "--format", "csv", "--to", "nothing://bucket"),
        ("add", "x", "--format", "csv", "--to", "http://127.0.0.1:9/x"),
        ("add", "x", "--format", "csv", "--to", "ftp://127.0.0.1/x"),
        ("add", "x", "--format", "csv", "--to", "memory://x"),
        ("add", "x", "--format", "csv", "--to", "file:///tmp"),
        ("add", "x", "--format", "csv", "--to", "s3://"),
        ("add", "x", "--format", "csv", "--to", "s3://bucket/x?token=secret"),
        ("add", "x", "--format", "csv", "--to", ".", "--every", "999999w"),
        ("add", "x", "--format", "csv", "--to", "sftp://me:secret@host.example/x"),
        ("add", "x", "--format", "csv", "--to", ".", "--every", "1s"),
        ("add", "x", "--format", "csv", "--to", ".", "--every", "often"),
        ("add", "../x", "--format", "csv", "--to", "."),
        ("add", "", "--format", "csv", "--to", "."),
        ("add", "taken", "--format", "csv", "--to", "."),
        ("run", "nobody"),
        ("remove", "nobody"),
    ],
)
def test_what_can_not_be_scheduled_is_refused_with_what_to_do(folder: Path, words: tuple[str, ...]) -> None:
    schedule(folder, ".", name="taken")
    done = run(folder, "scheduled", *words)
    assert getattr(done.exception, "hint", None), done.output
    assert [line.split()[0] for line in run(folder, "scheduled", "list").stdout.splitlines()] == ["taken"]


def test_what_could_not_be_searched_or_read_is_said(tmp_path: Path) -> None:
    filled_archive(tmp_path / "archive").close()
    for name, query, remark in (("all", "*", "could not be"), ("some", "refund", "could not be searched")):
        schedule(tmp_path / "archive", str(tmp_path), query, name=name)
        done = run(tmp_path / "archive", "scheduled", "run", name)
        assert (done.exit_code, remark in done.stderr) == (3, True)
    listed = run(tmp_path / "archive", "scheduled", "list")
    assert (listed.exit_code, listed.stdout.count("could not be")) == (9, 2)


def test_one_that_is_removed_is_made_no_more(folder: Path, tmp_path: Path) -> None:
    schedule(folder, str(tmp_path))
    run(folder, "scheduled", "remove", "nightly")
    assert run(folder, "scheduled", "list").stdout == ""
