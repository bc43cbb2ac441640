"""The command line: translates for people. Data goes to standard output, everything else to standard error."""

from archiver.cli.root import main

__all__ = ["main"]
