"""What a family records about itself: the applied position, its archive, what it refused. In its state index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from archiver.errors import StoreError
from archiver.index.elastic.server import Server
from archiver.index.paging import every_item
from archiver.index.results import Position, Refusal
from archiver.jsontext import encode

_POSITION, _REFUSED = "position", "refused"
_PAGE = 1_000


class State:
    """Raises StoreError if the index belongs to another archive."""

    def __init__(self, server: Server, index: str, archive_id: str) -> None:
        self._server = server
        self._index = index
        self._archive_id = archive_id

    def read(self) -> dict[str, Any]:
        """The position document; empty when nothing was applied yet."""
        position = self._server.ask("GET", f"/{self._index}/_doc/{_POSITION}", absent={}).get("_source", {})
        if position and position["archive"] != self._archive_id:
            raise StoreError(
                "these indices belong to another archive",
                hint="Choose other names for this archive's indices with ARCHIVER_STORE_PREFIX.",
            )
        return dict(position)

    def position(self) -> Position:
        """The vault entry up to which everything is applied; the default when new."""
        stored = self.read()
        return Position(int(stored.get("applied", 0)), stored.get("link", ""))

    def write(self, applied: Position, *, shape: str, is_backfilling: bool, is_writing: bool) -> None:
        """Stores the position; never replaces a newer one by an older one.

        `is_writing`: documents are being written, so that counts do not add up yet.
        """
        body = {
            "kind": _POSITION, "archive": self._archive_id, "applied": applied.seq, "link": applied.link,
            "shape": shape, "is_backfilling": is_backfilling, "is_writing": is_writing,
        }  # fmt: skip
        params = {"version": applied.seq + 1, "version_type": "external_gte"}
        path = f"/{self._index}/_doc/{_POSITION}"
        self._server.ask("PUT", path, body, params, accepted="version_conflict_engine_exception")

    def refused(self) -> Iterator[Refusal]:
        """Everything refused, in the order of the vault."""
        for hit in every_item(self._page_of_refused):
            source = hit["_source"]
            yield Refusal(source["vault_seq"], source["conversation_id"], source["reason"])

    def _page_of_refused(self, after: list[Any] | None) -> tuple[list[dict[str, Any]], list[Any] | None]:
        body: dict[str, Any] = {
            "query": {"bool": {"filter": [{"term": {"kind": _REFUSED}}, {"term": {"is_resolved": False}}]}},
            "sort": [{"vault_seq": "asc"}, {"conversation_id": "asc"}], "size": _PAGE,
        }  # fmt: skip
        if after:
            body["search_after"] = after
        answer = self._server.ask("POST", f"/{self._index}/_search", body, absent={"hits": {"hits": []}})
        hits: list[dict[str, Any]] = answer["hits"]["hits"]
        return hits, hits[-1]["sort"] if len(hits) == _PAGE else None

    def note_refused(self, refusals: Sequence[Refusal]) -> None:
        self._note((refusal, False) for refusal in refusals)

    def note_resolved(self, refusals: Iterable[Refusal]) -> None:
        """Removes refusals of entries that are indexed now."""
        self._note((refusal, True) for refusal in refusals)

    def _note(self, notes: Iterable[tuple[Refusal, bool]]) -> None:
        lines: list[bytes] = []
        for refusal, is_resolved in notes:
            lines.append(
                encode({"index": {"_index": self._index, "_id": f"{_REFUSED}:{refusal.conversation_id}"[:200]}})
            )
            lines.append(
                encode(
                    {
                        "kind": _REFUSED, "conversation_id": refusal.conversation_id, "vault_seq": refusal.seq,
                        "reason": refusal.reason, "is_resolved": is_resolved,
                    }
                )
            )  # fmt: skip
        if lines and self._server.bulk(lines, is_seen_at_once=True).get("errors"):
            raise StoreError("refused documents could not be noted in the state index", hint="Run the command again.")
