"""What the dictionary for compression may hold."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from archiver.archive.training import DICTIONARY_BYTES, train
from archiver.jsontext import encode
from tests.conftest import NOW, record

CUSTOMERS = 20
SECRETS = ("the code is xylophone-zebra", "QUIXOTIC", "ünïqüé wörds", "8141592653589793")


def records(count: int, *texts: str, customers: int | None = None, **more: object) -> list[bytes]:
    """Records of as many customers, or of a few who come back, each with these texts."""
    return [
        record(
            f"c{number}", NOW - timedelta(minutes=number), *texts,
            consumerParticipants=[{"participantId": f"p{number % (customers or count)}"}], **more,
        )
        for number in range(count)
    ]  # fmt: skip


def test_a_dictionary_holds_names_and_codes_that_many_customers_share() -> None:
    made = train(records(300, "hello", campaign={"campaignName": "Spring sale everywhere", "goalName": "Talk"}))
    assert made is not None
    assert len(made) <= DICTIONARY_BYTES
    assert b"messageRecords" in made
    assert b"Spring sale everywhere" in made


def test_it_holds_nothing_that_people_said_or_are_called_however_many_did() -> None:
    firsts, lasts = ("Ada", "Ben", "Cleo", "Dora", "Emil"), ("Weber", "Okafor", "Silva", "Tanaka", "Novak")
    people = [
        record(
            f"c{number}", NOW, "Welcome, this is Anna Smith!", SECRETS[0],
            consumerParticipants=[
                {"participantId": f"p{number}", "firstName": firsts[number % 5], "lastName": lasts[number // 5 % 5]}
            ],
            agentParticipants=[{"agentFullName": "Anna Smith", "agentLoginName": "anna@example.com"}],
            summary={"text": SECRETS[1]}, sdes={"events": [{"customerInfo": {"customerStatus": "in arrears"}}]},
            transfers=[{"sourceAgentFullName": "Anna Smith", "reason": SECRETS[2]}],
        )
        for number in range(500)
    ]  # fmt: skip
    made = train(people)
    assert made is not None
    said = (*SECRETS, *firsts, *lasts, "Anna", "Smith", "Welcome", "anna@example.com", "in arrears")
    assert [word for word in said if word.encode() in made] == []
    assert b"sourceAgentFullName" in made


def test_it_holds_no_code_and_no_name_of_few_customers_however_often_they_came() -> None:
    few = records(300, customers=CUSTOMERS - 1, campaign={"campaignName": SECRETS[0], "secretMember": 1})
    enough = records(300, customers=CUSTOMERS, campaign={"goalName": "Everybody", "commonMember": 1})
    made = train([*few, *enough])
    assert made is not None
    assert b"secretMember" not in made
    assert SECRETS[0].encode() not in made
    assert b"commonMember" in made
    assert b"Everybody" in made


def test_records_that_name_no_customer_count_as_one_customers() -> None:
    campaign = {"campaignName": SECRETS[0]}
    nameless = [record(f"c{number}", NOW, campaign=campaign) for number in range(300)]
    strange = [
        record(f"d{number}", NOW, campaign=campaign, consumerParticipants=odd)
        for number, odd in enumerate([None, [], {}, "x", [1], [{"participantId": None}], [[]]] * 3)
    ]
    made = train([*nameless, *strange, *records(300, "hello")])
    assert made is not None
    assert SECRETS[0].encode() not in made


def test_the_same_records_give_the_same_dictionary() -> None:
    assert train(records(200, "hello")) == train(records(200, "hello"))


def test_too_few_records_give_none_and_unreadable_ones_do_not_matter() -> None:
    assert train([]) is None
    assert train(records(2, "hello")) is None
    good = records(200, "hello")
    assert train([*good, b"{", b"[1]", b"\xff", b"null"]) == train(good)


VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(st.lists(VALUES, max_size=5))
def test_whatever_records_hold_training_ends_with_a_dictionary_or_none(values: list[object]) -> None:
    made = train(encode({"info": value}) for value in values * 30)
    assert made is None or len(made) <= DICTIONARY_BYTES
