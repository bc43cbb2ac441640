"""Generated archives and queries, and a second, independent reading of what a query is true of."""

from __future__ import annotations

import functools
import itertools
import operator
import re
import unicodedata
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from archiver.jsontext import decode, encode
from archiver.model import to_ms
from tests.conftest import ACCOUNT, NOW

WORDS = ["table", "for", "four", "hotel", "book", "cancel", "reserve", "reservation", "Straße", "über", "a", "8"]
ROLES = ("customer", "agent", "bot")
SKILLS = ["Restaurants", "Hotels & Spas", "Flights"]


@st.composite
def raw_records(draw: st.DrawFn, number: int) -> bytes:
    """One conversation with everything that words can stand in."""
    start = NOW - timedelta(minutes=draw(st.integers(0, 50)))
    text = st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join)
    conversation_id = f"c{number}"
    messages = [
        {
            "type": "TEXT_PLAIN", "messageData": {"msg": {"text": draw(text)}}, "messageId": f"m{at}", "seq": at,
            "timeL": to_ms(start) + at * 1000, "sentBy": draw(st.sampled_from(["Consumer", "Agent"])),
            "participantId": draw(st.sampled_from(["human", "robot"])),
            "audience": draw(st.sampled_from(["ALL", "ALL", "AGENTS_AND_MANAGERS"])),
        }
        for at in range(draw(st.integers(0, 4)))
    ]  # fmt: skip
    info = {
        "conversationId": conversation_id, "brandId": ACCOUNT, "startTimeL": to_ms(start), "status": "CLOSE",
        "latestSkillName": draw(st.sampled_from(SKILLS)), "mcs": draw(st.sampled_from([-1, 10, 40, 50])),
    }  # fmt: skip
    lead = {"topic": draw(text), "leadId": "L8", "value": draw(VALUES)}
    return encode(
        {
            "info": info,
            "messageRecords": messages,
            "agentParticipants": [{"agentId": "human", "userType": "1"}, {"agentId": "robot", "userType": "2"}],
            "conversationSurveys": [{"surveyData": [{"question": draw(text), "answer": draw(text)}]}],
            "summary": {"text": draw(text)},
            "sdes": {"events": [{"lead": {"lead": lead}, "sdeType": "LEAD"}]},
        }
    )


VALUES = st.sampled_from([None, "-3", -2.5, 0, 2.5, "1000", 1000.5, "many"])
SIZE = 4  # every generated archive has as many conversations, c0 to c3, so that one can follow another in a store


@st.composite
def archives(draw: st.DrawFn) -> list[bytes]:
    return [draw(raw_records(number)) for number in range(SIZE)]


@st.composite
def queries(draw: st.DrawFn, depth: int = 2) -> tuple[str, Any]:
    """A query's text, and the same as a tree for `Scan`."""
    leaves = ["word", "phrase", "prefix", "field", "near", "slop", "wild", "fuzzy", "regex", "number"]
    kind = draw(st.sampled_from([*leaves, "not", "and", "or", "from"] if depth else ["word"]))
    if kind in _DRAWN:
        return draw(_DRAWN[kind]())
    if kind == "word":
        word = draw(st.sampled_from(WORDS))
        return word, ("words", [word], False, None)
    if kind == "phrase":
        chosen = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=3))
        return f'"{" ".join(chosen)}"', ("words", chosen, False, None)
    if kind == "prefix":
        word = draw(st.sampled_from(WORDS))
        stem = word[: draw(st.integers(1, len(word)))]
        return f"{stem}*", ("words", [stem], True, None)
    if kind == "field":
        return draw(st.sampled_from(FIELDS))
    text, tree = draw(queries(depth - 1))
    if kind == "not":
        return f"-({text})", ("not", tree)
    if kind == "from":
        role, word = draw(st.sampled_from(ROLES)), draw(st.sampled_from(WORDS))
        asked = draw(st.sampled_from([f"from:{role} {word}", f"({word} from:{role})"]))
        return f"({asked})", ("words", [word], False, role)
    other_text, other = draw(queries(depth - 1))
    return f"({text} {'OR' if kind == 'or' else 'AND'} {other_text})", (kind, tree, other)


@st.composite
def _near(draw: st.DrawFn) -> tuple[str, Any]:
    """Two sides of a distance; each a word, a phrase, or two words with OR between them."""
    sides = [
        draw(st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=2), min_size=1, max_size=2)) for _ in "ab"
    ]
    distance, operator = draw(st.integers(1, 4)), draw(st.sampled_from(["w", "pre"]))
    texts = ["(" + " OR ".join(f'"{" ".join(words)}"' for words in side) + ")" for side in sides]
    return f"{texts[0]} {operator}/{distance} {texts[1]}", ("near", sides, distance, operator == "pre")


@st.composite
def _slop(draw: st.DrawFn) -> tuple[str, Any]:
    words = draw(st.lists(st.sampled_from(WORDS), min_size=2, max_size=3))
    distance = draw(st.integers(1, 4))
    return f'"{" ".join(words)}"~{distance}', ("near", [[[word]] for word in words], distance, False)


@st.composite
def _wild(draw: st.DrawFn) -> tuple[str, Any]:
    word = plain(draw(st.sampled_from(["table", "hotel", "cancel", "reserve"]))).strip()
    at = draw(st.integers(0, len(word) - 3))
    pattern = draw(st.sampled_from([f"{word[:at]}*{word[at + 1 :]}", f"{word[:at]}?{word[at + 1 :]}", f"*{word[-3:]}"]))
    return pattern, ("match", pattern.replace("*", ".*").replace("?", "."))


@st.composite
def _fuzzy(draw: st.DrawFn) -> tuple[str, Any]:
    word, edits = (
        draw(st.sampled_from(["tabel", "hotels", "cancle", "reservaton", "fuor", "booked"])),
        draw(st.integers(1, 2)),
    )
    return f"{word}~{edits if len(word) > 4 else 1}", ("similar", word, edits if len(word) > 4 else 1)


@st.composite
def _regex(draw: st.DrawFn) -> tuple[str, Any]:
    pattern = draw(st.sampled_from(["(t|c)a.+", "[a-h]o.{2,3}", "re(serve)?.*", "8+", "[^a-h].*e", "f(o|u)+r?"]))
    return f"/{pattern}/", ("match", pattern)


@st.composite
def _number(draw: st.DrawFn) -> tuple[str, Any]:
    bound, sign = draw(st.sampled_from([-3, 0, 2.5, 1000])), draw(st.sampled_from(["<", "<=", ">", ">=", "="]))
    return f"sde.value:{sign}{bound}", ("value", sign, bound)


_DRAWN = {"near": _near, "slop": _slop, "wild": _wild, "fuzzy": _fuzzy, "regex": _regex, "number": _number}
FIELDS = [
    ("skill:Restaurants", ("skill", "restaurants")),
    ('skill:"hotels & spas"', ("skill", "hotels & spas")),
    ("mcs:<40", ("mcs",)),
    ("sde.leadId:L8", ("leadId",)),
    ("survey:table", ("zone", "survey", "table")),
    ("summary:hotel", ("zone", "summary", "hotel")),
    ("sde.topic:book", ("zone", "sde", "book")),
    ("note:cancel", ("zone", "note", "cancel")),
    ("text:four", ("zone", "said", "four")),
]


class Scan:
    """A linear scan over raw records that shares no code with the program: plain strings with blanks around words."""

    def __init__(self, raw: bytes) -> None:
        record = decode(raw)
        self.info = record["info"]
        self.passages = list(self._passages(record))

    def _passages(self, record: dict[str, Any]) -> Iterator[tuple[str, str | None, str | None, str]]:
        for message in record["messageRecords"]:
            zone = "note" if message["audience"] != "ALL" else "said"
            brand = "bot" if message["participantId"] == "robot" else "agent"
            role = "customer" if message["sentBy"] == "Consumer" else brand
            yield zone, role, message["messageId"], plain(message["messageData"]["msg"]["text"])
        for item in record["conversationSurveys"][0]["surveyData"]:
            yield "survey", None, None, plain(item["question"])
            yield "survey", None, None, plain(item["answer"])
        yield "summary", None, None, plain(record["summary"]["text"])
        lead = record["sdes"]["events"][0]["lead"]["lead"]
        self.value = number(lead["value"])
        for value in lead.values():
            if value is not None:
                yield "sde", None, None, plain(str(value))
        yield "about", None, None, plain(self.info["conversationId"])
        for person in ("human", "robot"):
            yield "about", None, None, plain(person)

    def ids(self, tree: Any, scope: str) -> set[tuple[str, str | None]]:
        if scope == "conversation":
            return {(self.info["conversationId"], None)} if self.is_true(tree, None) else set()
        messages = {message for _, _, message, _ in self.passages if message}
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
        if kind == "mcs":
            return 0 <= int(self.info["mcs"]) < 40
        if kind == "leadId":
            return True
        if kind == "zone":
            about = None if tree[1] not in ("said", "note") else message
            return any(
                zone == tree[1] and about in (None, id_) and f" {tree[2]} " in text
                for zone, _, id_, text in self.passages
            )
        if kind == "value":
            return self.value is not None and _COMPARED[tree[1]](self.value, tree[2])
        if kind in ("near", "match", "similar"):
            return any(
                _FINDS[kind](text.split(), *tree[1:]) for _, _, id_, text in self.passages if message in (None, id_)
            )
        return self._has_words(tree, message)

    def _has_words(self, tree: Any, message: str | None) -> bool:
        _, words, is_prefix, role = tree
        wanted = " " + " ".join(plain(word).strip() for word in words) + ("" if is_prefix else " ")
        return any(
            wanted in text
            for _, speaker, id_, text in self.passages
            if role in (None, speaker) and message in (None, id_)
        )


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
