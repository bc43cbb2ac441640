"""What is hidden of a customer, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.access.masking import DOT, dots, hiding, masked_transcript
from archiver.jsontext import encode
from archiver.model import Metadata, Transcript
from archiver.transcript import project
from tests.golden import test_golden

FULL = project((Path(test_golden.__file__).parent / "full.raw.json").read_bytes())
NOBODY = hiding(Transcript(Metadata("c1", "1")))


def test_no_name_address_or_number_of_the_customer_is_left_anywhere_in_a_transcript() -> None:
    before, after = (encode(item).decode() for item in (FULL, masked_transcript(FULL)))
    for secret in ("Łukasz", "l@consumer.example", "C77"):
        assert (secret in before, secret in after) == (True, False)


def test_what_the_brand_and_liveperson_call_things_stays() -> None:
    masked = masked_transcript(FULL)
    assert masked.metadata.agents == FULL.metadata.agents
    assert (masked.id, masked.metadata.skill, masked.metadata.mcs) == (FULL.id, FULL.metadata.skill, FULL.metadata.mcs)
    assert [(item.id, item.sent_at, item.role, item.type) for item in masked.messages] == [
        (item.id, item.sent_at, item.role, item.type) for item in FULL.messages
    ]
    assert [item.type for item in masked.sdes] == [item.type for item in FULL.sdes]
    assert masked.metadata.duration_ms == FULL.metadata.duration_ms


@pytest.mark.parametrize(
    "text",
    [
        "write to me@sub.example.co.uk", "4111 1111 1111 1111", "5500-0000-0000-0004", "DE89 3704 0044 0532 0130 00",
        "+49 (170) 123-4567", "0171/1234567", "my iban is GB82WEST12345698765432", "Müller@example.com",
    ],
)  # fmt: skip
def test_addresses_and_numbers_of_persons_are_hidden_in_any_text(text: str) -> None:
    hidden = NOBODY(text)
    assert DOT in hidden
    assert not any(piece in hidden for piece in ("example", "1111", "3704", "4567", "WEST", "0000"))


@pytest.mark.parametrize(
    "text",
    [
        "on 2026-11-27 at 10:30", "27.11.2026", "order 12345", "12,50 €", "version 3.14.2", "room 7", "@home", "50 %",
        "2026-11-27T10:30:00Z", "from 9 to 17 h",
    ],
)  # fmt: skip
def test_dates_prices_and_short_numbers_stay(text: str) -> None:
    assert NOBODY(text) == text


@given(st.text())
def test_every_place_in_a_text_stays_where_it_is(text: str) -> None:
    assert len(NOBODY(text)) == len(text)
    assert len(dots(text)) == len(text)
    assert [at for at, sign in enumerate(dots(text)) if sign.isspace()] == [
        at for at, sign in enumerate(text) if sign.isspace()
    ]


@given(st.text(alphabet="Łukasz @.l+0123456789-", max_size=80))
def test_a_hidden_text_stays_as_it_is_when_it_is_hidden_again(text: str) -> None:
    hide = hiding(FULL)
    assert hide(hide(text)) == hide(text)
