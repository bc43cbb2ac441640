"""`archiver.customer/1`: the people whom a name, address or number may mean, each with all their conversations."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from archiver.app import Archive
from archiver.errors import ConfigError
from archiver.index import found_ids
from archiver.model import Transcript
from archiver.query import words
from archiver.transcript import iso
from archiver.value import Value

_MOST = 2_000  # conversations that hold what was asked for
_MOST_READ = 20_000  # conversations that are read to find all of a person
_MOST_NAMES = 8  # of one person: a value that more names have is a device's or a placeholder
_IDS = ("customerInfo.customerId", "customerInfo.socialId")
_EMAIL, _PHONE = re.compile(r"\.e?mail$", re.IGNORECASE), re.compile(r"phone(number)?$", re.IGNORECASE)
_SAME = ("id", "email", "phone", "sde")  # kinds that name one person; a name may be that of several
_SHORTEST_PHONE = 6  # digits
_PLACEHOLDERS = frozenset(
    ("anonymous", "customer", "default", "empty", "false", "guest", "n/a", "na", "nil", "none", "not available", "null",
     "test", "true", "undefined", "unknown", "user", "visitor")
)  # fmt: skip
Fact = tuple[str, str, str]  # kind, path in the record or "", value
Key = tuple[str, str, str]


class Customer(Value):
    """One person: what they are known by, by kind, and their conversations with their starts. `joins` are values that
    stand beside several names, with how many: by these, two people may have become one.
    """

    known: dict[str, list[str]]
    conversations: dict[str, datetime | None]
    joins: dict[str, int]


class Customers(Value):
    """The people whom a text may mean, those with most conversations first. `shared` are values that so many names have
    that they make nobody one person, with how many. `doubts`: why conversations may be missing.
    """

    people: list[Customer]
    shared: dict[str, int]
    doubts: tuple[str, ...]


class _Known:
    """The conversations that were read, and who is who in them."""

    def __init__(self, apart: Iterable[str] = ()) -> None:
        self._apart = {key[2]: value for value in apart for kind in _SAME if (key := _key(kind, "", value))}
        self.starts: dict[str, datetime | None] = {}
        self._facts: dict[str, list[Fact]] = {}

    def add(self, transcript: Transcript) -> None:
        self.starts[transcript.id] = transcript.metadata.started_at
        self._facts[transcript.id] = list(facts_of(transcript))

    def unknown_apart(self) -> list[str]:
        """The values that are to be taken apart, and that no conversation has."""
        held = {key[2] for facts in self._facts.values() for fact in facts if (key := _key(*fact))}
        return [value for value in dict.fromkeys(self._apart.values()) if not held & self._forms(value)]

    def _forms(self, value: str) -> set[str]:
        return {form for form, given in self._apart.items() if given == value}

    def holding(self, key: Key) -> set[str]:
        """The conversations that say a value."""
        return {id_ for id_, facts in self._facts.items() if any(_key(*fact) == key for fact in facts)}

    def shared(self) -> dict[Key, int]:
        """Values that belong to no single person, with how many names have them."""
        return {
            key: len(found)
            for key, found in self._names(self._facts).items()
            if len(found) > _MOST_NAMES or key[2] in self._apart
        }

    def _names(self, ids: Iterable[str]) -> dict[Key, set[str]]:
        """The names that stand beside each value in some conversations."""
        names: dict[Key, set[str]] = defaultdict(set)
        for id_ in ids:
            called = {value.casefold() for kind, _, value in self._facts[id_] if kind == "name"}
            for fact in self._facts[id_]:
                if key := _key(*fact):
                    names[key] |= called
        return names

    def groups(self) -> list[list[str]]:
        """The conversations by person: those that have a value in common, directly or by others."""
        shared, group_of = self.shared(), {id_: [id_] for id_ in self._facts}
        by_key: dict[Key, str] = {}
        for id_, facts in self._facts.items():
            for key in {key for fact in facts if (key := _key(*fact)) and key not in shared}:
                other = group_of[by_key.setdefault(key, id_)]
                mine = group_of[id_]
                if other is not mine:
                    other += mine
                    group_of.update(dict.fromkeys(mine, other))
        return list({id(group): group for group in group_of.values()}.values())

    def person(self, group: list[str]) -> Customer:
        known: dict[str, dict[str, None]] = {kind: {} for kind in ("name", *_SAME)}
        starts = {id_: self.starts[id_] for id_ in group}
        for id_ in _by_start(starts):
            for kind, _, value in self._facts[id_]:
                known[kind][value] = None
        shared = self.shared()
        joins = {
            _called(key): len(names)
            for key, names in self._names(group).items()
            if len(names) > 1 and key not in shared
        }
        return Customer({kind: list(values) for kind, values in known.items()}, starts, joins)

    def queries(self, group: list[str]) -> Iterator[str]:
        """The queries by which more conversations of a person are found."""
        shared = self.shared()
        for id_ in group:
            for fact in self._facts[id_]:
                if (key := _key(*fact)) and key not in shared:
                    yield from _queries_for(*key)


def customers(archive: Archive, text: str, apart: Iterable[str] = ()) -> Customers:
    """Everybody whom a text may mean. Conversations belong to one person if they have an id, an e-mail address, a phone
    number or a customer number in common; the same name alone makes nobody one person, and neither do the values that
    are to be taken `apart`. Of each all conversations are
    found, also those that do not hold the text. Raises ConfigError for a text without a word, and for too many
    conversations.
    """
    known, asked = _Known(apart), set[str]()
    doubts = archive.search("*", limit=0).doubts
    _read(archive, known, _query_of(text), _MOST)
    meant = set(known.starts)
    if (phone := _key("phone", "", text)) and not any(map(str.isalpha, text)):
        for query in _queries_for(*phone):
            _read(archive, known, query, _MOST_READ)
        meant |= known.holding(phone)
    while True:
        groups = [group for group in known.groups() if meant & set(group)]
        queries = {query for group in groups for query in known.queries(group)} - asked
        if not queries:
            break
        for query in sorted(queries):
            _read(archive, known, query, _MOST_READ)
        asked |= queries
    for value in known.unknown_apart():
        raise ConfigError(f"no conversation has {value}, which is to be taken apart", hint="Write it as it is listed.")
    people = [known.person(group) for group in groups]
    shared = {_called(key): count for key, count in known.shared().items()}
    people.sort(key=lambda person: (-len(person.conversations), min(person.conversations)))
    return Customers(people, shared, doubts)


def _query_of(text: str) -> str:
    """The query for a value, wherever a customer is named."""
    found = " ".join(words(text))
    if not found:
        raise ConfigError("there is no word to search for", hint="Name a person, an address, a number or an id.")
    return f'customer:"{found}" OR sde.customerInfo.*:"{found}" OR sde.personalInfo.*:"{found}"'


def _queries_for(kind: str, _: str, value: str) -> Iterator[str]:
    """Numbers are found by their ends, as they vary in writing: 5678, 5 678, 56 78."""
    if kind == "phone":
        for place in ("about", "sde.personalInfo.*"):
            yield f"{place}:/.*{value[-4:]}/ OR {place}:{value[-3:]} OR {place}:(*{value[-4:-2]} pre/1 {value[-2:]})"
    elif words(value):
        yield _query_of(value)


def _read(archive: Archive, known: _Known, query: str, most: int) -> None:
    for id_ in found_ids(archive.store, archive.search(query, limit=0).request.query):
        if id_ in known.starts:
            continue
        if len(known.starts) >= most:
            raise ConfigError(
                f"more than {most:,} conversations may be meant", hint="Name an e-mail address, a number or an id."
            )
        known.add(archive.transcript(id_))


def facts_of(transcript: Transcript) -> Iterator[Fact]:
    """What a conversation says of its customers: name, id, email, phone or sde, with the path and the value."""
    for person in transcript.metadata.consumers:
        named = (("name", person.name), ("id", person.id), ("email", person.email), ("phone", person.phone))
        yield from ((kind, "", value) for kind, value in named if value and (kind, value) != ("name", "Customer"))
        yield from (("name", "", alias) for alias in person.aliases)
    for sde in transcript.sdes:
        for path, value in sde.values:
            if isinstance(value, bool) or _is_placeholder(str(value)):
                continue
            if path in _IDS:
                yield "sde", path, str(value)
            elif path.startswith("personalInfo.") and _EMAIL.search(path) and "@" in str(value):
                yield "email", "", str(value)
            elif path.startswith("personalInfo.") and _PHONE.search(path) and _key("phone", "", str(value)):
                yield "phone", "", str(value)


def _key(kind: str, path: str, value: str) -> Key | None:
    """What names just one person, in a form that can be compared; None for what does not."""
    if kind == "name" or _is_placeholder(value):
        return None
    if kind != "phone":
        return kind, path, value.strip().casefold()
    digits = re.sub(r"\D", "", value).lstrip("0")
    return (kind, path, digits) if len(digits) >= _SHORTEST_PHONE and len(set(digits)) > 1 else None


def _called(key: Key) -> str:
    kind, path, value = key
    return f"{path or kind} {value}"


def _is_placeholder(value: str) -> bool:
    """Whether a value stands for none, or was masked."""
    plain = value.strip().casefold()
    return plain in _PLACEHOLDERS or "*" in plain or len(set(re.sub(r"[\W_]", "", plain))) < 2


def customers_json(archive: Archive, text: str, people: Iterable[Customer], *, only_customer: bool) -> dict[str, Any]:
    """The document: each person with what they are known by and what they wrote, or everything."""
    return {
        "schema": "archiver.customer/1",
        "asked": text,
        "customers": [_customer_json(archive, person, only_customer=only_customer) for person in people],
    }


def _customer_json(archive: Archive, person: Customer, *, only_customer: bool) -> dict[str, Any]:
    names = {"name": "names", "id": "ids", "email": "emails", "phone": "phones", "sde": "numbers"}
    known: dict[str, Any] = {names[kind]: values for kind, values in person.known.items()}
    return known | {
        "conversations": [_conversation(archive.transcript(id_), only_customer) for id_ in in_order(person)]
    }  # fmt: skip


def in_order(person: Customer) -> list[str]:
    """The ids of a person's conversations, oldest first, those of an unknown time last."""
    return _by_start(person.conversations)


def _by_start(starts: Mapping[str, datetime | None]) -> list[str]:
    return sorted(starts, key=lambda id_: (starts[id_] is None, str(starts[id_]), id_))


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
