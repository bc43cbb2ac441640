"""Runs tap-liveperson against a simulated account: `PYTHON peer_tap.py BASE_URL [its own arguments]`.

PYTHON is one that has it installed. Requests for any host go to BASE_URL, because the tap knows only https and
LivePerson's own hosts, and name their source, which LivePerson demands by now; names that Python 3.10 moved are put
back. Nothing else of it is changed.
"""

from __future__ import annotations

import collections
import collections.abc
import sys
from typing import Any
from urllib.parse import urlsplit, urlunsplit

BASE = urlsplit(sys.argv.pop(1))
for _name in ("Mapping", "MutableMapping", "Sequence", "Callable", "Iterable"):
    setattr(collections, _name, getattr(collections.abc, _name))

import requests  # noqa: E402  (after the names are back)
from tap_liveperson import main  # noqa: E402

_request = requests.request


def request(method: str, url: str, **content: Any) -> Any:
    """The same request, to the simulated account."""
    parts = urlsplit(url)
    query = f"{parts.query}&source=tap" if "/messaging_history/" in parts.path else parts.query
    return _request(method, urlunsplit((BASE.scheme, BASE.netloc, parts.path, query, "")), **content)


setattr(requests, "request", request)  # noqa: B010  (its declared type is narrower)
main()
