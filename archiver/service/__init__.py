"""The continuous harvest, with its health and metrics."""

from archiver.service.run import Listen, follow
from archiver.service.schedule import Schedule

__all__ = [
    "Listen",
    "Schedule",
    "follow",
]
