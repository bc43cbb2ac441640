"""What results are counted by: values as people write them, unlike the folded words of keywords. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from archiver.model import Message, Participant, Role, Transcript
from archiver.query.fields import SDE, has_values, status_of
from archiver.rawrecord import as_text

LONGEST = 256  # characters; the same in every store
_Values = Iterable[str | None]


def _customer(person: Participant) -> str:
    """A name is not enough: other customers may have the same."""
    return (
        f"{person.name} ({person.id})" if person.name and person.id and person.name != person.id else person.known_by[0]
    )


def _score(value: float | None) -> _Values:
    return () if value is None else (as_text(value),)


FACETS: Mapping[str, Callable[[Transcript], _Values]] = {
    "agent": lambda t: (person.name for person in t.metadata.agents if person.role is Role.AGENT),
    "bot": lambda t: (person.name for person in t.metadata.agents if person.role is Role.BOT),
    "campaign": lambda t: t.metadata.campaign,
    "closed": lambda t: (t.metadata.close_reason,),
    "csat": lambda t: _score(t.metadata.csat),
    "customer": lambda t: (_customer(person) for person in t.metadata.consumers if person.known_by),
    "device": lambda t: (t.metadata.device,),
    "fcr": lambda t: (t.metadata.fcr,),
    "from": lambda t: (message.role.value for message in t.messages),
    "group": lambda t: (t.metadata.group,),
    "has": has_values,
    "intent": lambda t: t.metadata.intents,
    "lang": lambda t: (t.metadata.language,),
    "mcs": lambda t: _score(t.metadata.mcs),
    "nps": lambda t: _score(t.metadata.nps),
    "place": lambda t: (t.metadata.country, t.metadata.city),
    SDE: lambda t: (path for sde in t.sdes for path, _ in sde.values),
    "sender": lambda t: (message.sender for message in t.messages),
    "skill": lambda t: (t.metadata.skill or t.metadata.skill_id,),
    "source": lambda t: (t.metadata.source,),
    "status": status_of,
}
# Of messages: these are their own, all others are of their conversation.
_OWN: Mapping[str, Callable[[Message], _Values]] = {
    "from": lambda message: (message.role.value,),
    "sender": lambda message: (message.sender,),
}
SHARED_FACETS = tuple(
    name for name in FACETS if name not in (SDE, *_OWN)
)  # that messages share with their conversation
MESSAGE_FACETS = (*_OWN, *SHARED_FACETS)
IN_ORDER = ("csat", "mcs", "nps")  # facets whose values are shown in their own order


def facet_values(transcript: Transcript, name: str, message: Message | None = None) -> tuple[str, ...]:
    """The values of one facet of a conversation or of a message in it, once each, cut to 256 characters."""
    found = _OWN[name](message) if message and name in _OWN else FACETS[name](transcript)
    return tuple(dict.fromkeys(value[:LONGEST] for value in found if value))


def all_facets(transcript: Transcript) -> dict[str, tuple[str, ...]]:
    """The values of each facet of a conversation."""
    return {name: facet_values(transcript, name) for name in FACETS}


def own_facets(message: Message) -> Iterator[tuple[str, str]]:
    """The facets that a message has of its own, with their values."""
    return ((name, value[:LONGEST]) for name, read in _OWN.items() for value in read(message) if value)
