"""One customer: every conversation of a person, and nobody else's."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from archiver.archive import make_archive
from archiver.errors import StoreBusy
from archiver.liveperson.answers import read_record
from tests.conftest import ACCOUNT, NOW, record
from tests.golden.filled import filled_archive
from tests.integration.cli.running import run
from tests.pages import index_held, kept


def talk(id_: str, days: int, *texts: str, number: str | None = None, **person: Any) -> bytes:
    consumer = {"participantId": f"p-{id_}", **person}
    sdes = [{"sdeType": "CUSTOMER_INFO", "customerInfo": {"customerId": number}}] if number else []
    return record(
        id_, NOW - timedelta(days=days), *texts, consumerParticipants=[consumer], sdes={"events": sdes}
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    raws = [
        talk("a1", 9, "hello", "hi there", firstName="Mara", lastName="Lind", email="mara@x.example"),
        talk("a2", 8, "me again", firstName="M.", lastName="L.", email="MARA@x.example", phone="+49 170 1234567"),
        talk("a3", 7, "by phone", firstName="Visitor", phone="0049 (170) 123-4567", number="C7"),
        talk("a4", 6, "by number", firstName="Someone", number="C7"),
        talk("b1", 5, "another Mara", firstName="Mara", lastName="Lind", email="other@x.example"),
        talk("c1", 4, "I am not Mara Lind", firstName="Nobody"),
    ]
    return kept(tmp_path_factory.mktemp("customers") / "archive", *raws)


def people(folder: Path, *words: str) -> list[dict[str, Any]]:
    customers: list[dict[str, Any]] = json.loads(run(folder, "customer", *words, "--json").stdout)["customers"]
    return customers


def ids(person: dict[str, Any]) -> list[str]:
    return [item["conversation_id"] for item in person["conversations"]]


@pytest.mark.parametrize("text", ["Mara Lind", "mara@x.example", "C7", "p-a2", "1234567"])
def test_all_conversations_of_a_person_are_found_by_whatever_names_them(folder: Path, text: str) -> None:
    assert ids(people(folder, text)[0]) == ["a1", "a2", "a3", "a4"]


def test_people_of_the_same_name_stay_apart(folder: Path) -> None:
    assert [ids(person) for person in people(folder, "Mara", "Lind")] == [["a1", "a2", "a3", "a4"], ["b1"]]
    first = people(folder, "Mara Lind")[0]
    assert first["emails"] == ["mara@x.example", "MARA@x.example"]
    assert (first["numbers"], "Visitor" in first["names"]) == (["C7"], True)


def test_who_only_wrote_a_name_is_not_that_person(folder: Path) -> None:
    assert all("c1" not in ids(person) for person in people(folder, "Mara Lind"))


def test_their_words_are_given_alone_or_with_everything(folder: Path) -> None:
    everything, theirs = (people(folder, "mara@x.example", *words)[0] for words in ((), ("--only-theirs",)))
    assert [item["text"] for item in everything["conversations"][0]["messages"]] == ["hello", "hi there"]
    assert [item["text"] for item in theirs["conversations"][0]["messages"]] == ["hello"]


def test_the_answer_is_a_page_about_one_person_only(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "answer.html"
    assert "2 people are meant" in str(run(folder, "customer", "Mara Lind", "--html", str(page)).exception)
    assert run(folder, "customer", "Mara Lind", "--person", "1", "--html", str(page)).exit_code == 0
    text = page.read_text()
    assert all(word in text for word in ("by phone", "by number", "hi there", "mara@x.example"))
    assert ("another Mara" in text, "<script" in text) == (False, False)
    run(folder, "customer", "Mara Lind", "--person", "1", "--only-theirs", "--force", "--html", str(page))
    assert "hi there" not in page.read_text()
    assert "there is no person 9" in str(run(folder, "customer", "Mara Lind", "--person", "9").exception)


def test_nobody_is_said_to_be_nobody_and_a_text_without_words_is_refused(folder: Path) -> None:
    done = run(folder, "customer", "nobody@x.example")
    assert (done.exit_code, done.stdout, "Nobody was found" in done.stderr) == (0, "", True)
    assert "no word to search for" in str(run(folder, "customer", "&&").exception)


def test_a_quote_in_a_name_is_no_query(folder: Path) -> None:
    assert people(folder, 'Mara" OR *') == []


def test_it_is_audited(folder: Path) -> None:
    run(folder, "customer", "C7")
    assert "query: C7" in run(folder, "audit", "list", "--limit", "3").stdout


# ── strangers ──


def stranger(id_: str, hours: int, name: str, info: dict[str, Any], **person: Any) -> bytes:
    consumer = {"participantId": f"p-{id_}", "firstName": name, **person}
    sdes = {"events": [{"sdeType": "CUSTOMER_INFO", "customerInfo": info}]}
    return record(id_, NOW - timedelta(hours=hours), f"I am {name}", consumerParticipants=[consumer], sdes=sdes)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"customerId": "unknown"}, {"customerId": "Unknown"}),
        ({"customerId": "N/A"}, {"customerId": "N/A"}),
        ({"customerId": "0"}, {"customerId": "0"}),
        ({"customerId": "00000"}, {"customerId": "00000"}),
        ({"customerId": "****4711"}, {"customerId": "****4711"}),
        ({"userName": "visitor"}, {"userName": "visitor"}),
        ({"imei": "imeiID"}, {"imei": "imeiID"}),
        ({"customerId": "1001"}, {"userName": "1001"}),
        ({"customerId": "1001"}, {"socialId": "1001"}),
    ],
)
def test_a_placeholder_or_a_name_of_a_device_or_login_joins_nobody(
    tmp_path: Path, first: dict[str, str], second: dict[str, str]
) -> None:
    folder = kept(tmp_path / "archive", stranger("a", 1, "Anna", first), stranger("b", 2, "Bob", second))
    assert [ids(person) for person in people(folder, "Anna")] == [["a"]]


@pytest.mark.parametrize(("phone", "email"), [("0", ""), ("000000000", ""), ("", "z***@x.example"), ("******4711", "")])
def test_what_is_masked_or_empty_joins_nobody_and_is_no_fault(tmp_path: Path, phone: str, email: str) -> None:
    known = {"phone": phone, "email": email}
    folder = kept(tmp_path / "archive", stranger("a", 1, "Anna", {}, **known), stranger("b", 2, "Bob", {}, **known))
    assert [ids(person) for person in people(folder, "Anna")] == [["a"]]


def test_a_value_that_many_names_have_joins_nobody_which_is_said(tmp_path: Path) -> None:
    raws = [stranger(f"s{number}", number, f"Name{number}", {"customerId": "SHOP-7"}) for number in range(30)]
    folder = kept(tmp_path / "archive", *raws, stranger("own", 40, "Name3", {}, email="n3@x.example"),
                  stranger("also", 41, "Nina", {}, email="N3@x.example"))  # fmt: skip
    assert [ids(person) for person in people(folder, "n3@x.example")] == [["also", "own"]]
    assert [ids(person) for person in people(folder, "Name3")][:1] == [["also", "own"]]
    said = run(folder, "customer", "Name3").stderr
    assert "Not used to join people (30 names): customerInfo.customerId shop-7" in said


def test_a_person_of_many_names_is_to_be_checked(folder: Path) -> None:
    assert "One person has 4 names: check" in run(folder, "customer", "C7").stderr


def test_what_several_people_have_is_taken_apart_on_request(tmp_path: Path) -> None:
    shared = {"phone": "+351 555 0100"}
    raws = [
        stranger(f"c{number}", number, f"Name{number}", {"customerId": f"C{number}"}, **shared) for number in range(6)
    ]
    folder = kept(tmp_path / "archive", *raws)
    refused = run(folder, "customer", "Name3", "--html", str(tmp_path / "a.html"))
    assert "this person has 6 names" in str(refused.exception)
    assert "phone 3515550100 (6 names)" in str(refused.exception)
    assert not (tmp_path / "a.html").exists()
    done = run(folder, "customer", "Name3", "--apart", "+351 555-0100", "--html", str(tmp_path / "a.html"))
    assert (done.exit_code, "Not used to join people" in done.stderr) == (0, True)
    page = (tmp_path / "a.html").read_text()
    assert ("Name3" in page, "Name2" in page) == (True, False)
    unknown = run(folder, "customer", "Name3", "--apart", "555 0100", "--html", str(tmp_path / "c.html"))
    assert "no conversation has 555 0100" in str(unknown.exception)
    assert run(folder, "customer", "Name3").exit_code == 9
    whole = run(folder, "customer", "Name3", "--is-one", "--html", str(tmp_path / "b.html"))
    assert whole.exit_code == 0
    assert "is it one person?" in (tmp_path / "b.html").read_text()


WRITINGS = (
    "+33612345678", "+33 6 12 34 56 78", "0033 6 12 34 56 78", "+33 612 345 678", "+33-6-1234-5678",
    "(+33) 612.345.678",
)  # fmt: skip


@pytest.mark.parametrize("asked", [*WRITINGS, "33612345678"])
def test_a_number_is_found_however_it_is_written_and_nobody_with_the_same_end(tmp_path: Path, asked: str) -> None:
    raws = [stranger(f"c{at}", at, "Luc", {}, phone=phone) for at, phone in enumerate(WRITINGS)]
    others = [
        stranger("o1", 40, "Ana", {}, phone="+49 170 99 56 78"),
        stranger("o2", 41, "Ana", {}, phone="+4917099995678"),
    ]
    sdes = {"events": [{"sdeType": "PERSONAL_INFO", "personalInfo": {
        "personalInfo": {"contacts": [{"personalContact": {"phone": "06 12 34 56 78"}}]}}}]}  # fmt: skip
    folder = kept(tmp_path / "archive", *raws, *others, record("national", NOW, "hello", sdes=sdes))
    assert [sorted(ids(person)) for person in people(folder, asked)] == [[f"c{at}" for at in range(len(WRITINGS))]]


def test_an_index_that_is_behind_gives_no_page(tmp_path: Path) -> None:
    folder = kept(tmp_path / "archive", stranger("a", 1, "Anna", {"customerId": "C1"}))
    run(folder, "search", "x")
    with make_archive(folder, ACCOUNT) as file:
        file.keep([read_record(stranger("b", 2, "Anna", {"customerId": "C1"}))], (), NOW)  # type: ignore[list-item]
    with index_held(folder):
        said = run(folder, "customer", "C1")
        assert (said.exit_code, "not searchable yet" in said.stderr) == (3, True)
        assert isinstance(run(folder, "customer", "C1", "--html", str(tmp_path / "a.html")).exception, StoreBusy)
        assert isinstance(run(folder, "case", "new", "c", "Anna", "--reason", "r").exception, StoreBusy)
        for words in ((), ("--scope", "message"), ("--format", "csv")):
            name = str(tmp_path / f"out{len(words)}{words[-1:]}")
            done = run(folder, "export", "Anna", *words, "--output", name)
            assert (done.exit_code, "not searchable yet" in done.stderr) == (3, True), words
    assert run(folder, "customer", "C1", "--html", str(tmp_path / "a.html")).exit_code == 0


def test_what_could_not_be_searched_is_said(tmp_path: Path) -> None:
    filled_archive(tmp_path / "archive").close()
    done = run(tmp_path / "archive", "customer", "Luke")
    assert (done.exit_code, "refused" in done.stderr) == (3, True)
