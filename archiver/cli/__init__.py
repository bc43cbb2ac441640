"""The command line: words in, one call, words out. Data on standard output, everything else on standard error."""

from archiver.cli.root import main

__all__ = ["main"]
