"""One harvest of LivePerson into the archive: windows read until they are proven complete, and single conversations."""

from archiver.harvest.fetch import Fetch, Fetched
from archiver.harvest.harvest import Harvest, Summary
from archiver.harvest.ingest import Ingest
from archiver.harvest.lookups import Lookups
from archiver.harvest.source import Source
from archiver.harvest.window_reader import Gap, WindowReader

__all__ = [
    "Fetch",
    "Fetched",
    "Gap",
    "Harvest",
    "Ingest",
    "Lookups",
    "Source",
    "Summary",
    "WindowReader",
]
