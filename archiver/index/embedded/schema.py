"""The fields of the embedded index. It stores ids but no text; words are our own tokens, joined by blanks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import tantivy
from tantivy import Filter, Query, TextAnalyzerBuilder, Tokenizer

from archiver.index.ranks import RANKED
from archiver.index.results import Sort
from archiver.model import Role
from archiver.query import FACETS, KEYWORDS, MESSAGE_ZONES, NUMBERS, ZONES, Scope

VERSION = 9  # part of the index's folder name: raise it when a field changes
TOKENIZER = "blanks"
RANK = "rank"  # the time of a conversation or message
CONVERSATION_NUMBER = "number"  # identifies a conversation in queries that name many
FILLER = "-"  # a word of no text, which keeps texts apart and is not indexed itself
PATH_WORD, PATH_NUMBER = "path_word", "path_number"  # words and numbers of SDEs and records, behind their paths
RECORD_ZONES = tuple(zone for zone in ZONES if zone not in MESSAGE_ZONES)
_PATH_SEPARATOR = "\x1f"
_AGES = ("", "earlier_")


@cache
def all_words(scope: Scope, is_earlier: bool) -> str:
    """The field with all words of a conversation, or of a message."""
    return f"{_AGES[is_earlier]}{scope.value}_words"


@cache
def zone_field(zone: str, role: Role | None, is_earlier: bool) -> str:
    """The field of a zone: with a role, of a conversation's messages of that role; without, of one message, or of the
    conversation beside its messages. The texts of a field without a role are so far apart that no words of two are near
    one another.
    """
    return f"{_AGES[is_earlier]}{zone}" + (f"_{role.value}" if role else "")


def _word_fields() -> Iterator[str]:
    for is_earlier in (False, True):
        yield from (all_words(scope, is_earlier) for scope in Scope)
        for zone in MESSAGE_ZONES:
            yield from (zone_field(zone, role, is_earlier) for role in (None, *Role))
    yield from RECORD_ZONES
    yield PATH_WORD


def build_schema() -> Any:
    """The schema as tantivy takes it."""
    builder = tantivy.SchemaBuilder()
    for name in ("key", "kind"):
        builder.add_text_field(name, stored=name == "key", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("digest", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("message", stored=True, tokenizer_name="raw", index_option="basic")
    for name in (RANK, CONVERSATION_NUMBER, *map(rank_field, RANKED)):
        builder.add_integer_field(name, stored=False, indexed=True, fast=True)
    builder.add_text_field(PATH_NUMBER, stored=False, tokenizer_name=TOKENIZER, index_option="basic")
    for name in (*_word_fields(), *map(keyword_field, KEYWORDS)):
        builder.add_text_field(name, stored=False, tokenizer_name=TOKENIZER, index_option="position")
    for name in FACETS:
        builder.add_text_field(facet_field(name), fast=True, stored=False, tokenizer_name="raw", index_option="basic")
    for name in NUMBERS:
        builder.add_float_field(number_field(name), stored=False, indexed=True, fast=True)
    return builder.build()


def register_tokenizer(index: Any) -> Any:
    """Registers the tokenizer, which every new index object needs."""
    without_fillers = TextAnalyzerBuilder(Tokenizer.whitespace()).filter(Filter.custom_stopword([FILLER]))
    index.register_tokenizer(TOKENIZER, without_fillers.build())
    return index


@cache
def keyword_field(name: str) -> str:
    return f"keyword_{name}"


@cache
def facet_field(name: str) -> str:
    return f"facet_{name}"


@cache
def rank_field(sort: Sort) -> str:
    return f"{RANK}_{sort.name.lower()}"


@cache
def number_field(name: str) -> str:
    return f"number_{name}"


def at_path(name: str, word: str) -> str:
    """A word or number behind the path, such as sde.balance, at which it stands."""
    return f"{'_'.join(name.split())}{_PATH_SEPARATOR}{word}"


def split_at_path(text: str) -> tuple[str, str]:
    """What `at_path` made, cut into what stands before the word, and the word."""
    begin, separator, word = text.rpartition(_PATH_SEPARATOR)
    return begin + separator, word


def of_kind(index_schema: Any, kind: str) -> Any:
    """A query for all documents of a kind: conversation or message."""
    return Query.term_query(index_schema, "kind", kind)
