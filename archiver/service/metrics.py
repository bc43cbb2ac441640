"""The state of all accounts as Prometheus metrics. Each sample has the label `account`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from archiver import __version__
from archiver.service.state import Snapshot
from archiver.service.troubles import Level, entries_behind, is_index_late, level_of
from archiver.value import Value

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
Read = Callable[[Snapshot, datetime], float | None]  # None: there is nothing to say


class _Gauge(Value):
    name: str
    meaning: str
    value: Read


def _count(name: str) -> Read:
    """A member of the archive's counts."""
    return lambda state, now: getattr(state.archive.counts, name) if state.archive.counts else None


def _tailed(state: Snapshot, now: datetime) -> float | None:
    return state.archive.tailed_at.timestamp() if state.archive.tailed_at else None


def _refused(state: Snapshot, now: datetime) -> float | None:
    return None if state.index.applied is None else state.index.refused


def _is_up(state: Snapshot, now: datetime) -> float | None:
    is_late = is_index_late(state, now)
    is_unknown = state.index.applied is None and state.index.error is None and not is_late
    return None if is_unknown else state.index.error is None and not is_late


def _margin_s(state: Snapshot, now: datetime) -> float | None:
    counts = state.archive.counts
    return None if counts is None or counts.hours_left is None else counts.hours_left * 3600


_GAUGES = (
    _Gauge("up_since_timestamp_seconds", "When the service started.", lambda state, now: state.started_at.timestamp()),
    _Gauge("harvest_last_success_timestamp_seconds", "When the archive was last up to date.", _tailed),
    _Gauge("harvest_lag_seconds", "How long ago that was.", lambda state, now: state.lag(now).total_seconds()),
    _Gauge(
        "harvest_level", "0 green, 1 yellow, 2 red.", lambda state, now: list(Level).index(level_of(state, now))
    ),
    _Gauge(
        "harvest_attempts_in_vain", "Failed attempts while everything waits, such as for credentials.",
        lambda state, now: state.pause.attempts if state.pause else 0,
    ),
    _Gauge("vault_conversations", "Conversations in the vault.", _count("conversations")),
    _Gauge("vault_messages", "Messages of their current versions.", _count("messages")),
    _Gauge("vault_head", "Newest vault entry.", _count("head")),
    _Gauge("shallow_conversations", "Conversations archived only as a search returns them.", _count("shallow")),
    _Gauge("quarantined_records", "Unreadable records in quarantine.", _count("quarantined")),
    _Gauge("watched_conversations", "Conversations that are looked at again.", _count("watched")),
    _Gauge("erasures_pending", "Erasures that wait for a person.", _count("pending_erasures")),
    _Gauge("coverage_gaps", "Spans that are not proven complete.", _count("gaps")),
    _Gauge("coverage_gap_hours", "Their hours.", _count("gap_hours")),
    _Gauge("coverage_unproven", "Spans that were read and are not proven complete.", _count("unproven")),
    _Gauge("coverage_lost_hours", "Hours lost to LivePerson's retention.", _count("lost_hours")),
    _Gauge("retention_margin_seconds", "Until the oldest gap begins to be lost.", _margin_s),
    _Gauge("index_applied", "Vault entry up to which the index is.", lambda state, now: state.index.applied),
    _Gauge("index_lag_entries", "Vault entries that the index lacks.", lambda state, now: entries_behind(state)),
    _Gauge("index_refused_conversations", "Conversations that the index refused.", _refused),
    _Gauge("index_up", "Whether the index takes documents.", _is_up),
)  # fmt: skip


def as_metrics(accounts: Sequence[Snapshot], now: datetime) -> bytes:
    """All metrics in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Collector(accounts, now))
    return generate_latest(registry)


class _Collector:
    def __init__(self, accounts: Sequence[Snapshot], now: datetime) -> None:
        self._accounts, self._now = accounts, now

    def collect(self) -> Iterator[Metric]:
        build = GaugeMetricFamily("archiver_build_info", "Version of the program.", labels=["version"])
        build.add_metric([__version__], 1)
        yield build
        yield from map(self._gauge, _GAUGES)
        yield self._counter("lane_steps", "Steps of each lane.", "lane", _steps)
        yield self._counter("lane_failures", "Failed steps of each lane.", "lane", _failures)
        yield self._counter("api_answers", "Answers of LivePerson.", "status", lambda state: state.answers)
        made = CounterMetricFamily("archiver_vault_entries_made", "Entries made since the start.", labels=["account"])
        for state in self._accounts:
            made.add_metric([state.account], state.entries_made)
        yield made

    def _gauge(self, gauge: _Gauge) -> Metric:
        family = GaugeMetricFamily(f"archiver_{gauge.name}", gauge.meaning, labels=["account"])
        for state in self._accounts:
            value = gauge.value(state, self._now)
            if value is not None:
                family.add_metric([state.account], value)
        return family

    def _counter(
        self, name: str, meaning: str, label: str, values: Callable[[Snapshot], Mapping[str, int]]
    ) -> Metric:  # fmt: skip
        family = CounterMetricFamily(f"archiver_{name}", meaning, labels=["account", label])
        for state in self._accounts:
            for key, value in values(state).items():
                family.add_metric([state.account, key], value)
        return family


def _steps(state: Snapshot) -> dict[str, int]:
    return {name: lane.steps for name, lane in state.lanes.items()}


def _failures(state: Snapshot) -> dict[str, int]:
    return {name: lane.failures for name, lane in state.lanes.items()}
