"""What is hidden of a customer, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.access.masking import Hide, dots, hiding, masked_transcript
from archiver.jsontext import encode
from archiver.model import Metadata, Participant, Role, Sde, Transcript
from archiver.transcript import project
from archiver.value import replace
from tests.conftest import NOW, record
from tests.golden import test_golden

FULL = project((Path(test_golden.__file__).parent / "full.raw.json").read_bytes())
NOBODY = hiding([Transcript(Metadata("c1", "1"))])
HIDE = hiding([FULL])


def test_no_name_address_or_number_of_the_customer_is_left_anywhere_in_a_transcript() -> None:
    before, after = (encode(item).decode() for item in (FULL, masked_transcript(FULL, HIDE)))
    for secret in ("Łukasz", "l@consumer.example", "C77"):
        assert (secret in before, secret in after) == (True, False)


def test_what_the_brand_and_liveperson_call_things_stays() -> None:
    masked = masked_transcript(FULL, HIDE)
    assert masked.metadata.agents == FULL.metadata.agents
    assert (masked.id, masked.metadata.skill, masked.metadata.mcs) == (FULL.id, FULL.metadata.skill, FULL.metadata.mcs)
    assert [(item.id, item.sent_at, item.role, item.type) for item in masked.messages] == [
        (item.id, item.sent_at, item.role, item.type) for item in FULL.messages
    ]
    assert [item.type for item in masked.sdes] == [item.type for item in FULL.sdes]
    assert masked.metadata.duration_ms == FULL.metadata.duration_ms


NUMBERS = (
    "4111 1111 1111 1111", "5500-0000-0000-0004", "4111 1111 1111 1111 12/27", "4111111111111111 12/27 123",
    "-4111111111111111", "4111111111111111-visa", "DE89 3704 0044 0532 0130 00", "de89370400440532013000",
    "AT61 1904 3002 3457 3201 BIC BKAUATWW", "DE89-3704-0044-0532-0130-00", "+49 (170) 123-4567", "0171/1234567",
    "06.12.34.56.78", "06/12/34/56/78", "2026-11-27 0151 2345678", "030 - 123 456 7", "Tel.01512345678",
    "0151\u00a0234\u00a05678", "0171_123_4567", "0171\u200b123\u200b4567",
    "0171\t1234567", "0151–2345678", "٠١٥١٢٣٤٥٦٧٨", "０１５１２３４５６７８",
)  # fmt: skip


@pytest.mark.parametrize("text", NUMBERS)
def test_numbers_of_cards_accounts_and_phones_are_hidden_however_they_are_written(text: str) -> None:
    left = [character for character in NOBODY(f"it is {text}, ok") if character.isdigit()]
    assert len(left) <= (8 if text.startswith("2026") else 2)


@pytest.mark.parametrize(
    "text",
    [
        "me@sub.example.co.uk",
        "Müller@example.com",
        "?email=anna%40example.com&x=1",
        "a.b+c@x.io",
        "zz\uff20example.com",
    ],
)
def test_addresses_are_hidden(text: str) -> None:
    assert not any(piece in NOBODY(text) for piece in ("example", "ller", "anna", "x.io"))


@pytest.mark.parametrize(
    "text",
    [
        "on 2026-11-27 at 10:30", "2026-11-27 10:30", "27.11.2026", "27.11.2026 9 Uhr", "11/27/2026", "order 123",
        "12,50 €", "version 3.14.2", "room 7", "@home", "50 %", "2026-11-27T10:30:00Z", "9 to 17 h", "1.299,00 EUR",
    ],
)  # fmt: skip
def test_dates_prices_and_short_numbers_stay(text: str) -> None:
    assert NOBODY(text) == text


def hide_of(name: str) -> Hide:
    customer = Participant(Role.CUSTOMER, "c", name, ids=("c",))
    return hiding([Transcript(Metadata("c1", "1", consumers=(customer,)))])


@pytest.mark.parametrize(
    ("name", "text", "secret"),
    [
        ("Becker, Anna", "Frau Becker ruft an", "Becker"), ("Becker-Lang", "Frau Becker, Frau Lang", "Lang"),
        ("Anna", "Annas Konto", "Anna"), ("Anna", "_Anna_", "Anna"), ("José", "Jose\u0301 hier", "os"),
        ("Jose\u0301", "José hier", "os"), ("O'Brien", "Mr O’Brien", "Brien"), ("Weiß", "HERR WEISS", "WEISS"),
        ("王小明", "我是王小明你好", "小明"), ("Li Wang", "I am Li.", "Li"), ("ANNA", "anna", "anna"),
        ("Łukasz", "lukasz", "lukasz"), ("(.*", "(.* and more", ""), ("a+b", "a+b", ""),
    ],
)  # fmt: skip
def test_a_name_is_hidden_however_it_is_written(name: str, text: str, secret: str) -> None:
    hidden = hide_of(name)(text)
    assert not secret or secret not in hidden
    assert len(hidden) == len(text)


def test_words_that_are_like_a_name_stay() -> None:
    assert hide_of("Anna Li")("an annual list, Lisbon") == "an annual list, Lisbon"


def test_what_an_earlier_version_says_of_the_customer_is_hidden_in_all() -> None:
    later = Transcript(Metadata("c1", "1"))
    hide = hiding([later, FULL])
    assert "ukasz" not in hide("Łukasz was here")


def test_numbers_of_attributes_are_hidden_in_texts_and_kinds_are_not() -> None:
    values = (("lead.leadId", "LEAD-998877"), ("customerInfo.customerType", "gold"))
    sdes = (Sde("c1", "LEAD", None, True, values[:1]), Sde("c1", "CUSTOMER_INFO", None, True, values[1:]))
    hide = hiding([Transcript(Metadata("c1", "1"), sdes=sdes)])
    assert hide("gold customer, lead-998877") == "gold customer, •••••••••••"


@pytest.mark.parametrize(
    "text", ["a" * 300_000, "a@" * 100_000, "1 " * 100_000, "1" * 200_000, "a.b" * 90_000, "+(" * 90_000]
)
def test_a_text_of_any_length_is_read_in_one_go(text: str) -> None:
    assert len(HIDE(text)) == len(text)  # in quadratic time these would take minutes


@given(st.text())
def test_every_place_in_a_text_stays_where_it_is(text: str) -> None:
    assert len(NOBODY(text)) == len(text)
    assert len(dots(text)) == len(text)
    assert [at for at, sign in enumerate(dots(text)) if sign.isspace()] == [
        at for at, sign in enumerate(text) if sign.isspace()
    ]


@given(st.text(alphabet="Łukasz @.l+0123456789-", max_size=80))
def test_a_hidden_text_stays_as_it_is_when_it_is_hidden_again(text: str) -> None:
    assert HIDE(HIDE(text)) == HIDE(text)


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "203.0.113.7", "2001:db8::19e", "::1", "fe80::1", "2001:DB8:0:0:8:800:200C:417A", "2001:db8::"],
)
def test_addresses_of_machines_are_hidden(address: str) -> None:
    assert NOBODY(f"from {address}, port 80") == f"from {dots(address)}, port 80"


@pytest.mark.parametrize("text", ["14:29:27", "at 9:05", "1.2.3", "version 12.4", "std::string", "a: b", "::", "3:1:2"])
def test_times_and_versions_are_no_addresses_of_machines(text: str) -> None:
    assert NOBODY(text) == text


@pytest.mark.parametrize(
    ("id_", "is_hidden"),
    [
        ("8b49d123-4567-4c77-87da-a2cc681617f4", False), ("8B49D123-4567-4C77-87DA-A2CC681617F4", False),
        ("cust", False), ("4915112345678", True), ("anna@example.com", True), ("anna", True), ("shop-anna-7", True),
    ],
)  # fmt: skip
def test_an_id_of_a_customer_is_shown_or_hidden_as_a_whole_wherever_it_stands(id_: str, is_hidden: bool) -> None:
    raw = record(
        "c", NOW, "hello", consumerParticipants=[{"participantId": id_, "consumerName": "Anna", "firstName": "Anna"}]
    )
    before = project(raw.replace(b'"participantId":"cust"', b'"participantId":' + encode(id_)))
    masked = masked_transcript(before, hiding([before]))
    wanted = dots(id_) if is_hidden else id_
    assert (masked.metadata.consumers[0].id, masked.messages[0].sender_id) == (wanted, wanted)


@pytest.mark.parametrize("kind", ["LEAD", "lead", "Lead"])
def test_values_of_attributes_about_the_person_are_hidden_however_their_type_is_written(kind: str) -> None:
    sde = Sde("c1", kind, None, False, (("lead.topic", "gold card"), ("lead.number", 12), ("lead.is_new", True)))
    masked = masked_transcript(Transcript(Metadata("c1", "1"), sdes=(sde,)), NOBODY)
    assert [value for _, value in masked.sdes[0].values] == ["•••• ••••", "••", True]


def test_a_long_number_is_hidden_where_a_record_holds_it_as_a_number() -> None:
    sde = Sde("c", "VIEWED_PRODUCT", None, False, (("viewedProduct.id", 4917155555555), ("viewedProduct.price", 12.5)))
    raw = record("c", NOW, "hello", info={"numericPhone": 4917199999999})
    before = replace(project(raw), sdes=(sde,))
    masked = masked_transcript(before, hiding([before]))
    assert [value for _, value in masked.sdes[0].values] == ["•" * 13, 12.5]
    assert ("4917199999999" in str(before), "4917199999999" in str(masked)) == (True, False)
    assert (masked.metadata.started_at, masked.metadata.duration_ms) == (
        before.metadata.started_at, before.metadata.duration_ms
    )  # fmt: skip
