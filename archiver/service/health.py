"""Health and metrics of a running service over HTTP, by default on this machine only.

`/healthz`: the process makes progress; `/readyz`: it is up to date and its index answers; `/health/harvest`: its state
in JSON, with status 503 when a person has to act; `/metrics`: for Prometheus. None contains conversation content.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from archiver import __version__
from archiver.errors import ConfigError
from archiver.jsontext import encode
from archiver.service.state import Level, ServiceState, Snapshot

Clock = Callable[[], datetime]
Response = tuple[int, str, bytes]
_JSON = "application/json"


def describe(state: Snapshot, now: datetime) -> dict[str, Any]:
    """`archiver.health/2`."""
    return {
        "schema": "archiver.health/2",
        "level": state.level(now),
        "troubles": [{"level": level, "what": words} for level, words in state.troubles(now)],
        "account": state.account,
        "version": __version__,
        "started_at": state.started_at,
        "up_to_date_at": state.tailed_at,
        "lag_s": round(state.lag(now).total_seconds(), 1),
        "lanes": state.lanes,
        "archive": state.counts,
        "index": state.index,
    }


def answer(path: str, state: ServiceState, now: datetime) -> Response | None:
    """The response to a path; None for a path that is not served."""
    snapshot = state.read()
    match path:
        case "/healthz":
            return _plain(snapshot.is_alive(now), "ok", "the harvest makes no progress")
        case "/readyz":
            is_ready = snapshot.is_alive(now) and snapshot.tailed_at is not None and snapshot.index.error is None
            return _plain(is_ready, "ready", "not ready: see /health/harvest")
        case "/health/harvest":
            return 503 if snapshot.level(now) is Level.RED else 200, _JSON, encode(describe(snapshot, now))
        case "/metrics":
            registry = CollectorRegistry()
            registry.register(_Metrics(snapshot, now))
            return 200, CONTENT_TYPE_PLAIN_0_0_4, generate_latest(registry)
    return None


def _plain(is_good: bool, good: str, bad: str) -> Response:
    return (200, "text/plain", f"{good}\n".encode()) if is_good else (503, "text/plain", f"{bad}\n".encode())


class _Metrics:
    """The state as Prometheus metrics."""

    def __init__(self, state: Snapshot, now: datetime) -> None:
        self._state, self._now = state, now

    def collect(self) -> Iterator[Metric]:
        yield from self._of_harvest()
        yield from self._of_archive()
        yield from self._of_index()

    def _of_harvest(self) -> Iterator[Metric]:
        state, now = self._state, self._now
        yield _labelled(GaugeMetricFamily, "build_info", "Version of the program.", "version", {__version__: 1})
        yield _gauge("up_since_timestamp_seconds", "When the service started.", state.started_at.timestamp())
        tailed = state.tailed_at.timestamp() if state.tailed_at else 0
        yield _gauge("harvest_last_success_timestamp_seconds", "When the archive was last up to date.", tailed)
        yield _gauge("harvest_lag_seconds", "How long ago that was.", state.lag(now).total_seconds())
        yield _gauge("harvest_level", "0 green, 1 yellow, 2 red.", list(Level).index(state.level(now)))
        steps = {name: lane.steps for name, lane in state.lanes.items()}
        yield _labelled(CounterMetricFamily, "lane_steps", "Steps of each lane.", "lane", steps)
        failures = {name: lane.failures for name, lane in state.lanes.items()}
        yield _labelled(CounterMetricFamily, "lane_failures", "Failed steps of each lane.", "lane", failures)
        yield _labelled(CounterMetricFamily, "api_answers", "Answers of LivePerson.", "status", dict(state.answers))
        made = "Vault entries made since the start."
        yield CounterMetricFamily("archiver_vault_entries_made", made, value=state.entries_made)

    def _of_archive(self) -> Iterator[Metric]:
        counts = self._state.counts
        yield _gauge("vault_conversations", "Conversations in the vault.", counts.conversations)
        yield _gauge("vault_messages", "Messages of their current versions.", counts.messages)
        yield _gauge("vault_head", "Newest vault entry.", counts.head)
        yield _gauge("quarantined_records", "Unreadable records in quarantine.", counts.quarantined)
        yield _gauge("watched_conversations", "Conversations that are looked at again.", counts.watched)
        yield _gauge("erasures_pending", "Erasures that wait for a person.", counts.pending_erasures)
        yield _gauge("coverage_gaps", "Spans that are not proven complete.", counts.gaps)
        yield _gauge("coverage_gap_hours", "Their hours.", counts.gap_hours)
        yield _gauge("coverage_lost_hours", "Hours lost to LivePerson's retention.", counts.lost_hours)
        if counts.hours_left is not None:
            left = "Until the oldest gap begins to be lost."
            yield _gauge("retention_margin_seconds", left, counts.hours_left * 3600)

    def _of_index(self) -> Iterator[Metric]:
        index = self._state.index
        if index.applied is not None:
            lag = max(self._state.counts.head - index.applied, 0)
            yield _gauge("index_lag_entries", "Vault entries not yet applied to the index.", lag)
        yield _gauge("index_refused_conversations", "Conversations that the index refused.", index.refused)
        yield _gauge("index_up", "Whether the index answered when it was last needed.", index.error is None)


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f"archiver_{name}", meaning, value=value)


def _labelled(kind: Any, name: str, meaning: str, label: str, values: dict[str, int]) -> Metric:
    family: Metric = kind(f"archiver_{name}", meaning, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)  # type: ignore[attr-defined]
    return family


def _handler(state: ServiceState, clock: Clock) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = "archiver", ""

        def do_GET(self) -> None:
            response = answer(self.path.partition("?")[0], state, clock())
            status, kind, body = response or (404, "text/plain", b"/healthz /readyz /health/harvest /metrics\n")
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

    return Handler


def _bound(host: str, port: int, handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    class Server(ThreadingHTTPServer):
        daemon_threads = True
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

    try:
        return Server((host, port), handler)
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"health and metrics can't be served on {host}:{port}: {error}",
            hint="Choose another address with --listen HOST:PORT, or none with --listen off.",
        ) from error


@contextmanager
def served(state: ServiceState, clock: Clock, host: str, port: int) -> Iterator[str]:
    """Serves health and metrics within the context; the URL. Raises ConfigError if the port is not available."""
    server = _bound(host, port, _handler(state, clock))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
