"""Time zones by the names that people write."""

from __future__ import annotations

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from archiver.errors import ConfigError


def time_zone(name: str, where: str) -> tzinfo:
    """The zone with a name of the IANA database. Raises ConfigError, which says `where` the name was written."""
    try:
        return UTC if name.upper() == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(
            f"the time zone {name[:40]!r} of {where} is not known here",
            hint="Write a name such as Europe/Berlin, America/New_York or UTC.",
        ) from None
