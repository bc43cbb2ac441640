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
    recent.put(("a", "c"), 7, read)
    found = recent.get(("a", "c"), 7)
    assert found is not None
    assert (found.reading, list(found.by_id)) == (read, [message.id for message in read.transcript.messages])
    assert recent.get(("a", "c"), 8) is None
    assert recent.get(("another archive", "c"), 7) is None


def test_so_many_messages_are_kept_and_the_last_conversation_however_long() -> None:
    recent = RecentReadings(6)
    for id_ in ("c1", "c2"):
        recent.put(("a", id_), 1, reading(id_, 3))
    assert recent.get(("a", "c1"), 1)  # now c2 was used longest ago
    recent.put(("a", "c3"), 1, reading("c3", 3))
    assert [bool(recent.get(("a", id_), 1)) for id_ in ("c1", "c2", "c3")] == [True, False, True]
    recent.put(("a", "long"), 1, reading("long", 50))
    assert [bool(recent.get(("a", id_), 1)) for id_ in ("c1", "c3", "long")] == [False, False, True]


def test_a_conversation_that_was_read_anew_takes_the_place_of_what_it_was() -> None:
    recent = RecentReadings(6)
    for touched in range(1, 20):
        recent.put(("a", "c1"), touched, reading("c1", 3))
    recent.put(("a", "c2"), 1, reading("c2", 3))
    assert [recent.get(("a", "c1"), touched) is not None for touched in (18, 19)] == [False, True]
