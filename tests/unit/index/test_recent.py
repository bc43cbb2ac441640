"""Conversations that were read lately."""

from __future__ import annotations

from archiver.index.recent import RecentReadings
from archiver.query.reading import Reading
from archiver.transcript.projection import project
from tests.conftest import NOW, record


def reading(id_: str, messages: int) -> Reading:
    return Reading(project(record(id_, NOW, *(f"text {number}" for number in range(messages)))))


def test_a_conversation_is_given_again_only_while_nothing_was_noted_about_it() -> None:
    recent, read = RecentReadings(10), reading("c", 2)
    recent.put(("a", "c"), "link", read)
    assert recent.get(("another archive", "c"), "link") is None
    found = recent.get(("a", "c"), "link")
    assert found is not None
    assert (found.reading, list(found.by_id)) == (read, [message.id for message in read.transcript.messages])
    assert recent.get(("a", "c"), "other link") is None
    assert recent.get(("a", "c"), "link") is None  # which was forgotten


def test_so_many_messages_are_kept_and_the_last_conversation_however_long() -> None:
    recent = RecentReadings(8)
    for id_ in ("c1", "c2"):
        recent.put(("a", id_), "link", reading(id_, 3))
    assert recent.get(("a", "c1"), "link")  # now c2 was used longest ago
    recent.put(("a", "c3"), "link", reading("c3", 3))
    assert [bool(recent.get(("a", id_), "link")) for id_ in ("c1", "c2", "c3")] == [True, False, True]
    recent.put(("a", "long"), "link", reading("long", 50))
    assert [bool(recent.get(("a", id_), "link")) for id_ in ("c1", "c3", "long")] == [False, False, True]


def test_a_conversation_that_was_read_anew_takes_the_place_of_what_it_was() -> None:
    recent = RecentReadings(8)
    for touched in range(1, 20):
        recent.put(("a", "c1"), str(touched), reading("c1", 3))
    recent.put(("a", "c2"), "link", reading("c2", 3))
    assert [recent.get(("a", "c1"), link) is not None for link in ("19", "18")] == [True, False]


def test_conversations_without_messages_are_kept_in_a_number_too() -> None:
    recent = RecentReadings(8)
    for number in range(20):
        recent.put(("a", f"c{number}"), "link", reading(f"c{number}", 0))
    assert sum(recent.get(("a", f"c{number}"), "link") is not None for number in range(20)) == 8
