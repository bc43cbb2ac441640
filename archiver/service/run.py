"""The continuous harvest of one or several accounts: starts them, serves their health, notifies systemd."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from archiver.errors import ConfigError
from archiver.logs import EventLogger
from archiver.service.follower import Follower, Parts
from archiver.service.health import Response, answer
from archiver.service.schedule import Schedule
from archiver.service.server import Respond, served
from archiver.service.state import Snapshot
from archiver.service.systemd import Notifier
from archiver.service.troubles import Level, level_of, worst
from archiver.value import Value

_log = EventLogger("service")
Serve = Callable[[Respond, str, int], AbstractContextManager[str]]  # what to respond, host, port: the URL
_NOTIFY_EVERY_S, _END_WITHIN_S = 1.0, 5.0


class Listen(Value):
    """Where health and metrics are served. Unless `is_required`, a taken port does not end the service."""

    host: str = "127.0.0.1"
    port: int = 9464
    is_required: bool = False


def follow(
    accounts: Sequence[Parts], schedule: Schedule, *, stop: threading.Event, listen: Listen | None,
    serve: Serve | None = None,
) -> None:  # fmt: skip
    """Harvests each account until `stop` is set, and serves its health by `serve`. Raises ConfigError for wrong
    settings of any, before anything is harvested; for a single account, Locked if another process harvests its archive,
    at the start or later. Everything else is tried again, and is in its health. An account that ends leaves the others
    at work; raises its error when all have ended.
    """
    _check_folders(accounts)
    followers = [Follower(parts, schedule, is_alone=len(accounts) == 1) for parts in accounts]
    notifier = Notifier()
    with ExitStack() as stack:
        stack.callback(_end, followers)
        for follower in followers:
            follower.prepare()  # before the port: a second service is told of the first one
        _serve_health(stack, followers, listen, serve or served)
        try:
            for follower in followers:
                follower.start()
            _wait(followers, stop, notifier)
        finally:
            notifier.notify("STOPPING=1")
    failures = [follower.failure for follower in followers if follower.failure]
    if failures and not stop.is_set():
        raise failures[0]
    _log.info("service.stopped", "Stopped. Everything archived so far is kept.")


def _check_folders(accounts: Sequence[Parts]) -> None:
    """Raises ConfigError if two profiles have the same archive, or the same account, which metrics can't tell apart."""
    profiles: dict[Path, str | None] = {}
    owners: dict[str, str | None] = {}
    for settings in (parts.settings for parts in accounts):
        if settings.account in owners:
            raise ConfigError(
                f"the profiles {owners[settings.account]} and {settings.profile} have the same account",
                hint="Remove one of them, or harvest it with a service of its own: --profile NAME.",
            )
        owners[settings.account] = settings.profile
        folder = settings.archive.resolve()
        if folder in profiles:
            raise ConfigError(
                f"the profiles {profiles[folder]} and {settings.profile} have the same archive, {folder}",
                hint='Write archive = "archive-{profile}", or another folder for each.',
            )
        profiles[folder] = settings.profile


def _wait(followers: Sequence[Follower], stop: threading.Event, notifier: Notifier) -> None:
    """Until it is told to stop, or all accounts have ended. Tells systemd that it is alive while all harvests are."""
    while any(follower.is_running for follower in followers) and not stop.wait(_NOTIFY_EVERY_S):
        now = followers[0].now()
        states = [follower.state_now() for follower in followers]
        if all(state.ended or state.is_alive(now) for state in states):
            notifier.tick(_status(states, worst(level_of(state, now) for state in states)))


def _status(states: Sequence[Snapshot], level: Level) -> str:
    made = sum(state.entries_made for state in states)
    return f"{level}, {made:,} vault entries since the start"


def _end(followers: Sequence[Follower]) -> None:
    for follower in followers:
        follower.stop()
    by_s = time.monotonic() + _END_WITHIN_S
    for follower in followers:
        follower.end(by_s)


def _serve_health(stack: ExitStack, followers: Sequence[Follower], listen: Listen | None, serve: Serve) -> None:
    """Serves health and metrics until the stack is left."""

    def respond(path: str) -> Response | None:
        return answer(path, followers, followers[0].now())

    if listen is None:
        return
    try:
        url = stack.enter_context(serve(respond, listen.host, listen.port))
    except ConfigError as error:
        if listen.is_required:
            raise
        _log.warning("health.unavailable", f"{error.message}; continuing without them. {error.hint}", code=error.code)
    else:
        _log.info("health.serving", f"Health and metrics: {url}/health/harvest {url}/metrics", url=url)
