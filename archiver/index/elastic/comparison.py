"""Compares the documents of conversations with those that their current versions make, content by content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from archiver.index.elastic.bodies import Names, body
from archiver.index.elastic.queries import VISIBLE
from archiver.index.elastic.server import Server
from archiver.index.paging import every_item
from archiver.index.results import Comparison, Version, differing
from archiver.jsontext import decode

_CONVERSATIONS, _DOCUMENTS = 200, 1_000  # of one request
# Fields that the server does not give back (`_source` in mappings/*.json): what they begin with, and end with.
_HELD_ONLY = (("facets", "ranks"), ("words", "keywords", "path_numbers"))

_Documents = dict[tuple[str, str], tuple[int, Any]]  # by index and id: version and content


def compare(server: Server, pattern: str, names: Names, versions: Sequence[Version]) -> Comparison:
    """`Store.compare` for the indices of a pattern."""
    faults: list[tuple[str, str]] = []
    documents = 0
    for start in range(0, len(versions), _CONVERSATIONS):
        chunk = versions[start : start + _CONVERSATIONS]
        compared = _compare(server, pattern, names, chunk)
        faults += compared.faults
        documents += compared.documents
    return Comparison(tuple(faults), documents)


def _compare(server: Server, pattern: str, names: Names, versions: Sequence[Version]) -> Comparison:
    held = _held(server, pattern, [version.transcript.id for version in versions])
    faults = differing(versions, lambda version: _difference(version, names, held.get(version.transcript.id, {})))
    return Comparison(faults, sum(map(len, held.values())))


def _held(server: Server, pattern: str, ids: Sequence[str]) -> Mapping[str, _Documents]:
    held: dict[str, _Documents] = {}
    for hit in every_item(lambda after: _page(server, pattern, ids, after)):
        its_documents = held.setdefault(hit["_source"]["conversation_id"], {})
        its_documents[hit["_index"], hit["_id"]] = (hit["_version"], hit["_source"])
    return held


def _page(
    server: Server, pattern: str, ids: Sequence[str], after: list[Any] | None
) -> tuple[list[dict[str, Any]], list[Any] | None]:
    """Documents of conversations in a stable order, a page at a time."""
    query = {"bool": {"filter": [{"terms": {"conversation_id": list(ids)}}, VISIBLE]}}
    body: dict[str, Any] = {
        "query": query, "size": _DOCUMENTS, "version": True,
        "sort": [{"conversation_id": "asc"}, {"rank": {"order": "asc", "missing": "_first"}}, {"_doc": "asc"}],
    }  # fmt: skip
    if after:
        body["search_after"] = after
    answer = server.ask("POST", f"/{pattern}/_search", body, {"allow_partial_search_results": "false"})
    hits: list[dict[str, Any]] = answer["hits"]["hits"]
    return hits, hits[-1]["sort"] if len(hits) == _DOCUMENTS else None


def _difference(version: Version, names: Names, held: _Documents) -> str:
    """What is wrong with the documents of a conversation; empty if nothing is."""
    if not held:
        return "missing"
    wanted = dict(_wanted(version, names))
    if held == wanted:
        return ""
    return "there more than once" if held.keys() > wanted.keys() else "of another content"


def _wanted(version: Version, names: Names) -> Iterator[tuple[tuple[str, str], tuple[int, Any]]]:
    """The documents as the server would give them back."""
    lines = body(version, names).lines.split(b"\n")[:-1]
    for action, source in list(pairwise(lines))[::2]:
        head = decode(action)["index"]
        content = {name: value for name, value in decode(source).items() if _is_returned(name)}
        yield (head["_index"], head["_id"]), (head["version"], content)


def _is_returned(name: str) -> bool:
    begins, ends = _HELD_ONLY
    return not (name.startswith(begins) or name.endswith(ends))
