"""Readable labels of SDE values."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archiver.model import Sde
from archiver.rawrecord import as_text

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_DATE = ("year", "month", "day")


def sde_labels(sde: Sde) -> Iterator[tuple[str, str]]:
    """The values of an SDE with readable labels; a year, a month and a day in a row are one date."""
    return ((label, value) for label, _, value in sde_rows(sde))


def sde_rows(sde: Sde) -> Iterator[tuple[str, str | None, str]]:
    """The same with the path of each value; None for a date, which has three."""
    values = [(path, as_text(value)) for path, value in sde.values if value != "undefined"]
    at = 0
    while at < len(values):
        parents, names = zip(*(path.rpartition(".")[::2] for path, _ in values[at : at + 3]), strict=True)
        if names == _DATE and len(set(parents)) == 1:
            yield _label(parents[0]), None, "-".join(text.zfill(2) for _, text in values[at : at + 3])
            at += 3
            continue
        yield _label(values[at][0]), *values[at]
        at += 1


def _label(path: str) -> str:
    """`customerInfo.lastPaymentDate` as last payment date."""
    parts = path.split(".")[1:] or [path]
    return " › ".join(_CAMEL.sub(" ", part).lower() for part in parts)
