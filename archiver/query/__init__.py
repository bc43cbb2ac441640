"""The query language: how it is parsed, what matches it, and which spans of a text it marks. Pure."""

from archiver.query.ast import And, Compare, Everything, Expression, Not, OfConversation, Or, Query, Scope, Words
from archiver.query.documents import REPEATED_KEYWORDS, REPEATED_NUMBERS, flat, for_messages
from archiver.query.fields import (
    BY,
    FACETS,
    KEYWORDS,
    MESSAGE_ZONES,
    NUMBERS,
    SDE,
    ZONES,
    Passage,
    facet_values,
    message_passages,
    passages,
    path_names,
)
from archiver.query.matching import Match, Reading, Snippet, results
from archiver.query.parser import parse
from archiver.query.tokens import TOKENS_VERSION, words

__all__ = [
    "BY",
    "FACETS",
    "KEYWORDS",
    "MESSAGE_ZONES",
    "NUMBERS",
    "REPEATED_KEYWORDS",
    "REPEATED_NUMBERS",
    "SDE",
    "TOKENS_VERSION",
    "ZONES",
    "And",
    "Compare",
    "Everything",
    "Expression",
    "Match",
    "Not",
    "OfConversation",
    "Or",
    "Passage",
    "Query",
    "Reading",
    "Scope",
    "Snippet",
    "Words",
    "facet_values",
    "flat",
    "for_messages",
    "message_passages",
    "parse",
    "passages",
    "path_names",
    "results",
    "words",
]
