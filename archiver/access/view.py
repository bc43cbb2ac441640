"""What a person sees of the archive: which conversations, and what of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from archiver.access.masking import Hide, hiding, masked_match, masked_transcript
from archiver.access.person import Origin, Person, needed_role, owner
from archiver.access.rights import Right
from archiver.access.rules import any_rule, within
from archiver.errors import AccessDenied, no_conversation
from archiver.index import Hit
from archiver.model import Metadata, Transcript
from archiver.query import Everything, Expression, Query, Reading
from archiver.value import replace

_WITHHELD = "it has changed since, and is not for you any more"
_PERSONAL_FACETS = frozenset(("customer", "sender", "sde"))


class View:
    """The view of one person from somewhere; by default, that of whoever can read the files anyway."""

    def __init__(self, origin: Origin, person: Person | None = None) -> None:
        self.origin, self.person = origin, person or owner()
        self.hidden_facets = frozenset() if self.person.sees_personal_data else _PERSONAL_FACETS
        self._rule = any_rule(self.person.rules)
        self._last: tuple[Transcript, Hide, Transcript] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the person sees everything, and may be told what the archive holds."""
        return self.is_of_all and self.person.sees_personal_data

    @property
    def rule(self) -> Expression:
        """What has to be true of the conversations that the person sees."""
        return self._rule

    @property
    def is_of_all(self) -> bool:
        """Whether the person may see every conversation."""
        return isinstance(self._rule, Everything)

    def within(self, query: Query) -> Query:
        """The query for those of its results that the person may see."""
        return within(query, self._rule)

    def check(self, transcript: Transcript) -> None:
        """Raises NotFound, as for one that is not in the archive, if a conversation is not for the person."""
        if not self._is_for_them(transcript):
            raise no_conversation(transcript.id)

    def _is_for_them(self, transcript: Transcript) -> bool:
        return self.is_of_all or Reading(transcript).is_true(self._rule)

    def text_of(self, transcript: Transcript, versions: Iterable[Transcript]) -> Transcript:
        """What the person sees of the texts of a conversation. `versions` are all others, which may name the customer
        where this one does not.
        """
        if self.person.sees_personal_data:
            return transcript
        return masked_transcript(transcript, hiding([transcript, *versions]))

    def hit(self, hit: Hit, versions: Callable[[], Iterable[Transcript]]) -> Hit:
        """What the person sees of a hit; `versions` gives the other versions of its conversation. One that has changed
        since it was indexed may be for them no more.
        """
        if not hit.fault and not self._is_for_them(hit.transcript):
            return Hit(Transcript(Metadata("", "")), (), None, fault=_WITHHELD)
        if self.person.sees_personal_data:
            return hit
        if self._last is None or self._last[0] is not hit.transcript:  # a conversation may have many hits
            hide = hiding([hit.transcript, *versions()])
            self._last = hit.transcript, hide, masked_transcript(hit.transcript, hide)
        _, hide, transcript = self._last
        return replace(hit, transcript=transcript, matches=tuple(masked_match(match, hide) for match in hit.matches))

    def check_raw(self) -> None:
        """Raises AccessDenied if the person may not see records as they came."""
        if not self.person.sees_personal_data:
            may = self.person.may(Right.UNMASK)
            hint = "Unmask the conversation first, for a reason." if may else needed_role(Right.UNMASK)
            raise AccessDenied("raw records hold personal data", hint=hint)

    def check_all(self) -> None:
        """Raises AccessDenied if the person may see some conversations only."""
        if not self.is_of_all:
            raise AccessDenied("this is about all conversations", hint="Ask somebody who may see all of them.")
