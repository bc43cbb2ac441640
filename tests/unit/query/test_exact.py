"""Whole values: what a facet counts is what its condition finds, and nothing that only begins or reads like it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import QueryError
from archiver.query import EXACT, FACETS, Exactly, Not, as_condition, parse, understood
from archiver.query.exact import WHOLE_ONLY
from tests.conftest import NOW


def expression(text: str) -> object:
    return parse(text, now=NOW).expression


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("skill:=Billing", Exactly("skill", "Billing")),
        ("SKILL:=Billing", Exactly("skill", "Billing")),
        ('skill:="Billing EU"', Exactly("skill", "Billing EU")),
        ('skill:=" Billing\tEU "', Exactly("skill", " Billing\tEU ")),
        ('agent:="Ana ""Bee"" Silva"', Exactly("agent", 'Ana "Bee" Silva')),
        ('agent:=""""', Exactly("agent", '"')),
        ('campaign:="a (b) OR c*"', Exactly("campaign", "a (b) OR c*")),
        ('group:="„EU“ – West"', Exactly("group", "„EU“ – West")),
        ("id:=4ba3-77", Exactly("id", "4ba3-77")),
        ('bot:="Rose Bot"', Exactly("bot", "Rose Bot")),
        ("-sender:=Ana", Not(Exactly("sender", "Ana"))),
        ("status:=closed", Exactly("status", "closed")),
        ('-status:="closed"', Not(Exactly("status", "closed"))),
        ("has:=card", Exactly("has", "card")),
        ("place:=ca\u0301fe", Exactly("place", "ca\u0301fe")),
        ("skill:=\ud800", Exactly("skill", "\ufffd")),
    ],
)
def test_a_whole_value_is_taken_as_it_is_written(text: str, meant: object) -> None:
    assert expression(text) == meant


@pytest.mark.parametrize(
    ("text", "told", "position"),
    [
        ("skill:=", "needs one value", 6),
        ("skill:= Billing", "needs one value", 6),
        ('skill:=""', "needs one value", 6),
        ("skill:=(a OR b)", "needs one value", 6),
        ('skill:="never closed', "needs one value", 6),
        ("anyskill:=Billing", "searched by words only", 9),
        ("page:=home", "searched by words only", 5),
        ("said:=hello", "searched by words only", 5),
        ("text:=hello", "searched by words only", 5),
        ('sde:="a b"', "searched by words only", 4),
        ('sde.customerId:="C1"', "searched by words only", 15),
        ("bot:Rose", "takes a whole name only", 4),
        ("sender:*", "takes a whole name only", 7),
    ],
)
def test_what_is_no_whole_value_is_an_error_at_its_place(text: str, told: str, position: int) -> None:
    with pytest.raises(QueryError, match=told) as error:
        expression(text)
    assert error.value.position == position
    assert error.value.hint


@given(st.sampled_from(EXACT), st.text(min_size=1, max_size=300))
def test_the_condition_for_a_value_is_read_as_this_value(field: str, value: str) -> None:
    read = expression(as_condition(field, value))
    assert read == Exactly(field, value if field == "id" else value[:256])
    assert expression(understood(read)) == read  # type: ignore[arg-type]


def test_every_field_with_whole_values_is_counted_by_them() -> None:
    assert set(EXACT) - {"id"} <= set(FACETS)
    assert set(WHOLE_ONLY) <= set(EXACT)
