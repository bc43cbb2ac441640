"""One harvest of LivePerson into the archive: windows read until they are proven complete, and single conversations."""

from archiver.harvest.deepening import Deepening
from archiver.harvest.fetch import Fetch, Fetched
from archiver.harvest.forecast import WindowForecast, forecast_windows
from archiver.harvest.harvest import Harvest, Summary
from archiver.harvest.ingest import Ingest
from archiver.harvest.leftovers import Leftovers
from archiver.harvest.lookups import Lookups
from archiver.harvest.span import harvest_span
from archiver.harvest.window_reader import WindowReader

__all__ = [
    "Deepening",
    "Fetch",
    "Fetched",
    "Harvest",
    "Ingest",
    "Leftovers",
    "Lookups",
    "Summary",
    "WindowForecast",
    "WindowReader",
    "forecast_windows",
    "harvest_span",
]
