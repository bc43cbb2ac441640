"""Hides customers' personal data in what is shown. Pure.

Characters are replaced one by one, so that places in a text, such as those of matches, stay what they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import Any

from archiver.model import Message, Participant, Role, Sde, Transcript, Zone
from archiver.query import Match, Snippet, tokenise
from archiver.rawrecord import as_text
from archiver.value import Value, as_dict, replace

DOT = "•"
_PERSONAL_SDES = ("CUSTOMER_INFO", "PERSONAL_INFO", "LEAD")
_PERSONAL_PATHS = ("customerinfo", "personalinfo", "lead")  # the members that hold them
_SHORTEST = 3  # characters of a name that is hidden however it is written; shorter ones with a capital letter
# Members that name things of the brand or of LivePerson. Everything else that is text is looked through.
_KEPT = frozenset(
    (
        "id", "conversation_id", "dialog_id", "sender_id", "account", "type", "status", "kind", "survey", "states",
        "skill", "skills", "skill_id", "skill_ids", "group", "group_id", "agents", "campaign", "intents", "dialogs",
        "source", "device", "language", "browser", "operating_system", "close_reason", "country", "deliveries", "fcr",
    )
)  # fmt: skip
# Each part is bounded, so that a text of any length is read in one go.
_EMAIL = r"[\w.+%-]{1,64}(?:[@\uff20]|%40)[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"
_GAP = r"[ \t\u00a0\u2009()./_\u2010-\u2015\u200b-\u200d\u2060\ufeff-]"
_NUMBER = rf"\+?\(?\d(?:{_GAP}{{0,3}}\d){{6,60}}"
_HEX = "[0-9a-fA-F]{1,4}"
_IPV6 = rf"(?:{_HEX}:){{7}}{_HEX}|(?:{_HEX}:){{1,6}}(?::{_HEX}){{1,6}}|(?:{_HEX}:){{1,7}}:|:(?::{_HEX}){{1,7}}"
_IP = rf"(?<![\w:.])(?:\d{{1,3}}(?:\.\d{{1,3}}){{3}}|{_IPV6})(?![\w:]|\.\d)"
_PATTERN = re.compile(f"(?P<email>{_EMAIL})|(?P<ip>{_IP})|(?P<number>{_NUMBER})")
_OPAQUE = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)  # an id that names nobody
_DATE = re.compile(r"(?:\d{4}-\d{2}-\d{2}|\d{1,2}\.\d{1,2}\.\d{4}|\d{1,2}/\d{1,2}/\d{4})(?!\d)(?: \d{1,2}(?!\d))?")
_DIGITS = 7  # that may be a phone's, card's or account's number

Hide = Callable[[str], str]


def masked_transcript(transcript: Transcript, hide: Hide) -> Transcript:
    """The transcript without what says who the customer is: names, logins, e-mail addresses, numbers, and the values
    of attributes about the person; also where these stand in messages and other texts, and e-mail addresses, IP
    addresses and long numbers wherever they stand.
    """
    masked: Transcript = _masked(transcript, hide)
    about = tuple((path, dots(text) if path == Role.CUSTOMER else text) for path, text in masked.about)
    return replace(masked, about=about)


def masked_match(match: Match, hide: Hide) -> Match:
    """The same of a text in which a query matched. The places of the matches stay."""
    is_personal = _is_personal(match.where, match.path or "")
    text = dots(match.snippet.text) if is_personal else hide(match.snippet.text)
    return replace(match, snippet=Snippet(text, match.snippet.marks), message=_masked(match.message, hide))


def hiding(versions: Iterable[Transcript]) -> Hide:
    """What hides the personal data of a conversation in any text of it, by what all of its versions say: a later one
    may name the customer no more.
    """
    known = _Known()
    for transcript in versions:
        known.add(transcript)
    return lambda text: _without_patterns(known.hide(text))


def dots(text: str) -> str:
    """A text of which only blanks are left."""
    return "".join(character if character.isspace() else DOT for character in text)


class _Known:
    """What names the customers of a conversation: words of their names, and addresses and numbers as a whole. Compared
    as a search compares words, whatever their case, accents and writing.
    """

    def __init__(self) -> None:
        self._by_first: dict[str, set[tuple[str, ...]]] = {}

    def add(self, transcript: Transcript) -> None:
        for person in transcript.metadata.consumers:
            for name in (person.name, *person.aliases):
                if name != "Customer":
                    self._add_name(name)
            for address in (person.login, person.email, person.phone):
                self._add_whole(address or "")
        for sde in transcript.sdes:
            for path, value in sde.values if _is_about_person(sde) else ():
                if isinstance(value, str) and value != "undefined":
                    self._add_value(path, value)

    def _add_value(self, path: str, value: str) -> None:
        """A value of an attribute about the person; words that say of what kind they are, such as `gold`, stay."""
        last = path.rpartition(".")[2].lower()
        if "name" in last:
            self._add_name(value)
        elif any(character.isdigit() or character == "@" for character in value):
            self._add_whole(value)

    def _add_name(self, name: str) -> None:
        """Each word of a name; of writings without blanks, the whole name."""
        found = tokenise(name)
        if all(len(token.text) == 1 for token in found):
            self._add_whole(name)
            return
        for token in found:
            if len(token.text) > 1:
                self._by_first.setdefault(token.text, set()).add((token.text,))

    def _add_whole(self, value: str) -> None:
        words = tuple(token.text for token in tokenise(value))
        if sum(map(len, words)) >= _SHORTEST or len(words) > 1:
            self._by_first.setdefault(words[0], set()).add(words)

    def hide(self, text: str) -> str:
        if not self._by_first:
            return text
        found, hidden = tokenise(text), list(text)
        words = [token.text for token in found]
        for at, token in enumerate(found):
            end = max((at + length for length in self._lengths(words, at, text[token.start])), default=at)
            if end > at:
                start, stop = token.start, found[end - 1].end
                hidden[start:stop] = dots(text[start:stop])
        return "".join(hidden)

    def _lengths(self, words: list[str], at: int, first_character: str) -> Iterator[int]:
        """How many words from here name a customer."""
        word = words[at]
        for known in self._by_first.get(word, ()):
            is_sure = len(known) > 1 or len(word) >= _SHORTEST or first_character.isupper()
            if is_sure and tuple(words[at : at + len(known)]) == known:
                yield len(known)
        if len(word) > _SHORTEST and word.endswith("s") and (word[:-1],) in self._by_first.get(word[:-1], ()):
            yield 1  # a genitive


def _is_personal(where: str, path: str) -> bool:
    """Whether the text at a path of a zone is about the customer as a person."""
    if where == Zone.SDE:
        return path.partition(".")[0].lower() in _PERSONAL_PATHS
    return where == Zone.ABOUT and path == Role.CUSTOMER


def _masked(value: Any, hide: Hide) -> Any:
    match value:
        case Enum():
            return value
        case str():
            return hide(value)
        case Participant(role=Role.CUSTOMER):
            return _person(value, hide)
        case Sde() if _is_about_person(value):
            return replace(value, values=tuple((path, _attribute(item)) for path, item in value.values))
        case Value():
            changed = {name: _masked(item, hide) for name, item in as_dict(value).items() if name not in _KEPT}
            if isinstance(value, Message) and value.role is Role.CUSTOMER and value.sender_id:
                changed["sender_id"] = _id(value.sender_id, hide)
            return replace(value, **changed)
        case tuple() if hasattr(value, "_fields"):  # a part of a message
            return type(value)(*(_masked(item, hide) if index else item for index, item in enumerate(value)))
        case (str(path), int() | float() as number) if not isinstance(number, bool):
            return path, _number(number, hide)  # a value of a path, which records may hold as a number
        case tuple():
            return tuple(_masked(item, hide) for item in value)
    return value


def _number(number: float, hide: Hide) -> float | str:
    text = as_text(number)
    hidden = hide(text)
    return number if hidden == text else hidden


def _is_about_person(sde: Sde) -> bool:
    return sde.type.upper() in _PERSONAL_SDES


def _person(person: Participant, hide: Hide) -> Participant:
    texts = {name: dots(text) for name in ("name", "login", "email", "phone") if (text := getattr(person, name))}
    aliases = tuple(map(dots, person.aliases))
    ids = tuple(_id(id_, hide) for id_ in person.ids)
    return replace(person, **texts, id=_id(person.id, hide), ids=ids, aliases=aliases)


def _id(id_: str, hide: Hide) -> str:
    """A customer's id: all of it, unless it is a random one, if a part of it would be hidden in a text."""
    return id_ if _OPAQUE.fullmatch(id_) or hide(id_) == id_ else dots(id_)


def _attribute(value: Any) -> Any:
    return value if isinstance(value, bool) or value == "undefined" else dots(str(value))


def _without_patterns(text: str) -> str:
    return _PATTERN.sub(_hidden, text)


def _hidden(match: re.Match[str]) -> str:
    """An address, or a long number behind any date, as dots."""
    found = match[0]
    date = _DATE.match(found) if match.lastgroup == "number" else None
    kept, rest = (found[: date.end()], found[date.end() :]) if date else ("", found)
    is_long = match.lastgroup != "number" or sum(map(str.isdigit, rest)) >= _DIGITS
    return kept + (dots(rest) if is_long else rest)
