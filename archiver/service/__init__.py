"""The continuous harvest, with its health and metrics."""

from archiver.service.run import Listen, Serve, follow
from archiver.service.schedule import Schedule
from archiver.service.server import Respond

__all__ = [
    "Listen",
    "Respond",
    "Schedule",
    "Serve",
    "follow",
]
