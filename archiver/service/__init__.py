"""The continuous harvest, with its health and metrics."""

from archiver.service.health import HARVEST_HEALTH
from archiver.service.run import Listen, Serve, follow
from archiver.service.schedule import Schedule
from archiver.service.server import Respond

__all__ = [
    "HARVEST_HEALTH",
    "Listen",
    "Respond",
    "Schedule",
    "Serve",
    "follow",
]
