"""The continuous harvest, with its health and metrics."""

from archiver.service.run import Listen, Serve, follow
from archiver.service.schedule import Schedule

__all__ = [
    "Listen",
    "Schedule",
    "Serve",
    "follow",
]
