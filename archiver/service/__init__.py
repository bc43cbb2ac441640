"""The harvest that never ends, with its health and metrics."""

from archiver.service.health import served
from archiver.service.lanes import Schedule, make_lanes
from archiver.service.service import Indexer, Service
from archiver.service.state import ServiceState, Snapshot
from archiver.service.systemd import Notifier

__all__ = [
    "Indexer",
    "Notifier",
    "Schedule",
    "Service",
    "ServiceState",
    "Snapshot",
    "make_lanes",
    "served",
]
