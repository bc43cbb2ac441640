from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import QueryError
from archiver.index.elastic.queries import conversation_query, message_query
from archiver.model import Role, to_ms
from archiver.query.ast import (
    Age,
    And,
    Compare,
    Everything,
    Expression,
    How,
    Near,
    Not,
    Or,
    Scope,
    Term,
    Where,
    Words,
)
from archiver.query.exact import WHOLE_ONLY
from archiver.query.fields import DATES, HAS_VALUES, KEYWORDS, MEANING, MESSAGE_ZONES, NUMBERS, ZONES
from archiver.query.parser import parse
from archiver.query.reading import Reading, results
from archiver.query.wording import understood
from archiver.transcript.projection import project
from tests.conftest import NOW, record


def read(text: str) -> Expression:
    return parse(text, now=NOW).expression


def word(*words: str, places: tuple[str, ...] = ZONES, prefix: bool = False, role: Role | None = None) -> Words:
    *before, last = words
    terms = (*map(Term, before), Term(last, How.PREFIX if prefix else How.EXACT))
    return Words(terms, Where(places, (role,) if role else ()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Everything()),
        ("*", Everything()),
        ("Refund", word("refund")),
        ("table for", And((word("table"), word("for")))),
        ("a AND b", And((word("a"), word("b")))),
        ("a OR b c", Or((word("a"), And((word("b"), word("c")))))),
        ("(a OR b) c", And((Or((word("a"), word("b"))), word("c")))),
        ('"book a hotel" -cancel', And((word("book", "a", "hotel"), Not(word("cancel"))))),
        ("NOT a", Not(word("a"))),
        ("NOT -a", word("a")),
        ("reserv*", word("reserv", prefix=True)),
        ("e-mai*", word("e", "mai", prefix=True)),
        ("e-mail", word("e", "mail")),
        ("or and not", And((word("or"), word("and"), word("not")))),
        ("ORDER", word("order")),
        ("12:30", word("12", "30")),
        ("https://a.b", word("https", "a", "b")),
        ("skill:Restaurants", word("restaurants", places=("skill",))),
        ('skill:"Flights & Trains"', word("flights", "trains", places=("skill",))),
        ("skill:(a OR b)", Or((word("a", places=("skill",)), word("b", places=("skill",))))),
        ("sde.customerId:C1", word("c1", places=("sde.customerid",))),
        ("from:agent", word("agent", places=("by",))),
        (
            "from:agent refund x",
            And(tuple(word(one, places=MESSAGE_ZONES, role=Role.AGENT) for one in ("refund", "x"))),
        ),
        ("from:consumer -a", Not(word("a", places=MESSAGE_ZONES, role=Role.CUSTOMER))),
        (
            "from:agent survey:x y",
            And((word("x", places=("survey",)), word("y", places=MESSAGE_ZONES, role=Role.AGENT))),
        ),
        ("from:agent skill:x", And((word("agent", places=("by",)), word("x", places=("skill",))))),
        ("mcs:<40", Compare("mcs", None, 40.0)),
        ("csat:>=4", Compare("csat", 4.0, None)),
        ("duration:>30m", Compare("duration", 1_800_001.0, None)),
        ("before:2026-01", Compare("start", None, 1_769_904_000_000)),
        ("after:2026-01", Compare("start", 1_767_225_600_000, None)),
        ("transferred:no", Not(word("transfer", places=("has",)))),
        ("status:close", word("closed", places=("status",))),
        (
            "status:clo* has:(card OR att*)",
            And(
                (
                    word("clo", places=("status",), prefix=True),
                    Or((word("card", places=("has",)), word("att", places=("has",), prefix=True))),
                )
            ),
        ),
        ("“book a hotel” «x»", And((word("book", "a", "hotel"), word("x")))),
        ("„a b“ 「c d」", And((word("a", "b"), word("c", "d")))),
        ("＂a b＂ skill:»Sales x«", And((word("a", "b"), word("sales", "x", places=("skill",))))),
        ('"she said “hi” there"', word("she", "said", "hi", "there")),
        ("from:agent –a", Not(word("a", places=MESSAGE_ZONES, role=Role.AGENT))),
        ("jean–luc a−b", And((word("jean", "luc"), word("a", "b")))),
    ],
)
def test_a_query_means_what_the_language_says(text: str, expected: Expression) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ('a "b', 2), ("a (b", 2), ("a )", 2), ("a OR", 2), ("OR a", 0), ("a AND OR b", 2), ("()", 0), ("skil:x", 0),
        ("skill:", 0), ("*a", 0), ('"a*"', 2), ("from:nobody", 5), ("mcs:high", 4), ("before:soon", 7),
        ("w/5", 0), ("a w/5", 2), ("te~1", 0), ("term~3", 0), ('"a b"~99', 0), ("a near/5 b", 2), ("a w/0 b", 2),
        ("/a(/", 0), ("/.*/", 0), ("a w/5 b w/5 c", 8), ("(a b) w/5 c", 0), ("from:(agent OR nobody) x", 5),
        ("refund from:agent from:bot", 7), ("in:card", 0), ("in:cards x", 3), ("is:old x", 3), ("sde.a:>x", 6),
        ("has:hope", 4), ("&", 0), ('""', 0),
        ("NOT", 0), ("transferred:maybe", 12), ("has:(card OR hope)", 13), ("has:hop*", 4), ('has:"card form"', 4),
        ("a status:opened", 9), ("duration:>30", 9), ("duration:>30m\u017f", 9), ("duration:>\u0663m", 9),
        ("messages:>\u0663", 9), ("after:\u0662\u0660\u0662\u0666", 6), ("after:9999y", 6), ("on:20260230", 3),
        ("a “b", 2), ("sde." + "x" * 300 + ":y", 0),
    ],
)  # fmt: skip
def test_a_fault_is_an_error_with_its_position(text: str, position: int) -> None:
    with pytest.raises(QueryError) as caught:
        read(text)
    assert caught.value.position == position


def near(*parts: str, distance: int = 5, ordered: bool = False) -> Near:
    return Near(tuple(((Term(part),),) for part in parts), distance, ordered, Where(ZONES))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a w/5 b", near("a", "b")),
        ("a PRE/2 b", near("a", "b", distance=2, ordered=True)),
        ('"a b c"~5', near("a", "b", "c")),
        ('"a"~5', word("a")),
        (
            'pay* w/10 ("to you" OR credit)',
            Near(
                (((Term("pay", How.PREFIX),),), ((Term("to"), Term("you")), (Term("credit"),))),
                10,
                False,
                Where(ZONES),
            ),
        ),
        ("x a w/5 b", And((word("x"), near("a", "b")))),
        ("-a w/5 b", Not(near("a", "b"))),
        ("refund~1", Words((Term("refund", How.FUZZY, 1),), Where(ZONES))),
        ("Stra\u00dfe~2", Words((Term("strasse", How.FUZZY, 2),), Where(ZONES))),
        ("*fund", Words((Term("*fund", How.WILD),), Where(ZONES))),
        ("re?un*d", Words((Term("re?un*d", How.WILD),), Where(ZONES))),
        ("re-f?nd*", Words((Term("re"), Term("f?nd*", How.WILD)), Where(ZONES))),
        ("refund?", word("refund")),
        ("/re(f|g)und[0-9]+/", Words((Term("re(f|g)und[0-9]+", How.REGEX),), Where(ZONES))),
        ("/v1/x.jpg", word("v1", "x", "jpg")),
        ("refund from:agent", word("refund", places=MESSAGE_ZONES, role=Role.AGENT)),
        (
            "from:agent refund from:customer thanks",
            And(
                (
                    word("refund", places=MESSAGE_ZONES, role=Role.AGENT),
                    word("thanks", places=MESSAGE_ZONES, role=Role.CUSTOMER),
                )
            ),
        ),
        ("from:(agent OR bot) x", Words((Term("x"),), Where(MESSAGE_ZONES, (Role.AGENT, Role.BOT)))),
        ("x -from:customer", Words((Term("x"),), Where(MESSAGE_ZONES, (Role.AGENT, Role.BOT, Role.SYSTEM)))),
        ("x in:card", word("x", places=("card",))),
        ("x -in:card", word("x", places=tuple(zone for zone in ZONES if zone != "card"))),
        ("x is:current", Words((Term("x"),), Where(ZONES, (), Age.CURRENT))),
        ("x -is:current", Words((Term("x"),), Where(ZONES, (), Age.EARLIER))),
        ("is:vanished", word("vanished", places=("has",))),
        ("sde.balance:>1000", Compare("sde.balance", 1000.000001, None)),
        ("mcs:20..", Compare("mcs", 20.0, None)),
        ("sent:2026-Q3", Compare("sent", 1_782_864_000_000, 1_790_812_800_000)),
        ("ended:>2026-01", Compare("end", 1_769_904_000_000, None)),
    ],
)
def test_words_are_found_by_pattern_distance_and_place(text: str, expected: Expression) -> None:
    assert read(text) == expected


@pytest.mark.parametrize("text", ["csat:>6", "csat:5..1", "a or b", "nps:>10"])
def test_what_can_find_nothing_or_is_easily_mistaken_is_told(text: str) -> None:
    assert len(parse(text, now=NOW).notices) == 1


def test_days_are_those_of_a_time_zone() -> None:
    berlin = parse("on:2026-07-01", now=NOW, zone=ZoneInfo("Europe/Berlin")).expression
    start, end = (datetime(2026, month, day, 22, tzinfo=UTC) for month, day in ((6, 30), (7, 1)))
    assert berlin == Compare("start", to_ms(start), to_ms(end))


def test_an_unknown_field_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(QueryError) as caught:
        read("skil:x")
    assert "skill:" in str(caught.value.hint)


def test_what_holds_no_word_is_ignored_with_a_notice() -> None:
    query = parse("flights & trains", now=NOW)
    assert query.expression == And((word("flights"), word("trains")))
    assert "'&'" in query.notices[0]


@pytest.mark.parametrize("dash", "‐‑‒–—―−﹣－")
def test_another_dash_before_a_word_excludes_it_with_a_notice(dash: str) -> None:
    query = parse(f"a {dash}b", now=NOW)
    assert query.expression == And((word("a"), Not(word("b"))))
    assert dash in query.notices[0]
    assert parse("a -b", now=NOW).notices == ()
    assert parse(f"a {dash} b", now=NOW).expression == And((word("a"), word("b")))


@pytest.mark.parametrize("text", ["closed:foo", "mcs:40..20", "duration:2h..1h"])
def test_what_probably_finds_nothing_is_searched_with_a_notice(text: str) -> None:
    assert len(parse(text, now=NOW).notices) == 1


@pytest.mark.parametrize(("text", "near"), [("status:opend", "open"), ("has:attachement", "attachment"),
                                            ("from:costumer x", "customer")])  # fmt: skip
def test_an_unknown_value_is_answered_with_the_nearest_one(text: str, near: str) -> None:
    with pytest.raises(QueryError) as caught:
        read(text)
    assert near in str(caught.value.hint)


PARTS = [
    "(",
    ")",
    '"',
    " ",
    "-",
    "–",
    "“",
    "”",
    "NOT ",
    "AND ",
    "OR ",
    "from:agent ",
    "from:bot",
    "skill:",
    "skill:=",
    "sender:=",
    "sde.a.b:",
    "has:",
    "status:open",
    "duration:>30m",
    "mcs:<4",
    "table",
    "ref*",
    "a-b*",
    "*",
    "on:2026",
    "before:9999y",
    "é",
    "ж",
    "中",
    "👍",
    "\x00",
    "\u200d",
    "\ud800",
    "~",
    "w/5",
    "ſ",
    "٣",
]


@given(st.lists(st.sampled_from(PARTS), max_size=40).map("".join), st.integers(1, 400))
def test_whatever_is_accepted_can_be_translated_and_matched(text: str, times: int) -> None:
    try:
        expression = read(text * times)
    except QueryError as error:
        assert 0 <= error.position <= len(text) * times
        return
    reading = Reading(project(record("c", NOW, "a table for four")))
    for scope in Scope:
        list(results(reading, expression, scope))
    assert levels(conversation_query(expression)) <= ELASTICSEARCH_LEVELS
    assert levels(message_query(expression, lambda _: ["c"])) <= ELASTICSEARCH_LEVELS


ELASTICSEARCH_LEVELS = 30  # indices.query.bool.max_nested_depth
QUERIES = {"bool", "constant_score", "match_all", "match_none", "term", "terms", "prefix", "match_phrase", "range"}


def levels(query: object) -> int:
    """How many queries are inside one another."""
    if isinstance(query, list):
        return max(map(levels, query), default=0)
    if not isinstance(query, dict):
        return 0
    return max(((name in QUERIES) + levels(inner) for name, inner in query.items()), default=0)


@pytest.mark.parametrize("begin", ["(a OR b (", "from:agent NOT ", "x OR -(y ", "skill:(a -(", "-(-(a OR b) c OR "])
def test_nesting_ends_with_an_error_before_anything_else_does(begin: str) -> None:
    end = ")" * (begin.count("(") - begin.count(")"))
    accepted = 0
    for times in range(1, 200):
        try:
            expression = read(begin * times + "z" + end * times)
        except QueryError as error:
            assert 0 <= error.position <= len(begin) * times
            break
        accepted += 1
        assert levels(conversation_query(expression)) <= ELASTICSEARCH_LEVELS
    assert 0 < accepted <= 10


@given(st.text(alphabet=st.sampled_from('ab "()-*:ORANDT~/\\\x00é語👍.<>=') | st.characters(), max_size=60))
def test_parsing_raises_nothing_but_query_errors_with_a_position_in_the_text(text: str) -> None:
    try:
        parse(text, now=NOW)
    except QueryError as error:
        assert 0 <= error.position <= len(text)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000,
        "-" * 5000 + "a",
        "a " * 4000,
        "x" * 20_000,
        "NOT " * 2000 + "a",
        "(" * 100_000,
        "from:agent NOT " * 600 + "a",
        "~" * 9_999,
        "-" * 9_999 + "a",
    ],
)
def test_huge_queries_are_answered_not_fatal(text: str) -> None:
    try:
        parse(text, now=NOW)
    except QueryError as error:
        assert 0 <= error.position <= len(text)


def test_every_field_has_a_meaning() -> None:
    derived = {"record", "from", "in", "is", "transferred", "after", "before", "on", *DATES}
    assert set(MEANING) == {*ZONES, *KEYWORDS, *NUMBERS, *WHOLE_ONLY, *derived} - {"by", "start", "end"}
    assert all(value in MEANING["has"] for value in HAS_VALUES)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("from:agent *", "from:agent"),
        ("from:customer (*)", "from:customer"),
        ("from:bot -*", "-from:bot"),
        ("from:agent (* OR refund)", "from:agent OR from:agent refund"),
    ],
)
def test_any_message_of_a_role_is_still_a_message_of_that_role(text: str, same: str) -> None:
    assert parse(text, now=NOW).expression == parse(same, now=NOW).expression


@pytest.mark.parametrize(
    "query",
    [
        "*", "refund", "-refund", "a OR b c", '"i would like to"', "re*", "*fund", "tabel~1", "/tab.+/", "note:*",
        "from:agent *", "from:agent", "from:(agent OR bot) *", "from:agent refund", "refund -from:customer", "skill:*",
        "from:customer (refund OR money)", "note:(a b)", "in:(note OR card) x", "is:earlier refund", "has:card",
        "transferred:no", "table w/5 (a OR b)", "book pre/3 table", 'skill:="a ""b"""', "agent:*", "csat:>4", "id:abc",
        "mcs:=50", "messages:=0", "sde.balance:-300..0", "duration:10m..30m", "after:30d", "sde.a:*",
        "record.a:>3", "a-b", "x@y.example", "Köln", '"AND"', "-(a OR -b)", "is:current from:agent a",
    ],
)  # fmt: skip
def test_what_was_understood_is_understood_in_the_same_way_when_it_is_read_again(query: str) -> None:
    said = understood(parse(query, now=NOW).expression)
    assert understood(parse(said, now=NOW).expression) == said
