"""Hides customers' personal data in what is shown. Pure.

Characters are replaced one by one, so that places in a text, such as those of matches, stay what they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

from archiver.model import Participant, Role, Sde, Transcript, Zone
from archiver.query import Match, Snippet
from archiver.value import Value, as_dict, replace

DOT = "•"
_PERSONAL_SDES = ("CUSTOMER_INFO", "PERSONAL_INFO", "LEAD")
_PERSONAL_PATHS = ("customerInfo", "personalInfo", "lead")  # the members that hold them
_SHORTEST = 3  # characters of a name that is looked for in texts
# Members that name things of the brand or of LivePerson. Everything else that is text is looked through.
_KEPT = frozenset(
    (
        "id", "conversation_id", "dialog_id", "sender_id", "account", "type", "status", "kind", "survey", "states",
        "skill", "skills", "skill_id", "skill_ids", "group", "group_id", "agents", "campaign", "intents", "dialogs",
        "source", "device", "language", "browser", "operating_system", "close_reason", "country", "deliveries", "fcr",
    )
)  # fmt: skip
_EMAIL = r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"
_IBAN = r"\b[A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]{4}){2,7}(?: ?[0-9A-Z]{1,3})?\b"
_NUMBER = r"(?<![\w.,-])\+?\(?[0-9](?:[ ()/.-]{0,2}[0-9]){6,18}(?![\w-])"
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}[./][0-9]{1,2}[./][0-9]{2,4}")
_PATTERN = re.compile(f"(?P<email>{_EMAIL})|(?P<iban>{_IBAN})|(?P<number>{_NUMBER})")
_CARD_DIGITS, _PHONE_DIGITS = range(13, 20), range(7, 16)

Hide = Callable[[str], str]


def masked_transcript(transcript: Transcript) -> Transcript:
    """The transcript without what says who the customer is: names, logins, e-mail addresses, numbers, and the values
    of attributes about the person; also where these stand in messages and other texts, and e-mail addresses, phone,
    card and bank account numbers wherever they stand.
    """
    hide = hiding(transcript)
    masked: Transcript = _masked(transcript, hide)
    about = tuple((path, dots(text) if path == Role.CUSTOMER else text) for path, text in masked.about)
    return replace(masked, about=about)


def hiding(transcript: Transcript) -> Hide:
    """What hides the personal data of a conversation in any text that belongs to it."""
    known = sorted(set(_known(transcript)), key=len, reverse=True)
    if not known:
        return _without_patterns
    named = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, known))})(?!\w)", re.IGNORECASE)
    return lambda text: _without_patterns(named.sub(lambda match: dots(match[0]), text))


def masked_match(match: Match, hide: Hide) -> Match:
    """The same of a text in which a query matched. The places of the matches stay."""
    is_personal = _is_personal(match.where, match.path or "")
    text = dots(match.snippet.text) if is_personal else hide(match.snippet.text)
    return replace(match, snippet=Snippet(text, match.snippet.marks), message=_masked(match.message, hide))


def _is_personal(where: str, path: str) -> bool:
    """Whether the text at a path of a zone is about the customer as a person."""
    if where == Zone.SDE:
        return path.partition(".")[0] in _PERSONAL_PATHS
    return where == Zone.ABOUT and path == Role.CUSTOMER


def dots(text: str) -> str:
    """A text of which only blanks are left."""
    return "".join(character if character.isspace() else DOT for character in text)


def _known(transcript: Transcript) -> Iterator[str]:
    """What names the customers of a conversation, and the words of their names."""
    for person in transcript.metadata.consumers:
        named = (person.name, person.login, person.email, person.phone, *person.aliases)
        yield from _words(value for value in named if value and value != "Customer")
    for sde in transcript.sdes:
        if sde.type in _PERSONAL_SDES:
            yield from _words(value for path, value in sde.values if isinstance(value, str) and _is_naming(path))


def _words(values: Iterator[str]) -> Iterator[str]:
    for value in values:
        yield from (word for word in (value.strip(), *value.split()) if len(word) >= _SHORTEST)


def _is_naming(path: str) -> bool:
    """Whether the value at a path names a person, and not a kind of person."""
    name = path.rpartition(".")[2].lower()
    return any(part in name for part in ("name", "mail", "phone", "customerid", "socialid", "imei", "address"))


def _masked(value: Any, hide: Hide) -> Any:
    match value:
        case Enum():
            return value
        case str():
            return hide(value)
        case Participant(role=Role.CUSTOMER):
            return _person(value, hide)
        case Sde(type=kind) if kind in _PERSONAL_SDES:
            return replace(value, values=tuple((path, _attribute(item)) for path, item in value.values))
        case Value():
            changed = {name: _masked(item, hide) for name, item in as_dict(value).items() if name not in _KEPT}
            return replace(value, **changed)
        case tuple() if hasattr(value, "_fields"):  # a part of a message
            return type(value)(*(_masked(item, hide) if index else item for index, item in enumerate(value)))
        case tuple():
            return tuple(_masked(item, hide) for item in value)
    return value


def _person(person: Participant, hide: Hide) -> Participant:
    texts = {name: dots(text) for name in ("name", "login", "email", "phone") if (text := getattr(person, name))}
    aliases = tuple(map(dots, person.aliases))
    return replace(person, **texts, id=hide(person.id), ids=tuple(map(hide, person.ids)), aliases=aliases)


def _attribute(value: Any) -> Any:
    return value if isinstance(value, bool) or value == "undefined" else dots(str(value))


def _without_patterns(text: str) -> str:
    return _PATTERN.sub(_hidden, text)


def _hidden(match: re.Match[str]) -> str:
    found, kind = match[0], match.lastgroup
    is_personal = kind == "email" or (_is_iban(found) if kind == "iban" else _is_number(found))
    return dots(found) if is_personal else found


def _is_number(text: str) -> bool:
    """Whether digits may be a card's, an account's or a phone's number."""
    digits = re.sub(r"\D", "", text)
    if len(digits) in _CARD_DIGITS and _has_check_digit(digits):
        return True
    return len(digits) in _PHONE_DIGITS and not _DATE.match(text)


def _has_check_digit(digits: str) -> bool:
    """Luhn's check of card numbers (ISO/IEC 7812-1, Annex B)."""
    doubled = [int(digit) * (1 + at % 2) for at, digit in enumerate(reversed(digits))]
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0


def _is_iban(text: str) -> bool:
    """The check of international bank account numbers (ISO 13616)."""
    moved = text.replace(" ", "")
    number = "".join(str(int(character, 36)) for character in moved[4:] + moved[:4])
    return int(number) % 97 == 1
