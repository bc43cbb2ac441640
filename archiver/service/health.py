"""What the service says about itself, for all its accounts. None of it contains conversation content.

`/healthz`: every harvest makes progress; `/readyz`: all are up to date and their indexes answer; `/health/harvest`: the
state of each account in JSON, with status 503 when a person has to act; `/metrics`: for Prometheus.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from archiver import __version__
from archiver.jsontext import encode
from archiver.service.metrics import CONTENT_TYPE, as_metrics
from archiver.service.state import Snapshot
from archiver.service.troubles import Level, entries_behind, is_index_late, level_of, troubles, worst
from archiver.value import as_dict

Response = tuple[int, str, bytes]
_JSON, _TEXT = "application/json", "text/plain; charset=utf-8"
HARVEST_HEALTH = "/health/harvest"  # JSON
HEALTH_PATHS = ("/healthz", "/readyz", HARVEST_HEALTH, "/metrics")


class Reported(Protocol):
    """The harvest of one account, as health needs it."""

    def state_now(self) -> Snapshot:
        """Its state without a look into the archive."""
        ...

    def observed(self, now: datetime) -> Snapshot:
        """Its state with what the archive holds now."""
        ...


def answer(path: str, accounts: Sequence[Reported], now: datetime) -> Response | None:
    """The response to a path; None for a path that is not served."""
    match path:
        case "/healthz":
            is_alive = all(state.ended or state.is_alive(now) for state in (item.state_now() for item in accounts))
            return _plain(is_alive, "ok", "a harvest makes no progress")
        case "/readyz":
            is_ready = all(_is_ready(item.observed(now), now) for item in accounts)
            return _plain(is_ready, "ready", "not ready: see /health/harvest")
        case "/health/harvest":
            content = describe([item.observed(now) for item in accounts], now)
            return 503 if content["level"] is Level.RED else 200, _JSON, encode(content)
        case "/metrics":
            return 200, CONTENT_TYPE, as_metrics([item.observed(now) for item in accounts], now)
    return None


def _plain(is_good: bool, good: str, bad: str) -> Response:
    return (200, _TEXT, f"{good}\n".encode()) if is_good else (503, _TEXT, f"{bad}\n".encode())


def _is_ready(state: Snapshot, now: datetime) -> bool:
    is_at_work = state.is_alive(now) and not state.ended and not state.pause and state.archive.tailed_at is not None
    return is_at_work and not state.archive.error and not state.index.error and not is_index_late(state, now)


def describe(accounts: Sequence[Snapshot], now: datetime) -> dict[str, Any]:
    """`archiver.health/3`."""
    return {
        "schema": "archiver.health/3",
        "level": worst(level_of(state, now) for state in accounts),
        "version": __version__,
        "started_at": min((state.started_at for state in accounts), default=now),
        "accounts": [_described(state, now) for state in accounts],
    }


def _described(state: Snapshot, now: datetime) -> dict[str, Any]:
    return {
        "account": state.account,
        "profile": state.profile,
        "level": level_of(state, now),
        "troubles": list(troubles(state, now)),
        "up_to_date_at": state.archive.tailed_at,
        "lag_s": round(state.lag(now).total_seconds(), 1),
        "paused": state.pause,
        "lanes": state.lanes,
        "archive": state.archive.counts,
        "index": {**as_dict(state.index), "behind": entries_behind(state)},
    }
