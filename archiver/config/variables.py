"""The environment variables of this program, and those that only look like one. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from archiver.config.options import OPTIONS
from archiver.errors import suggest

_PREFIX = "ARCHIVER_"
_OF_COMMAND_LINE = ("ARCHIVER_CONFIG", "ARCHIVER_PROFILE", "ARCHIVER_LOG_FORMAT")
# What Kubernetes sets for a service that is called archiver, and what this program's own tests read.
_OF_OTHERS = re.compile(r"ARCHIVER_(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT\w*|PORT(?:_[0-9]+_\w+)?)|ARCHIVER_TEST_\w+")


def known_variables() -> Iterator[str]:
    """The name of every variable that is read."""
    for option in OPTIONS.values():
        yield option.variable
        if option.is_secret:
            yield f"{option.variable}_FILE"
    yield from _OF_COMMAND_LINE


def misspelt(environment: Mapping[str, str], referenced: Iterable[str]) -> tuple[str, ...]:
    """A sentence for each variable that looks like one of this program and is not read, with the nearest one.

    `referenced` are variables that a settings file names.
    """
    known = {*known_variables(), *referenced}
    names = sorted(name for name in environment if name.upper().startswith(_PREFIX) and name not in known)
    return tuple(
        f"the variable {name} is not read. {suggest(name.upper(), known_variables(), what='Variables')}"
        for name in names
        if not _OF_OTHERS.fullmatch(name)
    )
