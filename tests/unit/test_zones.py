"""Time zones by the names that people and browsers write."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from archiver.errors import ConfigError
from archiver.zones import time_zone

OFFSETS = {"Asia/Calcutta": 330, "Asia/Katmandu": 345, "Europe/Kiev": 180, "US/Pacific": -420, "Europe/Berlin": 120}
WRONG = (
    "",
    "Nowhere",
    "Europe",
    "../../etc/passwd",
    "/etc/passwd",
    "a\0b",
    "\ud800",
    "x" * 5_000,
    "+02:00",
    ".",
    "localtime",
    "right/UTC",
    "posixrules",
    "Factory",
    "a/" * 600 + "a",
)


@pytest.fixture(params=["of the machine", "of the package"])
def _database(request: pytest.FixtureRequest) -> Iterator[None]:
    """The zones of the machine, or those of a machine that has none."""
    paths = zoneinfo.TZPATH
    if request.param == "of the package":
        zoneinfo.reset_tzpath(to=[])
    zoneinfo.ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath(to=paths)
    zoneinfo.ZoneInfo.clear_cache()


@pytest.mark.parametrize(("name", "minutes"), OFFSETS.items())
@pytest.mark.usefixtures("_database")
def test_names_that_browsers_still_use_are_known_on_every_machine(name: str, minutes: int) -> None:
    summer = datetime(2026, 7, 1, tzinfo=time_zone(name, "tz"))
    assert summer.utcoffset() == timedelta(minutes=minutes)


@pytest.mark.parametrize("name", ["UTC", "utc"])
def test_utc_is_the_zone_of_the_standard_library(name: str) -> None:
    assert time_zone(name, "tz") is UTC


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.usefixtures("_database")
def test_another_name_is_an_error_that_says_where_it_stands(name: str) -> None:
    with pytest.raises(ConfigError, match=r"time zone .* \(--tz\) is not known") as raised:
        time_zone(name, "--tz")
    assert "Europe/Berlin" in (raised.value.hint or "")


@pytest.mark.parametrize(
    ("name", "meant"),
    [("berlin", "Europe/Berlin"), ("europe/berlin", "Europe/Berlin"), ("new york", "America/New_York")],
)
def test_the_name_that_was_meant_is_proposed(name: str, meant: str) -> None:
    with pytest.raises(ConfigError) as raised:
        time_zone(name, "--tz")
    assert raised.value.hint == f"Did you mean {meant}?"
