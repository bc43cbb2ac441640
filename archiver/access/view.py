"""What a person sees of the archive: which conversations, and what of them."""

from __future__ import annotations

from archiver.access.masking import hiding, masked_match, masked_transcript
from archiver.access.person import Origin, Person, owner
from archiver.access.rules import any_rule, within
from archiver.errors import AccessDenied, no_conversation
from archiver.index import Hit
from archiver.model import Transcript
from archiver.query import Everything, Query, Reading
from archiver.value import replace

_PERSONAL_FACETS = frozenset(("customer", "sender", "sde"))


class View:
    """The view of one person from somewhere; by default, that of whoever can read the files anyway."""

    def __init__(self, origin: Origin, person: Person | None = None) -> None:
        self.origin, self.person = origin, person or owner()
        self.hidden_facets = frozenset() if self.person.sees_personal_data else _PERSONAL_FACETS
        self._rule = any_rule(self.person.rules)

    @property
    def is_of_all(self) -> bool:
        """Whether the person may see every conversation."""
        return isinstance(self._rule, Everything)

    def within(self, query: Query) -> Query:
        """The query for those of its results that the person may see."""
        return within(query, self._rule)

    def transcript(self, transcript: Transcript) -> Transcript:
        """What the person sees of a conversation. Raises NotFound, as for one that is not in the archive, if it is not
        for them.
        """
        if not self.is_of_all and not Reading(transcript).is_true(self._rule):
            raise no_conversation(transcript.id)
        return self.text_of(transcript)

    def text_of(self, transcript: Transcript) -> Transcript:
        """What the person sees of the texts of a conversation that they may see."""
        return transcript if self.person.sees_personal_data else masked_transcript(transcript)

    def hit(self, hit: Hit) -> Hit:
        """What the person sees of a hit."""
        if self.person.sees_personal_data:
            return hit
        hide = hiding(hit.transcript)
        matches = tuple(masked_match(match, hide) for match in hit.matches)
        return replace(hit, transcript=masked_transcript(hit.transcript), matches=matches)

    def check_raw(self) -> None:
        """Raises AccessDenied if the person may not see records as they came."""
        if not self.person.sees_personal_data:
            raise AccessDenied("raw records hold personal data", hint="Unmask the conversation first, for a reason.")

    def check_all(self) -> None:
        """Raises AccessDenied if the person may see some conversations only."""
        if not self.is_of_all:
            raise AccessDenied("this is about all conversations", hint="Ask somebody who may see all of them.")
