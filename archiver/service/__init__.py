"""The continuous harvest, with its health and metrics."""

from archiver.service.lanes import Schedule
from archiver.service.run import Listen, follow

__all__ = [
    "Listen",
    "Schedule",
    "follow",
]
