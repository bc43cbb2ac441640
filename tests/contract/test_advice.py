"""What in a query this archive does not have, and what was probably meant."""

from __future__ import annotations

import pytest

from archiver.index.advice import Advice
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
        ("(x OR agent:garcya)", 'agent:"Aïsha García"'), ("sde.balnce:>5", "sde.balance"), ("sde.customerid:c9", "no conversation"),
        ("sde.ballance:5 skill:hotels", "sde.balance"), ("skill:submarine", "archiver fields skill"),
        ("place:nowhere", "archiver fields place"), ("sde.zzz:5", "archiver fields sde"),
        ("record.info.mcs:<40", "mcs:"), ("record.nothing:1", "archiver fields record"), ("page:nowhere", "page:nowhere"),
        ("skill:hotels", None), ("skill:hot*", None), ("skill:H?tels", None), ("nothing at all", None),
        ("has:attachment status:open", None), ("csat:5", None), ("sde.customerInfo.balance:>5", None),
    ],
)  # fmt: skip
def test_an_unknown_value_or_path_is_named_with_the_one_that_was_probably_meant(
    opened: Opened, query: str, meant: str | None
) -> None:
    store = opened.make()
    made = record("c", NOW, "hello", info={"latestSkillName": "Hôtels"}, agentParticipants=PEOPLE, sdes=SDES)
    put(store, [project(made)], applied=1)
    notices = Advice(store, parse(query, now=NOW)).notices()
    assert len(notices) == (meant is not None)
    assert all(meant and meant in notice for notice in notices)


def test_an_empty_archive_gives_no_advice_about_paths(opened: Opened) -> None:
    store = opened.make()
    assert Advice(store, parse("sde.balance:5", now=NOW)).notices() == ()
