"""`archiver.customer/1`: the people whom a name, address or number may mean, each with all their conversations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from archiver.app import Archive
from archiver.errors import ConfigError
from archiver.index import found_ids
from archiver.model import Transcript
from archiver.query import words
from archiver.transcript import iso

_MOST = 2_000  # conversations that are looked at
_PATHS = ("customerInfo.customerId", "customerInfo.socialId", "customerInfo.imei", "customerInfo.userName")
_CONTACTS = {"email": re.compile(r"\.(e)?mail$", re.IGNORECASE), "phone": re.compile(r"\.phone", re.IGNORECASE)}
_SAME = ("id", "email", "phone", "sde")  # kinds that name one person; a name may be that of several
_SHORTEST_PHONE = 6  # digits
_SAME_END = 4  # digits by which numbers are found that are written otherwise


@dataclass
class Customer:
    """One person: what they are known by, in order of being found, and their conversations, oldest first."""

    known: dict[str, dict[str, None]] = field(default_factory=lambda: {kind: {} for kind in ("name", *_SAME)})
    conversations: dict[str, datetime | None] = field(default_factory=dict)

    def keys(self) -> set[tuple[str, str]]:
        """What names just this person, in a form that can be compared."""
        return {key for kind in _SAME for value in self.known[kind] if (key := _key(kind, value))}

    def add(self, transcript: Transcript, facts: Iterable[tuple[str, str]]) -> None:
        self.conversations[transcript.id] = transcript.metadata.started_at
        for kind, value in facts:
            self.known[kind][value] = None

    def join(self, other: Customer) -> None:
        for kind, values in other.known.items():
            self.known[kind].update(values)
        self.conversations.update(other.conversations)


def customers(archive: Archive, text: str) -> list[Customer]:
    """Everybody whom a text may mean, those with most conversations first. Conversations belong to one person if they
    have an id, e-mail address, phone number or customer number in common; the same name alone makes nobody one person.
    Of each all conversations are found, also those that do not hold the text. Raises ConfigError for a text without a
    word, and for too many conversations.
    """
    people: list[Customer] = []
    seen: set[str] = set()
    asked: set[str] = set()
    queries = [_query_of(text)]
    while queries:
        query = queries.pop()
        for transcript in _found(archive, query, seen):
            if _sort_in(people, transcript, is_new=not asked):
                seen.add(transcript.id)
        asked.add(query)
        queries = sorted({query for person in people for query in _queries_for(person)} - asked)
    return sorted(people, key=lambda person: -len(person.conversations))


def _query_of(text: str) -> str:
    """The query for a value, wherever a customer is named."""
    quoted = text.replace('"', " ").strip()
    if not words(quoted):
        raise ConfigError("there is no word to search for", hint="Name a person, an address, a number or an id.")
    return f'customer:"{quoted}" OR sde.customerInfo.*:"{quoted}" OR sde.personalInfo.*:"{quoted}"'


def _found(archive: Archive, query: str, seen: set[str]) -> Iterator[Transcript]:
    """What a query finds that belongs to nobody yet."""
    for number, id_ in enumerate(found_ids(archive.store, archive.search(query, limit=0).request.query)):
        if max(number, len(seen)) >= _MOST:
            raise ConfigError(
                f"more than {_MOST:,} conversations may be meant", hint="Name an e-mail address, a number or an id."
            )
        if id_ not in seen:
            yield archive.transcript(id_)


def _queries_for(person: Customer) -> Iterator[str]:
    """The queries by which more conversations of a person are found: numbers by their ends, as they vary in writing."""
    for kind in _SAME:
        for value in person.known[kind]:
            if kind == "phone" and (key := _key(kind, value)):
                end = key[1][-_SAME_END:]
                yield f"customer:/.*{end}/ OR sde.personalInfo.*:/.*{end}/"
            elif kind != "phone" and words(value):
                yield _query_of(value)


def _sort_in(people: list[Customer], transcript: Transcript, *, is_new: bool) -> bool:
    """Adds a conversation to the person it belongs to, who may turn out to be several that were apart. Unless `is_new`,
    it is only looked at for its person: of another it may have the same words. Whether it was added.
    """
    new = Customer()
    new.add(transcript, facts_of(transcript))
    keys = new.keys()
    same = [person for person in people if keys & person.keys()]
    if not same and not is_new:
        return False
    for person in same:
        people.remove(person)
        person.join(new)
        new = person
        keys = new.keys()
    people.append(new)
    return True


def facts_of(transcript: Transcript) -> Iterator[tuple[str, str]]:
    """What a conversation says of its customers: (name, id, email, phone or sde; value)."""
    for person in transcript.metadata.consumers:
        named = (("name", person.name), ("id", person.id), ("email", person.email), ("phone", person.phone))
        yield from ((kind, value) for kind, value in named if value and (kind, value) != ("name", "Customer"))
        yield from (("name", alias) for alias in person.aliases)
    for sde in transcript.sdes:
        for path, value in sde.values:
            if value == "undefined" or isinstance(value, bool):
                continue
            if path in _PATHS:
                yield "sde", str(value)
            for kind, pattern in _CONTACTS.items():
                if path.startswith("personalInfo.") and pattern.search(path):
                    yield kind, str(value)


def _key(kind: str, value: str) -> tuple[str, str] | None:
    if kind != "phone":
        return kind, value.strip().casefold()
    digits = re.sub(r"\D", "", value).lstrip("0")
    return (kind, digits) if len(digits) >= _SHORTEST_PHONE else None


def customers_json(archive: Archive, text: str, people: Iterable[Customer], *, only_customer: bool) -> dict[str, Any]:
    """The document: each person with what they are known by and what they wrote, or everything."""
    return {
        "schema": "archiver.customer/1",
        "asked": text,
        "customers": [_customer_json(archive, person, only_customer=only_customer) for person in people],
    }


def _customer_json(archive: Archive, person: Customer, *, only_customer: bool) -> dict[str, Any]:
    names = {"name": "names", "id": "ids", "email": "emails", "phone": "phones", "sde": "numbers"}
    known = {names[kind]: list(values) for kind, values in person.known.items()}
    return known | {
        "conversations": [_conversation(archive.transcript(id_), only_customer) for id_ in in_order(person)]
    }  # fmt: skip


def in_order(person: Customer) -> list[str]:
    """The ids of a person's conversations, oldest first, those of an unknown time last."""
    return sorted(person.conversations, key=lambda id_: (person.conversations[id_] is None,
                                                         str(person.conversations[id_]), id_))  # fmt: skip


def _conversation(transcript: Transcript, only_customer: bool) -> dict[str, Any]:
    messages = [
        {"number": number, "sent_at": iso(message.sent_at), "role": message.role.value, "sender": message.sender,
         "text": message.text}
        for number, message in enumerate(transcript.messages, 1)
        if not only_customer or message.role == "customer"
    ]  # fmt: skip
    metadata = transcript.metadata
    return {
        "conversation_id": transcript.id, "start": iso(metadata.started_at), "skill": metadata.skill,
        "messages": messages,
    }  # fmt: skip
