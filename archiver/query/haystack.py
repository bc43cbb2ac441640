"""Finds the texts that may hold what a query searches, without cutting them into tokens. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence, Set
from functools import cached_property
from itertools import accumulate

from archiver.query.ast import How, Near, Term, Text
from archiver.query.patterns import fits
from archiver.query.tokens import folded_in_place, indexed


class Haystack:
    """Texts, which are numbered from 0. A page of hits reads many of them and marks words in few."""

    def __init__(self, texts: Sequence[str]) -> None:
        joined = "\n".join(texts)
        folded = folded_in_place(joined)
        pieces = texts if folded is not None else [indexed(text) for text in texts]
        self._words = f" {folded if folded is not None else ' '.join(pieces)} "
        self._ends = [end + number for number, end in enumerate(accumulate(map(len, pieces)), 1)]
        self._found: dict[Term, Set[int]] = {}

    def holding(self, leaf: Text) -> Set[int]:
        """The numbers of all texts that hold what a leaf searches, and maybe of some others."""
        if isinstance(leaf, Near):
            ways = [set[int]().union(*map(self._with_all, part)) for part in leaf.parts]
            return ways[0].intersection(*ways[1:])
        return self._with_all(leaf.terms)

    def _with_all(self, terms: Sequence[Term]) -> Set[int]:
        first, *others = map(self._with, terms)
        return set(first).intersection(*others)

    def _with(self, term: Term) -> Set[int]:
        if term.how is How.PREFIX and not term.text:  # any word
            return set(range(len(self._ends)))
        if term not in self._found:
            self._found[term] = set().union(*map(self._at, self._needles(term)))
        return self._found[term]

    def _needles(self, term: Term) -> list[str]:
        """What stands in the words where a term fits."""
        if term.how is How.PREFIX:
            return [f" {term.text}"]
        if term.how is How.EXACT:
            return [f" {term.text} "]
        return [f" {word} " for word in self._vocabulary if fits(term, word)]

    @cached_property
    def _vocabulary(self) -> Set[str]:
        return set(self._words.split())

    def _at(self, needle: str) -> Set[int]:
        """The numbers of the texts in which a needle begins, which is looked for once in each."""
        found: set[int] = set()
        at = self._words.find(needle)
        while at >= 0:
            number = bisect_right(self._ends, at)
            found.add(number)
            at = self._words.find(needle, self._ends[number])
        return found
