"""What results are counted by."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from archiver.query.facets import FACETS, facet_values, own_facets
from archiver.transcript.projection import project
from tests.conftest import NOW, record

PEOPLE = {
    "agentParticipants": [
        {"agentId": "1", "agentFullName": "Ann", "userType": "1"},
        {"agentId": "2", "agentFullName": "Robo", "userType": "2"},
        {"agentId": "3", "agentFullName": "Bea", "userType": "1"},
        {"agentId": "1", "agentFullName": "Ann", "userType": "1"},
    ],
    "consumerParticipants": [{"participantId": "cust", "firstName": "Carl"}],
}


def values(name: str, start: datetime = NOW, **changes: Any) -> tuple[str, ...]:
    return facet_values(project(record("c", start, "hello", **changes)), name)


def test_customers_of_the_same_name_are_told_apart() -> None:
    people = [{"participantId": "1", "firstName": "Ann"}, {"participantId": "2", "firstName": "Ann"}]
    assert values("customer", consumerParticipants=people) == ("Ann (1)", "Ann (2)")


def test_sdes_are_counted_by_the_paths_that_show_prints() -> None:
    sdes = {
        "events": [{"sdeType": "CART_STATUS", "cartStatus": {"total": 5, "products": [{"price": 1}, {"price": 2}]}}]
    }
    assert values("sde", sdes=sdes) == ("cartStatus.total", "cartStatus.products.price")


def test_a_message_has_its_own_sender_and_the_skill_of_its_conversation() -> None:
    transcript = project(record("c", NOW, "hello", "good day"))
    first, second = transcript.messages
    assert facet_values(transcript, "from") == ("customer", "agent")
    assert (facet_values(transcript, "from", first), facet_values(transcript, "from", second)) == (
        ("customer",),
        ("agent",),
    )
    assert dict(own_facets(second)) == {"from": "agent", "sender": second.sender}
    assert facet_values(transcript, "skill", first) == ("Restaurants",)


def test_people_are_counted_as_agents_and_programs_as_bots() -> None:
    assert values("agent", **PEOPLE) == ("Ann", "Bea")
    assert values("bot", **PEOPLE) == ("Robo",)


def test_a_value_is_counted_once_and_cut_at_256_characters() -> None:
    assert values("skill", info={"latestSkillName": "x" * 300}) == ("x" * 256,)
    assert values("skill", info={"latestSkillName": None}) == ("7",)  # its id, where it has no name


def test_what_is_not_there_is_no_value() -> None:
    bare = project(b'{"info":{"conversationId":"c"}}')
    assert {name: facet_values(bare, name) for name in FACETS} == dict.fromkeys(FACETS, ())
