"""Generated archives and queries, and a second, independent reading of what a query is true of."""

from __future__ import annotations

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
    return encode(
        {
            "info": info,
            "messageRecords": messages,
            "agentParticipants": [{"agentId": "human", "userType": "1"}, {"agentId": "robot", "userType": "2"}],
            "conversationSurveys": [{"surveyData": [{"question": draw(text), "answer": draw(text)}]}],
            "summary": {"text": draw(text)},
            "sdes": {"events": [{"lead": {"lead": {"topic": draw(text), "leadId": "L8"}}, "sdeType": "LEAD"}]},
        }
    )


SIZE = 4  # every generated archive has as many conversations, c0 to c3, so that one can follow another in a store


@st.composite
def archives(draw: st.DrawFn) -> list[bytes]:
    return [draw(raw_records(number)) for number in range(SIZE)]


@st.composite
def queries(draw: st.DrawFn, depth: int = 2) -> tuple[str, Any]:
    """A query's text, and the same as a tree for `Scan`."""
    kind = draw(
        st.sampled_from(["word", "phrase", "prefix", "field", "not", "and", "or", "from"] if depth else ["word"])
    )
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
        role, word = draw(st.sampled_from(["customer", "agent", "bot"])), draw(st.sampled_from(WORDS))
        return f"from:{role} {word}", ("words", [word], False, role)
    other_text, other = draw(queries(depth - 1))
    return f"({text} {'OR' if kind == 'or' else 'AND'} {other_text})", (kind, tree, other)


FIELDS = [
    ("skill:Restaurants", ("skill", "restaurants")),
    ('skill:"hotels & spas"', ("skill", "hotels & spas")),
    ("mcs:<40", ("mcs",)),
    ("sde.leadId:L8", ("leadId",)),
    ("survey:table", ("zone", "survey", "table")),
    ("summary:hotel", ("zone", "summary", "hotel")),
    ("sde.topic:book", ("zone", "sde", "book")),
    ("note:cancel", ("zone", "note", "cancel")),
    ("text:four", ("zone", "text", "four")),
]


class Scan:
    """A linear scan over raw records that shares no code with the program: plain strings with blanks around words."""

    def __init__(self, raw: bytes) -> None:
        record = decode(raw)
        self.info = record["info"]
        self.passages = list(self._passages(record))

    def _passages(self, record: dict[str, Any]) -> Iterator[tuple[str, str | None, str | None, str]]:
        for message in record["messageRecords"]:
            zone = "note" if message["audience"] != "ALL" else "text"
            brand = "bot" if message["participantId"] == "robot" else "agent"
            role = "customer" if message["sentBy"] == "Consumer" else brand
            yield zone, role, message["messageId"], plain(message["messageData"]["msg"]["text"])
        for item in record["conversationSurveys"][0]["surveyData"]:
            yield "survey", None, None, plain(item["question"])
            yield "survey", None, None, plain(item["answer"])
        yield "summary", None, None, plain(record["summary"]["text"])
        for value in record["sdes"]["events"][0]["lead"]["lead"].values():
            yield "sde", None, None, plain(value)

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
            about = None if tree[1] not in ("text", "note") else message
            return any(
                zone == tree[1] and about in (None, id_) and f" {tree[2]} " in text
                for zone, _, id_, text in self.passages
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
