"""The page where transcripts are searched and read. Like the command line it translates, and decides nothing."""

from archiver.web.serving import serve
from archiver.web.site import Site

__all__ = ["Site", "serve"]
