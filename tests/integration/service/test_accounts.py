"""Several accounts harvested by one process: each on its own, told apart in health and metrics."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from archiver.archive.opening import make_archive, open_archive
from archiver.simulator.running import SimulatedAccount, simulate
from tests import schemas
from tests.conftest import record, sql
from tests.services import following, get, until

Accounts = dict[str, SimulatedAccount]


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[Accounts]:
    """Two simulated accounts by the names of their profiles."""
    with simulate(data=data(tmp_path, "11111111")) as one, simulate(data=data(tmp_path, "22222222")) as two:
        yield {"one": one, "two": two}


def data(folder: Path, account: str) -> Path:
    """A file of conversations of the last days of an account."""
    now, path = datetime.now(UTC), folder / f"{account}.jsonl"
    starts = [now - timedelta(hours=number) for number in range(1, 30)]
    raws = [record(f"{account}-{at:%d%H}", at, "hello", info={"brandId": account}) for at in starts]
    path.write_bytes(b"\n".join(raws))
    return path


def settings_file(folder: Path, accounts: Accounts, **changes: dict[str, str]) -> Path:
    """A settings file with a profile for each account; `changes` are by profile."""
    lines = ['archive = "archive-{profile}"']
    for name, account in accounts.items():
        values = {**account.settings, **changes.get(name, {})}
        (folder / f"secret-{name}").write_text(values.pop("client_secret"))
        (folder / f"secret-{name}").chmod(0o600)
        values["client_secret"] = f"file:{folder / f'secret-{name}'}"
        lines += [f"[profiles.{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    path = folder / "archiver.toml"
    path.write_text("\n".join(lines))
    return path


def states(url: str) -> dict[str, Any]:
    """What health says of each account, by its profile."""
    return {item["profile"]: item for item in schemas.checked(get(f"{url}/health/harvest")[1])["accounts"]}


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "archiver", "harvest", "--follow", "--all-profiles", "--listen", "127.0.0.1:0"]
    return subprocess.run(
        command, cwd=folder, env=os.environ, capture_output=True, text=True, timeout=60, check=False
    )  # fmt: skip


@pytest.fixture
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("_in_folder")
def test_all_profiles_are_harvested_at_once_and_told_apart(tmp_path: Path, accounts: Accounts) -> None:
    settings_file(tmp_path, accounts)
    with following({}, None, "--all-profiles") as (process, url):
        until(lambda: all(item["archive"] and item["archive"]["head"] for item in states(url).values()))
        until(lambda: get(f"{url}/readyz")[0] == 200)
        metrics = get(f"{url}/metrics")[1]
        for account in ("11111111", "22222222"):
            assert f'archiver_vault_head{{account="{account}"}}' in metrics
            assert f'archiver_lane_steps_total{{account="{account}",lane="tail"}}' in metrics
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        assert process.returncode == 0
    for name, account in accounts.items():
        with open_archive(tmp_path / f"archive-{name}") as archive:
            assert archive.account == account.account
            assert archive.vault.head() > 0


@pytest.mark.usefixtures("_in_folder")
def test_an_account_whose_credentials_are_refused_stops_no_other(tmp_path: Path, accounts: Accounts) -> None:
    settings_file(tmp_path, accounts, one={"client_secret": "wrong"})
    with following({}, None, "--all-profiles") as (_, url):
        until(lambda: states(url)["one"]["paused"] is not None and states(url)["two"]["level"] == "green")
        until(lambda: (states(url)["two"]["archive"] or {"head": 0})["head"] > 20)
        assert states(url)["one"]["level"] == "red"
        assert get(f"{url}/health/harvest")[0] == 503
        assert (get(f"{url}/healthz")[0], get(f"{url}/readyz")[0]) == (200, 503)


@pytest.mark.usefixtures("_in_folder")
def test_an_account_that_another_process_harvests_waits_and_is_taken_up_later(
    tmp_path: Path, accounts: Accounts
) -> None:
    settings_file(tmp_path, accounts)
    with make_archive(tmp_path / "archive-one", "11111111") as archive, ExitStack() as stack:
        sql(archive, "INSERT INTO lease VALUES (1, 'x', 'elsewhere', 1, strftime('%Y-%m-%dT%H:%M:%S+00:00'))")
        _, url = stack.enter_context(following({}, None, "--all-profiles", is_impatient=True))
        until(lambda: states(url)["two"]["level"] == "green" and states(url)["two"]["up_to_date_at"] is not None)
        assert states(url)["one"]["paused"]["code"] == "locked"
        sql(archive, "DELETE FROM lease")
        until(lambda: states(url)["one"]["level"] == "green" and states(url)["one"]["archive"]["head"] > 0)
        sql(archive, "UPDATE lease SET holder = 'x', host = 'elsewhere'")  # and is lost, and found, again
        until(lambda: states(url)["one"]["paused"] is not None)
        sql(archive, "DELETE FROM lease")
        until(lambda: states(url)["one"]["paused"] is None)


@pytest.mark.usefixtures("_in_folder")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"archive": "archive-one"}, "have the same archive"),
        ({"store": "ftp://store"}, "is not known"),
        ({"account": "no such account!"}, "account is"),
    ],
)
def test_wrong_settings_of_one_end_it_before_anything_is_harvested(
    tmp_path: Path, accounts: Accounts, changes: dict[str, str], words: str
) -> None:
    settings_file(tmp_path, accounts, two=changes)
    done = run(tmp_path)
    assert (done.returncode, words in done.stderr) == (2, True), done.stderr
    assert not (tmp_path / "archive-one").exists()
