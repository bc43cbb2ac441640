"""Checks settings, network, credentials, archive, index and disk; says what is wrong and what to do next."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from enum import StrEnum
from pathlib import Path

from archiver import windows
from archiver.archive import ArchiveFile, is_archive, open_archive
from archiver.config import OPTIONS, Settings, shown_url
from archiver.errors import ArchiverError, AuthError, PermissionMissing, counted
from archiver.index import StoreAdmin, index_status, open_store
from archiver.liveperson import Account, Contact, Probes, account_of
from archiver.private import open_to_others
from archiver.value import Value

_LEAST_FREE_BYTES = 1_000_000_000


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105  (no secret)
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


class Check(Value):
    """The result of one check. `advice` is what to do next, as a command where there is one."""

    name: str
    verdict: Verdict
    cause: str
    advice: str | None = None


def examine(
    load: Callable[[], Settings], *, is_offline: bool = False, probes_of: Callable[[Account], Probes] = Probes
) -> Iterator[Check]:
    """All checks in order, each as soon as it is finished. Errors become failed checks."""
    try:
        settings = load()
    except ArchiverError as error:
        yield _failed("settings", error)
        return
    account, finding = _settings(settings)
    yield finding
    if account is None or is_offline:
        why = "asked to stay offline" if is_offline else "settings first"
        yield from (Check(name, Verdict.SKIP, why) for name in _ABOUT_LIVEPERSON)
    else:
        yield from _liveperson(account, probes_of)
    yield from _ours(settings)


_ABOUT_LIVEPERSON = ("network", "clock", "services", "hosts", "credentials", "permission", "rate")


def _settings(settings: Settings) -> tuple[Account | None, Check]:
    try:
        account = account_of(settings)
        _ = (settings.archive, settings.store, settings.zone)
    except ArchiverError as error:
        return None, _failed("settings", error)
    if settings.notices:
        first, *others = settings.notices
        more = f" (and {counted(len(others), 'more variable')}: archiver config show)" if others else ""
        return account, Check("settings", Verdict.WARN, f"account {account.id}, {settings.auth}", first + more)
    changed = sum(item.origin != "default" for item in settings.all.values())
    cause = f"account {account.id}, {settings.auth}; {changed} of {len(OPTIONS)} settings are set"
    return account, Check("settings", Verdict.PASS, cause)


def _failed(name: str, error: ArchiverError) -> Check:
    return Check(name, Verdict.FAIL, error.message, error.hint or "archiver config show")


def _tried(name: str, work: Callable[[], Check]) -> Check:
    try:
        return work()
    except ArchiverError as error:
        return _failed(name, error)


# ── LivePerson ──


def _liveperson(account: Account, probes_of: Callable[[Account], Probes]) -> Iterator[Check]:
    """Stops at the first failure but that of the clock: the later checks depend on it."""
    names = iter(_ABOUT_LIVEPERSON)
    try:
        with closing(probes_of(account)) as probes:
            for finding in _steps(probes, account):
                next(names)
                yield finding
                if finding.verdict is Verdict.FAIL and finding.name != "clock":
                    break
    except ArchiverError as error:  # an address or a proxy that can't be
        yield _failed(next(names), error)
    yield from (Check(name, Verdict.SKIP, "not reached") for name in names)


def _steps(probes: Probes, account: Account) -> Iterator[Check]:
    try:
        contact = probes.domain_api()
    except ArchiverError as error:
        yield _failed("network", error)
        return
    cause = f"{shown_url(account.domain_url)} answers in {contact.took_s * 1000:.0f} ms"
    yield Check("network", Verdict.PASS, cause)
    yield _clock(contact)
    yield _tried("services", lambda: _services(probes))
    yield _tried("hosts", lambda: _hosts(probes))
    yield from _access(probes, account)


def _clock(contact: Contact) -> Check:
    if contact.skew is None:
        words = "the answer has no Date header; a harvest proves no window complete unless other answers have one"
        return Check("clock", Verdict.WARN, words, "timedatectl status")
    words = f"{windows.describe_skew(contact.skew)} LivePerson's"
    if abs(contact.skew) <= windows.NOTED_SKEW:
        return Check("clock", Verdict.PASS, words)
    if abs(contact.skew) <= windows.LARGEST_SKEW:
        advice = "OAuth 1.0 signatures fail with a wrong clock, and tokens may: timedatectl set-ntp true"
        return Check("clock", Verdict.WARN, words, advice)
    return Check("clock", Verdict.FAIL, f"{words}: no window is proven complete", "timedatectl set-ntp true")


def _services(probes: Probes) -> Check:
    services = [f"{name} at {probes.service(name).partition('://')[2]}" for name in probes.services()]
    return Check("services", Verdict.PASS, ", ".join(services))


def _hosts(probes: Probes) -> Check:
    times_s = [probes.reach(name).took_s for name in probes.services()]
    return Check("hosts", Verdict.PASS, f"{len(times_s)} answer, in {max(times_s) * 1000:.0f} ms at most")


def _access(probes: Probes, account: Account) -> Iterator[Check]:
    try:
        contact = probes.one_row()
    except PermissionMissing as error:
        yield Check("credentials", Verdict.PASS, "LivePerson accepts them")
        yield _failed("permission", error)
        return
    except AuthError as error:
        yield _failed("credentials", error)
        return
    except ArchiverError as error:
        yield Check("credentials", Verdict.SKIP, "the call failed for another reason")
        yield _failed("permission", error)
        return
    yield Check("credentials", Verdict.PASS, "LivePerson accepts them")
    yield Check("permission", Verdict.PASS, f"conversations can be read (one row in {contact.took_s * 1000:.0f} ms)")
    limits = ", ".join(f"{name}: {value}" for name, value in contact.rate_headers)
    ours = f"we ask at most {account.rate_limiter().per_s:g} times a second"
    yield Check("rate", Verdict.PASS, f"{limits or 'LivePerson names no limits'}; {ours} (ARCHIVER_RATE)")


# ── this machine ──


def _ours(settings: Settings) -> Iterator[Check]:
    try:
        folder = settings.archive
    except ArchiverError:
        return
    if not is_archive(folder):
        yield Check("archive", Verdict.WARN, f"there is no archive in {folder} yet", "archiver harvest")
        yield Check("store", Verdict.SKIP, "there is no archive yet")
        yield _disk(folder)
        return
    try:
        with open_archive(folder, account=settings.optional("account")) as archive:
            yield _tried("archive", lambda: _archive(archive))
            yield _tried("store", lambda: _with_store(settings, archive))
    except ArchiverError as error:
        yield _failed("archive", error)
        yield Check("store", Verdict.SKIP, "needs the archive")
    yield _disk(folder)


def _archive(archive: ArchiveFile) -> Check:
    archive.check_writable()
    conversations, messages = archive.vault.totals()
    unproven, last = archive.ledger.unproven(), archive.ledger.last_finished()
    held = f"{counted(conversations, 'conversation')}, {counted(messages, 'message')}"
    cause = f"{held}; last harvest {last or 'never finished'}"
    if others := open_to_others(archive.folder):
        words = f"{cause}; other users may read {len(others)} of its files, such as {others[0]}"
        return Check("archive", Verdict.WARN, words, f"chmod -R go= {archive.folder}")
    if unproven:
        windows = counted(len(unproven), "window")
        return Check("archive", Verdict.WARN, f"{cause}; {windows} unproven", "archiver harvest")
    return Check("archive", Verdict.PASS, cause)


def _with_store(settings: Settings, archive: ArchiveFile) -> Check:
    with closing(open_store(settings.store, folder=archive.folder, archive_id=archive.id)) as store:
        return _store(archive, store)


def _store(archive: ArchiveFile, store: StoreAdmin) -> Check:
    status = index_status(archive, store)
    cause = f"{status.kind} holds {counted(status.conversations, 'conversation')}"
    if not status.is_current:
        return Check("store", Verdict.FAIL, f"{cause}, built by another version of this program", "archiver reindex")
    if status.faults:
        words, _, advice = status.faults[0].partition(". ")
        return Check("store", Verdict.FAIL, f"{cause}; {words}", advice)
    if status.leftovers:
        return Check("store", Verdict.WARN, f"{cause}; left behind: {', '.join(status.leftovers)}", "archiver reindex")
    behind, refused = archive.vault.head() - status.applied, len(store.refused())
    if refused:
        return Check("store", Verdict.WARN, f"{cause}, refused {refused}", "archiver reindex --refused")
    if behind:
        return Check(
            "store",
            Verdict.WARN,
            f"{cause}, {counted(behind, 'vault entry')} behind",
            "archiver reindex",
        )
    return Check("store", Verdict.PASS, cause)


def _disk(folder: Path) -> Check:
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    try:
        free = shutil.disk_usage(there).free
    except OSError as error:
        return Check("disk", Verdict.FAIL, f"{there}: {error}", f"ls -ld {there}")
    words = f"{free / 1e9:.1f} GB free at {there}"
    if free < _LEAST_FREE_BYTES:
        return Check("disk", Verdict.WARN, words, "Free some space, or move the archive (ARCHIVER_ARCHIVE).")
    return Check("disk", Verdict.PASS, words)
