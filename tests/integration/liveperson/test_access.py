"""Three ways in, each against a simulated account that checks tokens, signatures, cookies and their ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import pytest
from oauthlib.oauth1 import Client as IndependentSigner
from oauthlib.oauth1.rfc5849 import signature as independent

from archiver.ahead import Later
from archiver.archive.file import ArchiveFile
from archiver.config.secrets import Secret
from archiver.errors import AuthError, PermissionMissing, RateLimited, SourceError
from archiver.harvest.harvest import Harvest
from archiver.jsontext import decode
from archiver.liveperson.account import Account, connect
from archiver.liveperson.auth import AppKeys, ClientCredentials, Credentials, User
from archiver.liveperson.calls import CallSettings
from archiver.liveperson.oauth1 import OAuth1
from archiver.model import Window
from archiver.progress import Silent
from archiver.simulator.access import SignatureCheck, base_string
from archiver.simulator.services import Simulator
from tests.conftest import NOW, connected, record

DAY = timedelta(days=1)
SPAN = Window(NOW - 10 * DAY, NOW)
Respond = Callable[[httpx.Request], httpx.Response]
WAYS = ("oauth2", "oauth2-v1", "oauth1", "login")


def credentials(simulator: Simulator, way: str) -> Credentials:
    given = simulator.credentials()
    match way:
        case "oauth1":
            return AppKeys(
                given["app_key"], Secret(given["app_secret"]), Secret(given["access_token"]),
                Secret(given["access_token_secret"]),
            )  # fmt: skip
        case "login":
            return User(given["username"], Secret(given["password"]))
        case _:
            return ClientCredentials(given["client_id"], Secret(given["client_secret"]), 1 if "v1" in way else 2)


def signing(simulator: Simulator) -> None:
    """OAuth 1.0 signs with the real time; the simulated clock has to be near it."""
    simulator.signatures.clock = lambda: datetime.now(UTC)


class Recorder:
    """A simulator that remembers what it was asked."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.requests: list[httpx.Request] = []
        self.before: Callable[[httpx.Request], httpx.Response | None] = lambda request: None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.before(request) or self.simulator(request)

    def count(self, part: str) -> int:
        return sum(part in request.url.path for request in self.requests)


@pytest.fixture
def account(simulator: Simulator) -> Recorder:
    signing(simulator)
    simulator.world.fill(
        record(f"c{number:03d}", NOW - 9 * DAY + number * timedelta(minutes=43)) for number in range(300)
    )
    return Recorder(simulator)


@pytest.mark.parametrize("way", WAYS)
def test_each_way_in_reads_everything_by_all_three_methods(account: Recorder, way: str) -> None:
    center = connected(account, account.simulator, credentials(account.simulator, way))
    found = [item.id for page in center.pages(SPAN) for item in page.conversations]
    assert len(set(found)) == 300
    assert [item.id for item in next(center.by_ids(["c007", "absent"])).conversations] == ["c007"]
    assert next(center.by_consumer("nobody")).total == 0
    center.close()


@pytest.mark.parametrize("way", WAYS)
def test_wrong_credentials_are_told_once_and_never_shown(account: Recorder, way: str) -> None:
    simulator = account.simulator
    center = connected(account, simulator, credentials(simulator, way))
    simulator.tokens.client_secret = simulator.signatures.token_secret = simulator.logins.password = "changed"
    with pytest.raises(AuthError) as told:
        list(center.pages(SPAN))
    words = f"{told.value.message} {told.value.hint}"
    assert not any(secret in words for secret in account.simulator.credentials().values() if len(secret) > 12)
    assert len(account.requests) <= 5


@pytest.mark.parametrize("way", ["oauth2", "login"])
def test_what_ends_in_the_middle_of_a_run_is_renewed_without_losing_a_page(
    archive: ArchiveFile, account: Recorder, way: str
) -> None:
    calls = 0

    def forget(request: httpx.Request) -> None:
        nonlocal calls
        calls += request.url.path.endswith("/conversations/search")
        if calls % 4 == 0:
            account.simulator.expire_tokens()

    account.before = forget
    source = connected(account, account.simulator, credentials(account.simulator, way))
    summary = Harvest(source, archive, clock=lambda: NOW, progress=Silent()).run(SPAN)
    assert (summary.conversations, summary.unproven) == (300, ())


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [(403, PermissionMissing, "Messaging Interactions"), (451, AuthError, "support"), (401, AuthError, "config show")],
)
@pytest.mark.parametrize("way", WAYS)
def test_a_final_refusal_stops_and_says_who_must_act(
    account: Recorder, way: str, status: int, kind: type[AuthError], said: str
) -> None:
    account.before = lambda request: httpx.Response(status) if "messaging_history" in request.url.path else None
    center = connected(account, account.simulator, credentials(account.simulator, way))
    with pytest.raises(kind) as told:
        list(center.pages(SPAN))
    assert said in str(told.value.hint)
    assert account.count("/conversations/search") <= 3


def test_version_1_of_the_authorization_api_is_asked_where_it_is_wanted(account: Recorder) -> None:
    list(connected(account, account.simulator, credentials(account.simulator, "oauth2-v1")).pages(SPAN))
    (request,) = [request for request in account.requests if "/app/token" in request.url.path]
    assert request.url.path == f"/sentinel/api/account/{account.simulator.world.account}/app/token"
    assert request.url.params["v"] == "1.0"


# ── OAuth 1.0 ──


def signed(url: str, body: bytes = b'{"a":1}', keys: AppKeys | None = None) -> httpx.Request:
    keys = keys or AppKeys("key", Secret("secret&%"), Secret("token"), Secret("tök en"))
    request = httpx.Request("POST", url, content=body, headers={"Content-Type": "application/json"})
    return next(OAuth1(keys).sync_auth_flow(request))


URLS = [
    "https://va.msghist.liveperson.net/messaging_history/api/account/1/conversations/search?offset=0&limit=100&sort=start%3Aasc&v=2&source=archiver",
    "https://HOST.example:8443/a%20b/%C3%BC?b=2&a=1&a=0&empty=&sign=%2B%26%3D&space=a%20b",
    "http://127.0.0.1:8080/x",
]


@pytest.mark.parametrize("url", URLS)
def test_a_signature_is_what_an_independent_implementation_makes_of_the_same_request(url: str) -> None:
    request = signed(url)
    given = dict(independent.collect_parameters(headers={"Authorization": request.headers["Authorization"]}))
    query = parse_qsl(urlsplit(str(request.url)).query, keep_blank_values=True)
    normal = independent.normalize_parameters([*given.items(), *query])
    base = independent.signature_base_string("POST", independent.base_string_uri(str(request.url)), normal)
    signer = IndependentSigner("key", "secret&%", "token", "tök en")
    assert (
        f'oauth_signature="{_quoted(independent.sign_hmac_sha1_with_client(base, signer))}"'
        in request.headers["Authorization"]
    )
    assert base_string("POST", str(request.url), given) == base  # and so does the simulated account


def _quoted(text: str) -> str:
    return quote(text, safe="-._~")


def test_the_body_arrives_whole_and_is_no_part_of_the_signature() -> None:
    request = signed(URLS[0], b'{"start":{"from":1}}')
    assert request.read() == b'{"start":{"from":1}}'
    assert request.headers["Content-Length"] == "20"
    assert "oauth_body_hash" not in request.headers["Authorization"]


def test_a_changed_query_a_repeated_nonce_or_an_old_time_is_refused(simulator: Simulator) -> None:
    keys = credentials(simulator, "oauth1")
    assert isinstance(keys, AppKeys)
    door = SignatureCheck(
        lambda: datetime.now(UTC), keys.key, keys.secret.reveal(), keys.token.reveal(), keys.token_secret.reveal()
    )
    request = signed(URLS[0], keys=keys)
    assert door.accepts(request)
    assert not door.accepts(request)
    other = signed(URLS[0], keys=keys)
    other.url = httpx.URL(str(other.url).replace("offset=0", "offset=100"))
    assert not door.accepts(other)
    door.clock = lambda: datetime.now(UTC) + timedelta(minutes=6)
    assert not door.accepts(signed(URLS[0], keys=keys))


def test_a_wrong_clock_is_named_where_a_signature_is_refused(account: Recorder) -> None:
    late = format_datetime(NOW + timedelta(minutes=9), usegmt=True)
    account.before = lambda request: (
        httpx.Response(401, headers={"Date": late}) if "messaging_history" in request.url.path else None
    )
    with pytest.raises(AuthError) as told:
        list(connected(account, account.simulator, credentials(account.simulator, "oauth1")).pages(SPAN))
    assert "540 s behind" in str(told.value.hint)


# ── a user's login ──


def test_a_session_is_refreshed_while_in_use_and_closed_at_the_end(account: Recorder) -> None:
    now = [NOW]
    account.simulator.world.clock = lambda: now[0]
    center = connected(account, account.simulator, credentials(account.simulator, "login"))
    for _ in range(6):
        list(center.pages(Window(NOW - DAY, NOW)))
        now[0] += timedelta(minutes=3)
    assert account.count("/login") == 1
    assert account.count("/refresh") == 2
    refresh = next(request for request in account.requests if request.url.path.endswith("/refresh"))
    assert set(decode(refresh.content)) == {"csrf"}
    assert refresh.headers["Cookie"].startswith("Session_id=")
    center.close()
    assert account.count("/logout") == 1
    assert account.simulator.logins.count() == 0


def test_a_session_that_cannot_be_refreshed_is_opened_anew(account: Recorder) -> None:
    now = [NOW]
    account.simulator.world.clock = lambda: now[0]
    center = connected(account, account.simulator, credentials(account.simulator, "login"))
    list(center.pages(Window(NOW - DAY, NOW)))
    account.simulator.expire_tokens()
    now[0] += timedelta(minutes=5)
    list(center.pages(Window(NOW - DAY, NOW)))
    assert account.count("/login") == 2


def test_a_refused_login_is_not_repeated_by_each_thread_that_waited_for_it(account: Recorder) -> None:
    center = connected(account, account.simulator, credentials(account.simulator, "login"))
    window, together = Window(NOW - DAY, NOW), threading.Barrier(5)
    list(center.pages(window))
    account.simulator.logins.password = "changed"
    account.simulator.expire_tokens()

    def before(request: httpx.Request) -> None:
        if request.url.path.endswith("/search"):
            together.wait(10)
        elif request.url.path.endswith("/login"):
            time.sleep(0.3)  # meanwhile the others wait for the same login

    account.before = before
    threads = [Later(lambda: list(center.pages(window))) for _ in range(5)]
    for thread in threads:
        with pytest.raises(AuthError):
            thread.result()
    assert account.count("/login") < 1 + len(threads)


@pytest.mark.parametrize("life_s", [28_800, 30])
def test_a_login_ends_when_it_says_and_not_before(account: Recorder, life_s: int) -> None:
    now = [NOW]
    account.simulator.world.clock = lambda: now[0]
    account.simulator.logins.life_s = life_s
    center = connected(account, account.simulator, credentials(account.simulator, "login"))
    for _ in range(3):
        list(center.pages(Window(NOW - DAY, NOW)))
    assert account.count("/login") == 1
    now[0] += timedelta(seconds=life_s)
    list(center.pages(Window(NOW - DAY, NOW)))
    assert account.count("/login") == 2


def test_too_many_logins_are_waited_out_five_seconds_at_a_time(account: Recorder) -> None:
    waited: list[float] = []
    left = [2]

    def throttled(request: httpx.Request) -> httpx.Response | None:
        if request.url.path.endswith("/login") and left[0]:
            left[0] -= 1
            return httpx.Response(429)
        return None

    account.before = throttled
    simulator = account.simulator
    center = connect(
        Account(simulator.world.account, "https://api.simulator.test", credentials(simulator, "login")),
        settings=CallSettings(sleep=waited.append), transport=httpx.MockTransport(account), clock=lambda: NOW,
    )  # fmt: skip
    list(center.pages(Window(NOW - DAY, NOW)))
    assert 5.0 <= max(waited) < 7.0


def test_a_login_that_stays_throttled_is_told_as_that(account: Recorder) -> None:
    account.before = lambda request: httpx.Response(429) if request.url.path.endswith("/login") else None
    with pytest.raises(RateLimited):
        list(connected(account, account.simulator, credentials(account.simulator, "login")).pages(SPAN))


@pytest.mark.parametrize("domain", ["", "; Domain=.liveperson.net; Secure; HttpOnly"])
def test_the_sessions_cookie_goes_back_to_the_login_service_alone(account: Recorder, domain: str) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        answer = account(request)
        if request.url.path.endswith("/login"):
            answer.headers["Set-Cookie"] += domain
        return answer

    center = connected(respond, account.simulator, credentials(account.simulator, "login"))
    list(center.pages(SPAN))
    center.close()
    assert account.simulator.logins.count() == 0
    for request in account.requests:
        has_cookie = "Cookie" in request.headers
        assert has_cookie == request.url.path.endswith(("/refresh", "/logout"))


@pytest.mark.parametrize(
    "attributes", ["; Partitioned", "; SameParty; Secure", "; Max-Age", "; Expires=Thu, 01-Jan-2026 00:00:00 UTC"]
)
def test_a_cookies_odd_attributes_do_not_cost_the_session(account: Recorder, attributes: str) -> None:
    now = [NOW]
    account.simulator.world.clock = lambda: now[0]

    def respond(request: httpx.Request) -> httpx.Response:
        answer = account(request)
        if request.url.path.endswith("/login"):
            answer.headers["Set-Cookie"] += attributes
        return answer

    center = connected(respond, account.simulator, credentials(account.simulator, "login"))
    for _ in range(5):
        list(center.pages(Window(NOW - DAY, NOW)))
        now[0] += timedelta(minutes=5)
    assert (account.count("/login"), account.count("/refresh")) == (1, 4)


def test_a_refresh_that_gets_no_answer_does_not_cost_the_call(account: Recorder) -> None:
    now = [NOW]
    account.simulator.world.clock = lambda: now[0]

    def silent(request: httpx.Request) -> None:
        if request.url.path.endswith("/refresh"):
            raise httpx.ReadTimeout("no answer", request=request)

    account.before = silent
    center = connected(account, account.simulator, credentials(account.simulator, "login"))
    list(center.pages(Window(NOW - DAY, NOW)))
    now[0] += timedelta(minutes=5)
    list(center.pages(Window(NOW - DAY, NOW)))
    assert (account.count("/login"), account.count("/refresh")) == (1, 1)


@pytest.mark.parametrize("way", ["oauth2", "login"])
def test_what_proves_who_we_are_has_a_timeout_and_our_name(account: Recorder, way: str) -> None:
    now = [NOW]
    account.simulator.world.clock = lambda: now[0]
    center = connected(account, account.simulator, credentials(account.simulator, way))
    list(center.pages(Window(NOW - DAY, NOW)))
    now[0] += timedelta(minutes=5)
    list(center.pages(Window(NOW - DAY, NOW)))
    center.close()
    for request in account.requests:
        assert request.extensions["timeout"]["read"] == 60.0, request.url
        assert request.headers["User-Agent"].startswith("archiver/")


@pytest.mark.parametrize("way", ["oauth2", "login"])
@pytest.mark.parametrize("status", [401, 404, 429, 500, 503])
def test_an_answer_that_repeats_what_we_sent_does_not_show_it(account: Recorder, way: str, status: int) -> None:
    said: list[str] = []

    def echo(request: httpx.Request) -> httpx.Response | None:
        if request.url.path.endswith(("/app/token", "/login")):
            return httpx.Response(status, content=request.content)
        return None

    account.before = echo
    simulator = account.simulator
    center = connect(
        Account(simulator.world.account, "https://api.simulator.test", credentials(simulator, way)),
        settings=CallSettings(sleep=lambda seconds: None), transport=httpx.MockTransport(account),
    )  # fmt: skip
    with pytest.raises(SourceError) as told:
        list(center.pages(SPAN))
    words = " ".join((*said, told.value.message, str(told.value.hint)))
    assert simulator.tokens.client_secret not in words
    assert simulator.logins.password not in words


@pytest.mark.parametrize(("status", "tries"), [(302, 3), (404, 7), (405, 3), (400, 1)])
def test_a_refusal_of_a_token_that_may_pass_is_tried_a_few_times(account: Recorder, status: int, tries: int) -> None:
    """A refusal of the credentials themselves is not."""
    account.before = lambda request: httpx.Response(status) if "/app/token" in request.url.path else None
    with pytest.raises(SourceError):
        list(connected(account, account.simulator).pages(SPAN))
    assert account.count("/app/token") == tries


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"access_token":null}', b'{"access_token":""}', b"[]", b"7"])
def test_a_token_that_is_none_is_the_authorization_servers_fault_and_waited_for(account: Recorder, body: bytes) -> None:
    left = [2]

    def maintenance(request: httpx.Request) -> httpx.Response | None:
        if "/app/token" in request.url.path and left[0]:
            left[0] -= 1
            return httpx.Response(200, content=body)
        return None

    account.before = maintenance
    assert next(connected(account, account.simulator).pages(SPAN)).total == 300


@pytest.mark.parametrize("life", ["-1", "0", 999_999_999_999, "1e300", "soon", None, True])
def test_no_expiry_however_odd_costs_a_token_for_every_call(account: Recorder, life: object) -> None:
    def odd(request: httpx.Request) -> httpx.Response | None:
        if "/app/token" not in request.url.path:
            return None
        answer = decode(account.simulator(request).content)
        return httpx.Response(200, json=answer | {"expires_in": life})

    account.before = odd
    center = connected(account, account.simulator)
    for _ in range(5):
        next(center.pages(SPAN))
    assert account.count("/app/token") == 1
