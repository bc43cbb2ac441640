"""The condition of everything on the server under a prefix. Never raises because parts are missing: it names them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archiver.index.elastic.family import Family, shape
from archiver.index.elastic.server import Server
from archiver.index.elastic.state import State
from archiver.index.elastic.survey import Survey, counts, survey
from archiver.index.store import StoreStatus


def status_of(server: Server, prefix: str, archive_id: str) -> StoreStatus:
    """The status of the family that answers queries, with everything that is wrong under the prefix."""
    found = survey(server, prefix)
    parts = (f"{fault}. Put it right: archiver verify --repair" for fault in found.faults())
    faults = (*parts, *_blocks(server, prefix, found))
    leftovers = tuple(f"family v{number}, which answers no query: archiver reindex" for number in found.leftovers)
    if found.serving is None:
        return StoreStatus(
            kind="elasticsearch", place=server.name, version=server.version, is_prepared=False, is_current=True,
            applied=0, conversations=0, faults=faults, leftovers=leftovers,
        )  # fmt: skip
    family = Family(server, prefix, found.serving)
    stored = State(server, family.state, archive_id).read()
    primaries = _stats(server, family)
    return StoreStatus(
        kind="elasticsearch", place=server.name, version=server.version, is_prepared=True,
        is_current=stored.get("shape", shape()) == shape(), applied=int(stored.get("applied", 0)),
        conversations=counts(server, prefix)["metadata"], documents=primaries.get("docs", {}).get("count", 0),
        bytes=primaries.get("store", {}).get("size_in_bytes", 0), indices=tuple(family.indices()),
        is_backfilling=bool(stored.get("is_backfilling", False)), faults=faults, leftovers=leftovers,
    )  # fmt: skip


def _stats(server: Server, family: Family) -> dict[str, Any]:
    path = f"/{family.pattern()}/_stats/store,docs"
    answer = server.ask("GET", path, None, {"filter_path": "_all.primaries"}, absent={})
    primaries: dict[str, Any] = answer.get("_all", {}).get("primaries", {})
    return primaries


def _blocks(server: Server, prefix: str, found: Survey) -> Iterator[str]:
    """Indices that may not be written, as after a full disk or during maintenance."""
    params = {"flat_settings": "true", "expand_wildcards": "all"}
    settings = server.ask("GET", f"/{prefix}-*/_settings/index.blocks*", None, params, absent={})
    names = {place.name for place in found.places}
    for name, content in sorted(settings.items()):
        blocks = sorted(key for key, value in content.get("settings", {}).items() if str(value) == "true")
        if name in names and blocks:
            freed = ", ".join(f'"{block}": null' for block in blocks)
            yield f"the index {name} is blocked: {', '.join(blocks)}. Allow it again: PUT /{name}/_settings {{{freed}}}"
