"""The page where transcripts are searched and read. Like the command line it translates, and decides nothing."""

from archiver.web.serving import served
from archiver.web.site import Respond, Site

__all__ = ["Respond", "Site", "served"]
