"""One harvest of LivePerson into the archive: windows read until they are proven complete, and single conversations."""

from archiver.harvest.fetch import Fetch, Fetched
from archiver.harvest.forecast import WindowForecast, forecast_windows
from archiver.harvest.harvest import Harvest, Summary
from archiver.harvest.ingest import Ingest
from archiver.harvest.lookups import Lookups
from archiver.harvest.window_reader import WindowReader

__all__ = [
    "Fetch",
    "Fetched",
    "Harvest",
    "Ingest",
    "Lookups",
    "Summary",
    "WindowForecast",
    "WindowReader",
    "forecast_windows",
]
