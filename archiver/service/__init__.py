"""The continuous harvest, with its health and metrics."""

from archiver.service.health import HARVEST_HEALTH, HEALTH_PATHS
from archiver.service.run import Listen, Serve, follow
from archiver.service.schedule import Schedule
from archiver.service.server import Respond

__all__ = [
    "HARVEST_HEALTH",
    "HEALTH_PATHS",
    "Listen",
    "Respond",
    "Schedule",
    "Serve",
    "follow",
]
