"""The command line: it formats what `archiver.app` returns. Data goes to standard output, everything else to standard
error.
"""

from archiver.cli.root import main

__all__ = ["main"]
