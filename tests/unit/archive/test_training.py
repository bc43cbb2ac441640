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


def test_a_dictionary_holds_names_and_values_that_many_customers_share() -> None:
    made = train(records(300, "Welcome to Example Brand! How may I help?"))
    assert made is not None
    assert len(made) <= DICTIONARY_BYTES
    assert b"messageRecords" in made
    assert b"Welcome to Example Brand!" in made


def test_it_holds_nothing_that_fewer_customers_said_however_often_they_said_it() -> None:
    few = records(300, *SECRETS, customers=CUSTOMERS - 1, summary={"text": SECRETS[0], SECRETS[1]: [SECRETS[2]]})
    many = records(300, "hello")
    made = train([*few, *many])
    assert made is not None
    assert [secret for secret in SECRETS if secret.encode() in made] == []
    assert [name for name in (b"p7", b"xylophone", b"zebra", b"QUIX") if name in made] == []


def test_records_that_name_no_customer_count_as_one_customers() -> None:
    nameless = [record(f"c{number}", NOW, SECRETS[0]) for number in range(300)]
    strange = [
        record(f"d{number}", NOW, SECRETS[0], consumerParticipants=odd)
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
