"""The command line: it formats what `archiver.app` returns. Data goes to standard output, everything else to standard
error.
"""

import sys

from archiver.cli.root import main

__all__ = ["main", "tap"]


def tap() -> None:
    """The program tap-archiver: `archiver singer` under the name by which loaders look for a tap."""
    sys.argv[1:1] = ["--progress", "none", "singer"]
    main()
