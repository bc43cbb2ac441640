"""The page where transcripts are searched and read. Like the command line it translates, and decides nothing."""

from archiver.web.serving import served
from archiver.web.site import Site

__all__ = ["Site", "served"]
