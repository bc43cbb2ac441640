"""The whole program as one object, for the command line, the page and programs that import it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.access import Action, Origin, Right, View, audit_event
from archiver.archive import (
    ArchiveFile,
    AuditHead,
    Finding,
    is_archive,
    make_archive,
    open_archive,
    repair_vault,
    verify_vault,
)
from archiver.config import Settings, find_settings
from archiver.dates import Moment, parse_moment
from archiver.errors import ConfigError, StoreBusy, StoreError, StoreOutdated
from archiver.foreground import GiveWay, go_on
from archiver.index import (
    Search,
    StoreAdmin,
    bring_up_to_date,
    index_status,
    is_behind,
    open_store,
    rebuild,
    repair_index,
    retry,
    verify_index,
)
from archiver.logs import EventLogger
from archiver.model import Window
from archiver.progress import Progress, Silent
from archiver.query import understood
from archiver.reading import ArchiveReader

_log = EventLogger("app")

if TYPE_CHECKING:
    from archiver.archive import Coverage, Upgraded
    from archiver.harvest import Fetched, Summary
    from archiver.index import Applied, Refusal, StoreStatus
    from archiver.liveperson import CallSettings, Client
    from archiver.service import Listen, Schedule


def open(folder: str | Path | None = None, *, config: str | Path | None = None, profile: str | None = None,
         progress: Progress | None = None, **settings: object) -> Archive:  # fmt: skip
    """An archive by its folder, with any settings by their names; others come from the environment, then from the
    settings files. Opens no file yet. Raises ConfigError. `config` names a settings file, `profile` a profile in it;
    `progress` shows how far long work is.
    """
    given = settings if folder is None else {**settings, "archive": folder}
    return Archive(find_settings(given, config=config, profile=profile), progress=progress)


class Archive(ArchiveReader, AbstractContextManager["Archive"]):
    """One archive: harvest into it, search it, read it, verify it. Use it in a `with` statement, which closes it.

    The archive's file and its index are opened at first use. `give_way` is called before each record that is kept or
    indexed. All methods raise ArchiverError or a subclass (`archiver.errors`).
    """

    def __init__(
        self, settings: Settings, *, progress: Progress | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC), give_way: GiveWay = go_on,
    ) -> None:  # fmt: skip
        self.settings = settings
        self.view = View(Origin("python"))
        self._progress = progress or Silent()
        self._clock, self._give_way = clock, give_way
        self._file: ArchiveFile | None = None
        self._store: StoreAdmin | None = None

    @property
    def exists(self) -> bool:
        """Whether the folder holds an archive."""
        return is_archive(self.settings.archive)

    @property
    def file(self) -> ArchiveFile:
        """The archive's file, which must exist. Raises ConfigError, ArchiveError."""
        if self._file is None:
            wanted, policies = self.settings.optional("account"), self.settings.policies
            folder = self.settings.archive
            self._file = open_archive(folder, account=wanted, policies=policies, give_way=self._give_way)
        return self._file

    @property
    def store(self) -> StoreAdmin:
        """The search index, as it is. Raises StoreError, ConfigError."""
        if self._store is None:
            self._store = self.open_store()
        return self._store

    def open_store(self) -> StoreAdmin:
        """Another connection to the search index, for another thread; the caller closes it. Raises StoreError."""
        return open_store(self.settings.store, folder=self.file.folder, archive_id=self.file.id)

    def now(self) -> datetime:
        """The present moment, by this archive's clock."""
        return self._clock()

    def make(self) -> ArchiveFile:
        """The archive's file, created for the account of the settings if there is none, or none that is complete."""
        if self._file is None:
            folder, account, policies = self.settings.archive, self.settings.account, self.settings.policies
            self._file = make_archive(folder, account, policies=policies, give_way=self._give_way)
        return self._file

    def client(
        self, *, calls: CallSettings | None = None, on_answer: Callable[[str], None] | None = None
    ) -> Client:  # fmt: skip
        """LivePerson, as the account of the settings; the caller closes it. `on_answer` gets each status code."""
        from archiver.liveperson import account_of, connect

        return connect(account_of(self.settings), settings=calls, clock=self._clock, on_answer=on_answer)

    def harvest(self, start: Moment = None, end: Moment = None) -> Summary:
        """Reads every conversation that started from `start` to the end of `end`, and brings the index up to date.
        Without dates, everything that LivePerson keeps. Safe to interrupt at any time and to repeat.
        """
        from archiver.harvest import Harvest
        from archiver.liveperson import CONTENT

        _ = [parse_moment(moment, self.now(), is_end=False) for moment in (start, end)]  # raises before it asks
        with self._bringing() as client:
            clock, content = self.clock_of(client), ",".join(CONTENT)
            span = self.harvest_span(start, end, now=clock())
            harvest = Harvest(
                client, self.file, clock=clock, progress=self._progress, content=content, depth=self.settings.depth
            )  # fmt: skip
            return harvest.run(span, also_older=start is None)

    def fetch(self, ids: Sequence[str], consumers: Sequence[str] = ()) -> Fetched:
        """Fetches conversations by their ids, and all conversations of consumers by their ids, in full."""
        from archiver.harvest import Fetch

        with self._bringing() as client:
            return Fetch(client, self.file, clock=self.clock_of(client), progress=self._progress).run(ids, consumers)

    def follow(self, schedule: Schedule, *, stop: threading.Event, listen: Listen | None = None) -> None:
        """Harvests continuously until `stop` is set; health and metrics are served at `listen`."""
        from archiver.service import follow

        follow([self], schedule, stop=stop, listen=listen)

    def clock_of(self, client: Client) -> Callable[[], datetime]:
        """LivePerson's time by the client's answers; until one names it, as well as it is known from before."""
        skew = self.now() - self.believed_now()
        return lambda: client.now() or self.now() - skew

    def believed_now(self) -> datetime:
        """LivePerson's present time as well as it is known without asking (`Ledger.believed_now`)."""
        return self.file.ledger.believed_now(self.now()) if self.exists else self.now()

    def harvest_span(self, start: Moment = None, end: Moment = None, *, now: datetime | None = None) -> Window:
        """The span that a harvest between two dates reads at `now`, LivePerson's time. Raises ConfigError."""
        from archiver.harvest import harvest_span

        return harvest_span(start, end, now or self.believed_now())

    @contextmanager
    def _bringing(self) -> Iterator[Client]:
        """LivePerson within the context; at its end the index is brought up to date."""
        with closing(self.client()) as client:
            client.ask_time()
            self.make_for(client)
            store = self.store  # an unusable address is found before the harvest, not after it
            yield client
        try:
            bring_up_to_date(self.file, store, self._progress)
        except StoreBusy as error:
            _log.warning("index.busy", f"{error.message}; it, or the next search, adds what is new")
        except StoreError as error:
            hint = f"All conversations are kept. {error.hint or 'Then: archiver reindex'}"
            raise error.reworded(hint=hint) from error

    def make_for(self, client: Client) -> ArchiveFile:
        """The archive's file. Before it is created, a request proves the account, which may be mistyped."""
        if not self.exists:
            client.prove_access(client.now() or self.now())
        return self.make()

    def coverage(self, start: Moment = None, end: Moment = None) -> Coverage:
        """Which parts of a span are proven complete; by default of all that LivePerson keeps or that was read."""
        now = self.believed_now()
        first, last = parse_moment(start, now, is_end=False), parse_moment(end, now, is_end=True)
        try:
            return self.file.covering(now).between(first, last)
        except ValueError:
            raise ConfigError(
                "the start must be before the end and before now", hint="archiver coverage --from 2026-01"
            ) from None

    def verify(self, *, head: tuple[int, str] | None = None, with_index: bool = True) -> list[Finding]:
        """Every fault of the archive's file and of its index. The `head` of an earlier verify reveals a cut-off end."""
        findings = list(verify_vault(self.file, self._progress, head=head, now=self.believed_now()))
        if with_index and not any(finding.where == "file" for finding in findings):
            findings += self.verify_index()
        return findings

    def repair(self) -> int:
        """Puts right what `verify` finds and is not evidence; how many rows. Rebuilds an index that depends on them."""
        mended = repair_vault(self.file, self.now())
        if mended.is_index_outdated:
            self.reindex()
        return mended.rows

    def upgrade(self) -> Upgraded:
        """Makes the archive's file as small as the newest format allows. What it holds stays the same. Safe to
        interrupt at any time and to repeat. Raises Locked while a harvest is running.
        """
        file = self.file
        file.acquire_lease(self.now())
        try:
            return file.upgrade.run(self._progress, on_batch=lambda: file.heartbeat(self.now()))
        finally:
            file.release_lease()

    def verify_index(self) -> list[Finding]:
        """Every difference between the index and the archive's file."""
        return list(verify_index(self.file, self.store, self._progress))

    def repair_index(self) -> Applied:
        """Makes the index what `verify_index` compares it with: puts in again what differs, or rebuilds it."""
        return repair_index(self.file, self.store, self._progress)

    def reindex(self, *, only_refused: bool = False) -> Applied:
        """Rebuilds the index from the vault; with `only_refused`, only applies again what the index refused."""
        return (retry if only_refused else rebuild)(self.file, self.store, self._progress)

    def is_index_ready(self) -> bool:
        """Whether the index holds all that the vault does, by the program's present rules. Raises StoreError."""
        try:
            return not is_behind(self.file, self.store)
        except StoreOutdated:
            return False

    def index_status(self) -> StoreStatus:
        """The condition of the index, with what is known to be wrong with it. Raises StoreError."""
        return index_status(self.file, self.store)

    def refused(self) -> tuple[Refusal, ...]:
        """What the index lacks because it refused it, with the reason."""
        return self.store.refused()

    def decide(self, seq: int, *, approve: bool, reason: str | None = None) -> list[int]:
        """Approves a pending erasure, or keeps the older versions: `ArchiveFile.decide`. In the audit log it stands
        before it is done.
        """
        self.view.person.check(Right.DECIDE)
        self.file.erasures.pending(seq)
        self.audit(Action.DECISION, reason=reason, erasure=seq, decision="approve" if approve else "keep")
        by = self.view.person.name
        return self.file.decide(seq, approve=approve, by=by, reason=reason, now=self.now())

    def audit(
        self, action: Action, *, reason: str | None = None, outcome: str = "success", **facts: object
    ) -> AuditHead | None:  # fmt: skip
        """Writes into the audit log what is about to be answered or done. An archive that this process can't write has
        none: that is logged as a warning. Raises ArchiveError.
        """
        file = self.file
        told = {"account": file.account, "index_root": file.vault.noted_head(), **facts}
        event = audit_event(action, self.view, at=self.now(), facts=told, reason=reason, outcome=outcome)
        if not file.is_writable:
            _log.warning("audit.impossible", "not in the audit log, because this user may not write the archive")
            return None
        return file.audit.append(event)

    def audit_search(self, search: Search, *, ids: Sequence[str] = ()) -> None:
        """Writes a search with its number of results, and the conversations that are shown, into the audit log. Raises
        StoreError, ArchiveError.
        """
        query, scope = search.request.query, search.request.scope
        self.audit(
            Action.SEARCH, query=query.text, understood=understood(query.expression), scope=scope.value,
            hits_total=search.total, conversation_ids=list(dict.fromkeys(ids)) or None,
        )  # fmt: skip

    def close(self) -> None:
        """Closes the index and the file. The next use opens them again."""
        parts = (self._store, self._file)
        self._store = self._file = None
        for part in parts:
            if part:
                part.close()

    def __exit__(self, *_: object) -> None:
        self.close()
