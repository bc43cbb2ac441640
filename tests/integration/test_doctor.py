"""Each thing that can be wrong is found by its own check, with what to do next."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest

from archiver.archive.opening import make_archive
from archiver.config.settings import Settings, load
from archiver.doctor import Check, Verdict, examine
from archiver.errors import ConfigError
from archiver.liveperson.account import Account
from archiver.liveperson.probes import Probes
from archiver.retry import RetryPolicy
from archiver.simulator.services import Simulator
from tests.conftest import ACCOUNT, NOW

Respond = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def settings(simulator: Simulator, tmp_path: Path) -> dict[str, str]:
    given = simulator.credentials()
    return {
        "ARCHIVER_ACCOUNT": ACCOUNT, "ARCHIVER_DOMAIN_URL": "https://api.simulator.test",
        "ARCHIVER_ARCHIVE": str(tmp_path / "archive"), "ARCHIVER_CLIENT_ID": given["client_id"],
        "ARCHIVER_CLIENT_SECRET": given["client_secret"],
    }  # fmt: skip


def checks(settings: dict[str, str], respond: Respond, *, is_offline: bool = False) -> dict[str, Check]:
    def dated(request: httpx.Request) -> httpx.Response:
        answer = respond(request)
        answer.headers.setdefault("Date", format_datetime(NOW, usegmt=True))
        return answer

    def probes(account: Account) -> Probes:
        return Probes(account, transport=httpx.MockTransport(dated), clock=lambda: NOW)

    def loaded() -> Settings:
        return load({}, settings, None, ())

    found = list(examine(loaded, is_offline=is_offline, probes_of=probes))
    assert all(finding.advice for finding in found if finding.verdict in (Verdict.FAIL, Verdict.WARN))
    return {finding.name: finding for finding in found}


def failed(found: dict[str, Check]) -> list[str]:
    return [name for name, finding in found.items() if finding.verdict is Verdict.FAIL]


def test_all_is_well(settings: dict[str, str], simulator: Simulator) -> None:
    make_archive(Path(settings["ARCHIVER_ARCHIVE"]), ACCOUNT).close()
    found = checks(settings, simulator)
    assert {finding.verdict for finding in found.values()} == {Verdict.PASS}
    assert list(found) == [
        "settings", "network", "clock", "services", "hosts", "credentials", "permission", "rate", "archive", "store",
        "disk",
    ]  # fmt: skip


@pytest.mark.parametrize("way", ["oauth1", "login"])
def test_the_other_ways_in_are_checked_too(settings: dict[str, str], simulator: Simulator, way: str) -> None:
    simulator.signatures.clock = lambda: datetime.now(UTC)
    named = {f"ARCHIVER_{name.upper()}": value for name, value in simulator.credentials().items()}
    found = checks({**settings, **named, "ARCHIVER_AUTH": way}, simulator)
    assert failed(found) == []
    assert found["permission"].verdict is Verdict.PASS
    assert simulator.logins.count() == 0


def wrong(simulator: Simulator, part: str, answer: httpx.Response | Exception) -> Respond:
    def respond(request: httpx.Request) -> httpx.Response:
        if part not in str(request.url):
            return simulator(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return respond


@pytest.mark.parametrize(
    ("part", "answer", "name", "said"),
    [
        ("", httpx.ConnectError("[Errno -2] Name or service not known"), "network", "DNS"),
        ("", httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] failed"), "network", "SSL_CERT_FILE"),
        ("", httpx.ConnectTimeout("timed out"), "network", "firewall"),
        ("baseURI", httpx.Response(404), "services", "account"),
        ("lp.simulator.test", httpx.ConnectError("refused"), "hosts", "firewall"),
        ("/app/token", httpx.Response(401, json={"error": "invalid_client"}), "credentials", "client_id"),
        ("messaging_history", httpx.Response(403), "permission", "Messaging Interactions"),
        ("messaging_history", httpx.Response(500), "permission", "later"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_liveperson_is_found_by_its_own_check(
    settings: dict[str, str], simulator: Simulator, part: str, answer: httpx.Response | Exception, name: str, said: str
) -> None:
    found = checks(settings, wrong(simulator, part, answer))
    assert failed(found)[0] == name
    assert said in str(found[name].advice)
    behind = list(found)[list(found).index(name) + 1 : list(found).index("archive")]
    assert {found[other].verdict for other in behind} <= {Verdict.SKIP}


@pytest.mark.parametrize(("age", "is_right"), [(None, False), ("420", True)])
def test_a_wrong_clock_is_a_warning_and_a_kept_answer_is_not_taken_for_one(
    settings: dict[str, str], simulator: Simulator, age: str | None, is_right: bool
) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        answer = simulator(request)
        answer.headers["Date"] = format_datetime(NOW - timedelta(minutes=7), usegmt=True)
        if age:
            answer.headers["Age"] = age
        return answer

    found = checks(settings, respond)
    assert found["clock"].verdict is (Verdict.PASS if is_right else Verdict.WARN)
    assert found["permission"].verdict is Verdict.PASS


def test_a_clock_with_which_nothing_can_be_proven_is_a_failed_check_and_the_rest_is_still_checked(
    settings: dict[str, str], simulator: Simulator
) -> None:
    simulator.date_is_off = timedelta(hours=-3)

    def respond(request: httpx.Request) -> httpx.Response:
        return simulator(request)

    found = checks(settings, respond)
    assert failed(found) == ["clock"]
    assert "3.0 hours ahead of LivePerson's" in found["clock"].cause
    assert found["permission"].verdict is Verdict.PASS


@pytest.mark.parametrize("url", ["http://example.com", "https://example.com:abc", "nonsense"])
def test_an_address_that_cannot_be_is_a_failed_check_and_the_rest_is_still_checked(
    settings: dict[str, str], simulator: Simulator, url: str
) -> None:
    found = checks({**settings, "ARCHIVER_DOMAIN_URL": url}, simulator)
    assert failed(found) == ["network"]
    assert found["disk"].verdict is Verdict.PASS


def test_an_answer_that_is_no_answer_gives_no_permission(settings: dict[str, str], simulator: Simulator) -> None:
    found = checks(settings, wrong(simulator, "messaging_history", httpx.Response(200, html="<html>portal</html>")))
    assert failed(found) == ["permission"]


@pytest.mark.parametrize(
    "change",
    [
        {"ARCHIVER_CLIENT_ID": ""}, {"ARCHIVER_ACCOUNT": ""}, {"ARCHIVER_AUTH": "magic"}, {"ARCHIVER_RATE": "fast"},
        {"ARCHIVER_APP_KEY": "both"}, {"ARCHIVER_STORE_PREFIX": "Not Good"},
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_the_first_check(
    settings: dict[str, str], simulator: Simulator, change: dict[str, str]
) -> None:
    found = checks({**settings, **change}, simulator)
    assert failed(found)[0] == "settings"
    assert found["network"].verdict is Verdict.SKIP


def test_a_settings_file_that_cannot_be_read_is_a_failed_check() -> None:
    def broken() -> Settings:
        raise ConfigError("archiver.toml is not valid TOML")

    (found,) = examine(broken)
    assert (found.name, found.verdict) == ("settings", Verdict.FAIL)


def test_limits_that_liveperson_names_are_shown(settings: dict[str, str], simulator: Simulator) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        answer = simulator(request)
        answer.headers["X-RateLimit-Remaining"] = "17"
        return answer

    assert "x-ratelimit-remaining: 17" in checks(settings, respond)["rate"].cause


def test_offline_asks_nothing_and_checks_what_is_here(settings: dict[str, str]) -> None:
    def nobody(request: httpx.Request) -> httpx.Response:
        raise AssertionError(request.url)

    found = checks(settings, nobody, is_offline=True)
    assert found["permission"].verdict is Verdict.SKIP
    assert found["disk"].verdict is Verdict.PASS
    assert found["archive"].advice == "archiver harvest"


def test_the_archive_of_another_account_fails(settings: dict[str, str], simulator: Simulator) -> None:
    make_archive(Path(settings["ARCHIVER_ARCHIVE"]), "999").close()
    found = checks(settings, simulator)
    assert failed(found) == ["archive"]
    assert "account 999" in found["archive"].cause


def test_a_store_that_is_away_fails_and_the_rest_is_still_checked(
    settings: dict[str, str], simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setattr("archiver.index.elastic.server._RETRIES", RetryPolicy(delays_s=(0.0,), tries=1))
    make_archive(Path(settings["ARCHIVER_ARCHIVE"]), ACCOUNT).close()
    found = checks({**settings, "ARCHIVER_STORE": "http://127.0.0.1:9"}, simulator)
    assert failed(found) == ["store"]
    assert found["disk"].verdict is Verdict.PASS
