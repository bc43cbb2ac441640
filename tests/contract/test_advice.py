"""What in a query this archive does not have, and what was probably meant."""

from __future__ import annotations

import pytest

from archiver.index.advice import Advice, advice_on
from archiver.query.ast import Scope
from archiver.query.parser import parse
from archiver.transcript.projection import project
from tests.conftest import NOW, record
from tests.contract.stores import Opened, put

SDES = {"events": [{"sdeType": "CTMR_INFO", "customerInfo": {"customerInfo": {"balance": 12.5, "customerId": "C1"}}}]}
PEOPLE = [{"agentId": "1", "agentFullName": "Aïsha García", "userType": "1"}]


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("skill:hotel", "skill:Hôtels"), ("refund -skill:Hotle", "skill:Hôtels"), 
        ("anyskill:hottels", "anyskill:Hôtels"),
        ("(x OR agent:garcya)", 'agent:"Aïsha García"'), ("sde.balnce:>5", "sde.balance"),
        ("sde.customerid:c9", "no conversation"), ("record.wasStepUp:maybe", "no conversation"),
        ("sde.ballance:5 skill:hotels", "sde.balance"), ("skill:submarine", "archiver fields skill"),
        ("place:nowhere", "archiver fields place"), ("sde.zzz:5", "archiver fields sde"),
        ("record.info.mcs:<40", "mcs:"), ("record.nothing:1", "archiver fields record"),
        ("page:nowhere", "page:nowhere"),
        ("skill:=hôtels", 'did you mean skill:="Hôtels"'), ("agent:=Aisha", "no conversation"),
        ("id:=C", "no conversation"),
        ("skill:=Hôtels", None), ('agent:="Aïsha García"', None), ("id:=c", None),
        ("skill:hotels", None), ("skill:hot*", None), ("skill:H?tels", None), ("nothing at all", None),
        ("has:attachment status:open", None), ("csat:5", None), ("sde.customerInfo.balance:>5", None),
    ],
)  # fmt: skip
def test_an_unknown_value_or_path_is_named_with_the_one_that_was_probably_meant(
    opened: Opened, query: str, meant: str | None
) -> None:
    store = opened.make()
    made = record(
        "c", NOW, "hello", info={"latestSkillName": "Hôtels", "wasStepUp": True}, agentParticipants=PEOPLE, sdes=SDES
    )
    put(store, [project(made)], applied=1)
    notices = Advice(store, parse(query, now=NOW)).notices()
    assert len(notices) == (meant is not None)
    assert all(meant and meant in notice for notice in notices)


def test_an_empty_archive_gives_no_advice_about_paths(opened: Opened) -> None:
    store = opened.make()
    assert Advice(store, parse("sde.balance:5", now=NOW)).notices() == ()


@pytest.mark.parametrize(
    ("query", "scope", "told"),
    [
        ("survey:yes", Scope.MESSAGE, "whole conversations"), ("hello in:about", Scope.MESSAGE, "whole conversations"),
        ("survey:yes", Scope.CONVERSATION, None), ("hello", Scope.MESSAGE, None), ("skill:hotels", Scope.MESSAGE, None),
        ("hello sent:2026", Scope.CONVERSATION, "different messages"), ("hello sent:2026", Scope.MESSAGE, None),
        ("sent:2026", Scope.CONVERSATION, None),
    ],
)  # fmt: skip
def test_what_a_scope_makes_of_a_query_is_said_where_one_may_think_otherwise(
    opened: Opened, query: str, scope: Scope, told: str | None
) -> None:
    store = opened.make()
    put(store, [project(record("c", NOW, "hello", info={"latestSkillName": "Hôtels"}))], applied=1)
    notices = advice_on(store, parse(query, now=NOW), scope)
    assert len(notices) == (told is not None)
    assert all(told and told in notice for notice in notices)
