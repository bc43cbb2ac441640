"""Generated archives and queries, with the meaning of each query as a tree that `tests.scan` reads."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from archiver.jsontext import encode
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


Versions = list[bytes]  # of one conversation, oldest first


@st.composite
def archives(draw: st.DrawFn) -> list[Versions]:
    """Conversations, some of which said something else in earlier versions, or had other messages."""
    return [draw(st.lists(raw_records(number), min_size=1, max_size=3)) for number in range(SIZE)]


@st.composite
def queries(draw: st.DrawFn, depth: int = 2) -> tuple[str, Any]:
    """A query's text, and the same as a tree for `Scan`."""
    leaves = ["word", "phrase", "prefix", "field", "near", "slop", "wild", "fuzzy", "regex", "number", "narrowed"]
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
    word = draw(st.sampled_from(["table", "hotel", "cancel", "reserve"]))
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


@st.composite
def _narrowed(draw: st.DrawFn) -> tuple[str, Any]:
    """A word narrowed to zones, to present or earlier texts, or to who spoke, in any order."""
    word = draw(st.sampled_from(WORDS))
    zones, age, role = draw(NARROWED_ZONES), draw(NARROWED_AGES), draw(st.sampled_from([None, None, *ROLES]))
    if role and not zones[1] & SPOKEN:
        role = None
    modifiers = [zones[0], age[0], f"from:{role}" if role else ""]
    parts = draw(st.permutations([part for part in (word, *modifiers) if part]))
    return f"({' '.join(parts)})", ("narrowed", word, zones[1], age[1], role)


SPOKEN = {"said", "note"}
EVERY_ZONE = SPOKEN | {"survey", "summary", "sde", "about"}
NARROWED_ZONES = st.sampled_from(
    [
        ("", EVERY_ZONE), ("in:said", {"said"}), ("in:note", {"note"}), ("in:survey", {"survey"}), ("in:sde", {"sde"}),
        ("-in:said", EVERY_ZONE - {"said"}), ("-in:survey", EVERY_ZONE - {"survey"}),
        ("in:(note OR sde)", {"note", "sde"}),
    ]
)  # fmt: skip
NARROWED_AGES = st.sampled_from(
    [
        ("", {False, True}),
        ("is:current", {False}),
        ("is:earlier", {True}),
        ("-is:current", {True}),
        ("-is:earlier", {False}),
    ]
)
_DRAWN = {
    "narrowed": _narrowed,
    "near": _near,
    "slop": _slop,
    "wild": _wild,
    "fuzzy": _fuzzy,
    "regex": _regex,
    "number": _number,
}
FIELDS = [
    ("skill:Restaurants", ("skill", "restaurants")),
    ('skill:"hotels & spas"', ("skill", "hotels & spas")),
    ("skill:=Restaurants", ("exact", "latestSkillName", "Restaurants")),
    ("skill:=restaurants", ("exact", "latestSkillName", "restaurants")),  # no skill is written so
    ('skill:="Hotels & Spas"', ("exact", "latestSkillName", "Hotels & Spas")),
    ("id:=c1", ("exact", "conversationId", "c1")),
    ("mcs:<40", ("mcs",)),
    ("sde.leadId:L8", ("leadId",)),
    ("survey:table", ("zone", "survey", "table")),
    ("summary:hotel", ("zone", "summary", "hotel")),
    ("sde.topic:book", ("zone", "sde", "book")),
    ("note:cancel", ("zone", "note", "cancel")),
    ("text:four", ("zone", "said", "four")),
]
