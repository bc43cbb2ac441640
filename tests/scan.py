"""A second, independent reading of what a query is true of: a linear scan that shares no code with the program."""

from __future__ import annotations

import functools
import itertools
import operator
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

from archiver.jsontext import decode
from tests.archives import SPOKEN

Passage = tuple[str, str | None, str | None, str, bool]  # zone, who spoke, message, words, whether it is earlier


class Scan:
    """A linear scan over raw records that shares no code with the program: plain strings with blanks around words."""

    def __init__(self, versions: Sequence[bytes]) -> None:
        *earlier, record = map(decode, versions)
        self.info = record["info"]
        self.skill = str(self.info["latestSkillName"])
        self.passages: list[Passage] = [*self._said(record), *self._beside(record)]
        now = {message["messageId"]: message for message in record["messageRecords"]}
        known = {message["messageId"]: message for version in earlier for message in version["messageRecords"]} | now
        for version in earlier:
            self.passages += self._said_before(version, now, known)

    def _said(self, record: dict[str, Any]) -> Iterator[Passage]:
        for message in record["messageRecords"]:
            yield zone_of(message), role_of(message), message["messageId"], plain(text_of(message)), False

    def _said_before(
        self, version: dict[str, Any], now: dict[str, dict[str, Any]], known: dict[str, dict[str, Any]]
    ) -> Iterator[Passage]:
        """Texts that are not those of the present version; who spoke is known better later."""
        for message in version["messageRecords"]:
            present = now.get(message["messageId"])
            same = present and (text_of(present), zone_of(present)) == (text_of(message), zone_of(message))
            if text_of(message) and not same:
                role = role_of(known[message["messageId"]])
                yield zone_of(message), role, message["messageId"], plain(text_of(message)), True

    def _beside(self, record: dict[str, Any]) -> Iterator[Passage]:
        for item in record["conversationSurveys"][0]["surveyData"]:
            yield "survey", None, None, plain(item["question"]), False
            yield "survey", None, None, plain(item["answer"]), False
        yield "summary", None, None, plain(record["summary"]["text"]), False
        lead = record["sdes"]["events"][0]["lead"]["lead"]
        self.value = number(lead["value"])
        for value in lead.values():
            if value is not None:
                yield "sde", None, None, plain(str(value)), False
        yield "about", None, None, plain(self.info["conversationId"]), False
        for person in ("human", "robot"):
            yield "about", None, None, plain(person), False

    def ids(self, tree: Any, scope: str) -> set[tuple[str, str | None]]:
        if scope == "conversation":
            return {(self.info["conversationId"], None)} if self.is_true(tree, None) else set()
        messages = {message for _, _, message, _, _ in self.passages if message}
        return {(self.info["conversationId"], message) for message in messages if self.is_true(tree, message)}

    def is_true(self, tree: Any, message: str | None) -> bool:
        kind = tree[0]
        if kind == "not":
            return not self.is_true(tree[1], message)
        if kind in ("and", "or"):
            both = (self.is_true(tree[1], message), self.is_true(tree[2], message))
            return all(both) if kind == "and" else any(both)
        if kind == "skill":
            return str(self.info["latestSkillName"]).lower() == tree[1]
        if kind == "exact":
            return bool(self.info[tree[1]] == tree[2])
        if kind == "mcs":
            return 0 <= int(self.info["mcs"]) < 40
        if kind == "leadId":
            return True
        if kind == "zone":
            about = None if tree[1] not in ("said", "note") else message
            return any(
                zone == tree[1] and about in (None, id_) and f" {tree[2]} " in text
                for zone, _, id_, text, _ in self.passages
            )
        if kind == "value":
            return self.value is not None and _COMPARED[tree[1]](self.value, tree[2])
        if kind in ("near", "match", "similar"):
            return any(
                _FINDS[kind](text.split(), *tree[1:]) for _, _, id_, text, _ in self.passages if message in (None, id_)
            )
        if kind == "narrowed":
            return self._has_narrowed(message, *tree[1:])
        return self._has_words(tree, message)

    def _has_narrowed(self, message: str | None, word: str, zones: set[str], ages: set[bool], role: str | None) -> bool:
        """In a message, unless nothing that is searched can be in one."""
        about = message if zones & SPOKEN else None
        return any(
            zone in zones
            and earlier in ages
            and role in (None, speaker)
            and about in (None, id_)
            and plain(word) in text
            for zone, speaker, id_, text, earlier in self.passages
        )

    def _has_words(self, tree: Any, message: str | None) -> bool:
        _, words, is_prefix, role = tree
        wanted = " " + " ".join(plain(word).strip() for word in words) + ("" if is_prefix else " ")
        return any(
            wanted in text
            for _, speaker, id_, text, _ in self.passages
            if role in (None, speaker) and message in (None, id_)
        )


def text_of(message: dict[str, Any]) -> str:
    return str(message["messageData"]["msg"]["text"])


def zone_of(message: dict[str, Any]) -> str:
    return "note" if message["audience"] != "ALL" else "said"


def role_of(message: dict[str, Any]) -> str:
    if message["sentBy"] == "Consumer":
        return "customer"
    return "bot" if message["participantId"] == "robot" else "agent"


def plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.casefold())
    return " " + " ".join(re.findall("[a-z0-9]+", re.sub("[\u0300-\u036f]", "", folded))) + " "


def number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


_COMPARED = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq}


def is_near(words: list[str], sides: list[list[list[str]]], distance: int, is_ordered: bool) -> bool:
    """Tries every choice and every place."""
    for chosen in itertools.product(*sides):
        phrases = [plain(" ".join(phrase)).split() for phrase in chosen]
        for placed in itertools.product(range(len(words)), repeat=len(phrases)):
            taken = [range(at, at + len(phrase)) for at, phrase in zip(placed, phrases, strict=True)]
            if not all(words[at : at + len(phrase)] == phrase for at, phrase in zip(placed, phrases, strict=True)):
                continue
            every = {at for place in taken for at in place}
            is_apart = len(every) == sum(map(len, taken))
            is_close = max(every) - min(every) + 1 - len(every) < distance
            if is_apart and is_close and (not is_ordered or list(placed) == sorted(placed)):
                return True
    return False


def is_similar(words: list[str], word: str, edits: int) -> bool:
    """Makes every word that so many changes give; each place is changed once."""
    return any(_changes(word, other) <= edits for other in words)


def _changes(one: str, other: str) -> int:
    if not one or not other:
        return len(one) + len(other)
    costs = [_changes_of(one, other, 1, 0), _changes_of(one, other, 0, 1)]
    costs.append(_changes(one[1:], other[1:]) + (one[0] != other[0]))
    if len(one) > 1 and len(other) > 1 and one[:2] == other[1::-1]:
        costs.append(_changes(one[2:], other[2:]) + 1)
    return min(costs)


_changes = functools.cache(_changes)


def _changes_of(one: str, other: str, left: int, right: int) -> int:
    return _changes(one[left:], other[right:]) + 1


_FINDS: dict[str, Any] = {
    "near": is_near,
    "match": lambda words, pattern: any(re.fullmatch(pattern, word) for word in words),
    "similar": is_similar,
}
