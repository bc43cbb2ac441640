"""Every store answers the queries of the conformance corpus as its file says."""

from __future__ import annotations

import json

from archiver.jsontext import encode
from archiver.query.ast import Scope
from tests.conformance import CONVERSATIONS, FILE, QUERIES
from tests.contract.stores import Filled, Opened, ask


def test_every_query_of_the_corpus_finds_what_the_file_says(opened: Opened) -> None:
    corpus = json.loads(FILE.read_text(encoding="utf-8"))
    store = Filled(opened.make())
    store.fill([[encode(version) for version in versions] for versions in corpus["conversations"]])
    assert (len(corpus["conversations"]), len(corpus["queries"])) == (CONVERSATIONS, QUERIES)
    for item in corpus["queries"]:
        found = ask(store.store, item["query"])
        assert sorted(key.conversation_id for key in found.keys) == item["conversations"], item["query"]
        messages = ask(store.store, item["query"], Scope.MESSAGE)
        assert sorted([key.conversation_id, key.message_id] for key in messages.keys) == item["messages"], item["query"]


def test_the_corpus_tells_engines_apart() -> None:
    corpus = json.loads(FILE.read_text(encoding="utf-8"))
    counts = [len(item["conversations"]) for item in corpus["queries"]]
    assert sum(0 < count < CONVERSATIONS for count in counts) > QUERIES / 3
    assert sum(len(versions) > 1 for versions in corpus["conversations"]) > CONVERSATIONS / 4
