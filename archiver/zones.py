"""Time zones by the names that people write."""

from __future__ import annotations

from datetime import UTC, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from archiver.errors import ConfigError

_LONGEST = 40  # characters of a name
# Not the same everywhere, or not what clocks show.
_STRANGE = ("localtime", "posixrules", "Factory", "right/", "posix/")


def time_zone(name: str, where: str) -> tzinfo:
    """The zone with a name of the IANA database. Raises ConfigError, which says `where` the name was written."""
    try:
        if name.upper() == "UTC":
            return UTC
        if len(name) <= _LONGEST and not name.startswith(_STRANGE):
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise ConfigError(f"the time zone {name[:_LONGEST]!r} ({where}) is not known here", hint=_hint(name))


@cache
def _known() -> tuple[str, ...]:
    return tuple(zone for zone in sorted(available_timezones()) if not zone.startswith(_STRANGE))


def _hint(name: str) -> str:
    asked = name.strip().lower().replace(" ", "_")
    near = (zone for zone in _known() if asked in (zone.lower(), zone.lower().rpartition("/")[2]))
    found = next(near, None)
    return f"Did you mean {found}?" if found else "Write a name such as Europe/Berlin, America/New_York or UTC."
