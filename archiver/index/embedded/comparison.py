"""Compares the documents of conversations with those that their current versions make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tantivy import Query

from archiver.index.embedded.documents import number_of
from archiver.index.embedded.pages import count
from archiver.index.embedded.schema import CONVERSATION_NUMBER
from archiver.index.results import Comparison, Version, differing, digest_of
from archiver.query import every_message

_Document = tuple[str | None, str | None]  # the id of its message, the digest of its conversation


def compare(searcher: Any, schema: Any, versions: Sequence[Version]) -> Comparison:
    """`Store.compare`, with one query for all the versions."""
    numbers = [number_of(version.transcript.id) for version in versions]
    query = Query.term_set_query(schema, CONVERSATION_NUMBER, numbers)
    held: dict[str, list[_Document]] = {}
    most = max(count(searcher, query), 1)
    for _, address in searcher.search(query, most, count=False, order_by_field="rank").hits:
        document = searcher.doc(address)
        its_documents = held.setdefault(str(document.get_first("key")), [])
        its_documents.append((document.get_first("message"), document.get_first("digest")))
    faults = differing(versions, lambda version: _difference(version, held.get(version.transcript.id, [])))
    return Comparison(faults, sum(map(len, held.values())))


def _difference(version: Version, held: Sequence[_Document]) -> str:
    """What is wrong with the documents of a conversation; empty if nothing is."""
    if not held:
        return "missing"
    wanted: list[_Document] = [(message.id, None) for message in every_message(version.transcript)]
    wanted.append((None, digest_of(version)))
    counted = Counter(held)
    if counted == Counter(wanted):
        return ""
    return "there more than once" if max(counted.values()) > 1 else "of another content"
