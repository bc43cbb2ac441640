"""The fields of the embedded index. It stores ids but no text; words are our own tokens, joined by blanks."""

from __future__ import annotations

from typing import Any

import tantivy
from tantivy import Query, TextAnalyzerBuilder, Tokenizer

from archiver.model import Role
from archiver.query import FACETS, KEYWORDS, MESSAGE_ZONES, NUMBERS, Scope

VERSION = 5  # part of the index's folder name: raise it when a field changes
TOKENIZER = "blanks"
CONVERSATION_NUMBER = "number"  # identifies a conversation in queries that name many
ALL_WORDS = "words"
SDE_PATH = "sde_path"
RECORD_ZONES = ("survey", "summary", "sde", "about", SDE_PATH)
_PATH_SEPARATOR = "\x1f"
_ROLE_ZONES = tuple(f"{zone}_{role.value}" for zone in MESSAGE_ZONES for role in Role)


def build_schema() -> Any:
    """The schema as tantivy takes it."""
    builder = tantivy.SchemaBuilder()
    for name in ("key", "kind"):
        builder.add_text_field(name, stored=name == "key", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("digest", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("message", stored=True, tokenizer_name="raw", index_option="basic")
    for name in ("rank", CONVERSATION_NUMBER):
        builder.add_integer_field(name, stored=False, indexed=True, fast=True)
    for name in (ALL_WORDS, *_ROLE_ZONES, *RECORD_ZONES, *map(keyword_field, KEYWORDS)):
        builder.add_text_field(name, stored=False, tokenizer_name=TOKENIZER, index_option="position")
    for name in FACETS:
        builder.add_text_field(facet_field(name), fast=True, stored=False, tokenizer_name="raw", index_option="basic")
    for name in NUMBERS:
        builder.add_float_field(number_field(name), stored=False, indexed=True, fast=True)
    return builder.build()


def register_tokenizer(index: Any) -> Any:
    """Registers the tokenizer, which every new index object needs."""
    index.register_tokenizer(TOKENIZER, TextAnalyzerBuilder(Tokenizer.whitespace()).build())
    return index


def keyword_field(name: str) -> str:
    return f"keyword_{name}"


def facet_field(name: str) -> str:
    return f"facet_{name}"


def number_field(name: str) -> str:
    return f"number_{name}"


def at_path(name: str, word: str) -> str:
    """A word prefixed with its SDE path."""
    return f"{'_'.join(name.split())}{_PATH_SEPARATOR}{word}"


def of_kind(index_schema: Any, scope: Scope) -> Any:
    """A query for all documents of conversations, or all of messages."""
    return Query.term_query(index_schema, "kind", scope.value)
