"""What an answer is worth: the span that was asked for, how much of it is proven, and what no search looks into."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from enum import StrEnum

from archiver.archive import ArchiveFile, CoverageState, Stretch, count_days, gaps
from archiver.errors import counted
from archiver.index.results import Sort
from archiver.index.store import Store
from archiver.model import BEFORE_ALL_MS, Window, to_ms
from archiver.query import (
    And,
    Compare,
    Everything,
    Expression,
    Not,
    Query,
    Scope,
    asked_span,
    of_unknown_start,
    span_of,
    understood,
)
from archiver.value import Value


class Proof(StrEnum):
    """How much of a span LivePerson's own counts prove complete."""

    PROVEN = "proven"
    PARTLY = "partly"
    NOT = "not"


class Assurance(Value):
    """`understood`: the query in full. `span`: the start times that it asks for, None if they lie outside of
    everything that can be archived. `conversations`: how many the archive has there; `shallow` of these and of unknown
    start lack some SDEs. `days` and `proven_days` count the days of the span, `is_proven` says whether all of it is
    proven, `has_start` whether the query asks for a first moment; `unproven` are the parts that are not, because
    something is missing (`gaps`) or may still come. `refused` conversations are not searched, `behind` vault entries
    are not searchable yet, and `unread` records in quarantine may belong to the span. Of `undated` conversations,
    whose start is unknown, everything is true that is asked beside the span. `head`: the vault's newest entry and its
    link. `at`: when it was asked.
    """

    understood: str
    span: Window | None
    conversations: int
    shallow: int
    days: int
    proven_days: int
    is_proven: bool
    has_start: bool
    gaps: tuple[Stretch, ...]
    unproven: tuple[Window, ...]
    refused: int
    behind: int
    unread: int
    undated: int
    head: tuple[int, str]
    at: datetime

    @property
    def proof(self) -> Proof:
        if self.is_proven:
            return Proof.PROVEN
        return Proof.PARTLY if self.proven_days else Proof.NOT

    def proves(self, start: datetime, end: datetime) -> bool:
        """Whether LivePerson's counts prove complete what started from `start` to before `end` within the span. Nothing
        is known of the time before all that the archive covers, which an answer without a first moment is about, too.
        """
        if self.span is None or (not self.has_start and start < self.span.start):
            return False
        low, high = max(start, self.span.start), min(end, self.span.end)
        return low < high and not any(part.start < high and low < part.end for part in self.unproven)

    def sentences(self, total: int, zone: tzinfo = UTC) -> list[str]:
        """The same for people, with times in a zone; an answer without results is not called complete unless it is
        proven to be.
        """
        if self.span is None:
            return ["The archive holds nothing of the time that this asks for, so that nothing is proven."]
        what = "archived, and not all of them in the index yet" if self.behind else "searched"
        held = f"{counted(self.conversations, 'conversation')} of {_in_zone(self.span, zone)} ({zone}) {what}"
        if self.proof is Proof.PROVEN:
            lines = [f"{held}; all of it is proven complete ({counted(self.days, 'UTC day')})."]
        else:
            lines = [
                f"{held}; {self.proven_days:,} of {counted(self.days, 'UTC day')} proven complete: archiver coverage"
            ]
            lines += [_gap(gap, zone) for gap in self.gaps[:_SHOWN_GAPS]]
            if not total:
                lines.append("Nothing was found, and that does not prove that there is nothing.")
        if not self.has_start:
            lines.append("What began before, and its later messages, is searched as far as it is archived.")
        if self.shallow:
            found = counted(self.shallow, "conversation")
            lines.append(f"{found} without some of their SDEs: archiver harvest")
        if self.undated:
            found = counted(self.undated, "conversation")
            lines.append(f"{found} whose start is unknown would be found without the dates.")
        if self.unread:
            lines.append(f"{counted(self.unread, 'record')} of an unknown time could not be read: archiver quarantine")
        return lines


_SHOWN_GAPS = 3
_WORDS = {
    CoverageState.LOST: "lost: LivePerson no longer keeps it, and this archive never had all of it",
    CoverageState.OPEN: "not read yet",
    CoverageState.UNPROVEN: "read, and not proven complete",
}


def _gap(gap: Stretch, zone: tzinfo) -> str:
    return f"  {_in_zone(gap.window, zone)}: {_WORDS.get(gap.state, gap.state.value)}"


def _in_zone(window: Window, zone: tzinfo) -> Window:
    return Window(window.start.astimezone(zone), window.end.astimezone(zone))


def assurance(
    archive: ArchiveFile, store: Store, query: Query, now: datetime, rule: Expression = Everything()  # noqa: B008
) -> Assurance:  # fmt: skip
    """What an answer to a query is worth at `now`, which is LivePerson's time, to somebody who sees the conversations
    of which a rule is true. Raises StoreError.
    """
    covering = archive.covering(now)
    span = span_of(query.expression, covering.whole)
    stretches = covering.stretches(span) if span else ()
    days, proven_days = count_days(span, stretches) if span else (0, 0)
    has_start = asked_span(query.expression)[0] is not None
    bounds = (to_ms(span.start) if has_start else BEFORE_ALL_MS, to_ms(span.end)) if span else (0, 0)
    return Assurance(
        understood=understood(query.expression),
        span=span,
        conversations=_conversations(archive, store, rule, *bounds),
        shallow=_shallow(archive, rule, span) if span else 0,
        days=days,
        proven_days=proven_days,
        is_proven=span is not None and all(item.state is CoverageState.SEALED for item in stretches),
        has_start=has_start,
        gaps=tuple(gaps(stretches)),
        unproven=tuple(item.window for item in stretches if item.state is not CoverageState.SEALED),
        refused=len(store.refused()),
        behind=max(archive.vault.head() - store.position().seq, 0),
        unread=covering.count_unread(span) if span else 0,
        undated=_undated(archive, store, query),
        head=archive.vault.end(),
        at=now,
    )


def _shallow(archive: ArchiveFile, rule: Expression, span: Window) -> int:
    """How many conversations of a span lack some SDEs. Under a rule those of all time are counted: when others started
    is not for everybody.
    """
    bounds = (to_ms(span.start), to_ms(span.end)) if isinstance(rule, Everything) else ()
    return archive.vault.count_shallow(*bounds)


def _undated(archive: ArchiveFile, store: Store, query: Query) -> int:
    asked = of_unknown_start(query.expression) if archive.vault.has_undated() else None
    if asked is None:
        return 0
    missed = And((asked, Not(query.expression)))
    return store.search(missed, scope=Scope.CONVERSATION, sort=Sort.NEWEST, limit=1).total


def _conversations(archive: ArchiveFile, store: Store, rule: Expression, start_ms: int, end_ms: int) -> int:
    """How many conversations of a span there are of which a rule is true."""
    if isinstance(rule, Everything):
        return archive.vault.count_started(start_ms, end_ms)
    within = And((rule, Compare("start", None if start_ms == BEFORE_ALL_MS else start_ms, end_ms)))
    return store.search(within, scope=Scope.CONVERSATION, sort=Sort.NEWEST, limit=1).total
