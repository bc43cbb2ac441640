"""Tells what saved searches have found: by a signed webhook, a command, a line in a file, or mail."""

from __future__ import annotations

import hmac
import re
import shlex
import shutil
import ssl
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from archiver.alerts.appending import append_alert
from archiver.alerts.mailing import send_mail
from archiver.archive import ArchiveFile, Delivery, SavedSearch, Target
from archiver.config import MailServer, mail_address, server_url
from archiver.errors import ArchiverError, ConfigError, NotFound, suggest
from archiver.jsontext import decode, encode
from archiver.logs import EventLogger
from archiver.proxies import EnvironmentTransport

_log = EventLogger("alerts")
_WITHIN_S = 15.0
_CLAIMED_FOR = timedelta(minutes=2)  # longer than anything takes that is told
_DELAYS = [timedelta(seconds=s) for s in (5, 30, 120, 600, 3_600, 3 * 3_600, 12 * 3_600)]  # then it is dead
# What a command may hold in braces, by what stands for it in an alert.
_NAMES: Mapping[str, Callable[[dict[str, Any]], str]] = {
    "search": lambda alert: alert["search"],
    "count": lambda alert: str(len(alert["matches"])),
    "id": lambda alert: alert["id"],
    "conversation_id": lambda alert: alert["matches"][0]["conversation_id"],
    "account": lambda alert: alert["account"],
}
_NAME = re.compile(r"\{([a-z_]+)\}")
SECRET_PREFIX = "whsec_"  # noqa: S105  (the prefix of a secret: Standard Webhooks)


class Teller:
    """Tells what is due. Each is told once, whatever other processes tell; if this program is killed while it tells, it
    is told again a little later, with the same id.
    """

    def __init__(self, archive: ArchiveFile, clock: Callable[[], datetime], mail: MailServer | None = None) -> None:
        self._archive, self._clock, self._mail = archive, clock, mail

    def tell(self, is_over: Callable[[], bool] = lambda: False) -> int:
        """Tries everything that is due, until `is_over`; how much was told. What can't be told is tried again after
        growing delays, and at last kept as dead. Raises ArchiveError.
        """
        told = 0
        for delivery in self._archive.saved.due(self._clock()):
            if is_over():
                break
            if not self._archive.saved.claim(delivery, self._clock() + _CLAIMED_FOR):
                continue
            try:
                search = self._archive.saved.one(delivery.search)
                self._tell(search, delivery)
            except NotFound:
                continue  # the search was removed meanwhile, and this with it
            except (ArchiverError, OSError, ValueError, subprocess.SubprocessError) as error:
                self._failed(delivery, error)
            else:
                self._archive.saved.told(delivery)
                told += 1
        return told

    def _tell(self, search: SavedSearch, delivery: Delivery) -> None:
        content = {**decode(delivery.content), "id": f"{self._archive.id}-{delivery.id}"}
        if search.target is Target.NOBODY:
            return  # the search was changed since
        how = {Target.WEBHOOK: self._post, Target.COMMAND: _run, Target.FILE: _append, Target.MAIL: self._send}
        how[search.target](search, content)

    def _post(self, search: SavedSearch, content: dict[str, Any]) -> None:
        """Posts it, signed by Standard Webhooks: HMAC-SHA256 of id, time stamp and body."""
        body, stamp = encode(content), str(int(self._clock().timestamp()))
        key = b64decode(search.secret.removeprefix(SECRET_PREFIX))
        signature = hmac.digest(key, f"{content['id']}.{stamp}.".encode() + body, "sha256")
        headers = {
            "Content-Type": "application/json", "webhook-id": content["id"], "webhook-timestamp": stamp,
            "webhook-signature": f"v1,{b64encode(signature).decode()}",
        }  # fmt: skip
        transport = EnvironmentTransport(ssl.create_default_context())
        try:
            with httpx.Client(timeout=_WITHIN_S, trust_env=False, transport=transport) as client:
                answer = client.post(search.place, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise ConfigError(f"the webhook does not answer: {type(error).__name__}") from error
        if not answer.is_success:
            raise ConfigError(f"the webhook answered {answer.status_code}")

    def _send(self, search: SavedSearch, content: dict[str, Any]) -> None:
        send_mail(self._mail, search.place, content)

    def _failed(self, delivery: Delivery, error: Exception) -> None:
        is_last = delivery.attempts >= len(_DELAYS)
        due_at = None if is_last else self._clock() + _DELAYS[delivery.attempts]
        told = error.message if isinstance(error, ArchiverError) else f"{type(error).__name__}: {error}"
        self._archive.saved.failed(delivery, told[:500], due_at)
        again = f"it is tried again at {due_at:%H:%M:%S} UTC" if due_at else "it is not tried any more"
        what = f"{again}: archiver saved deliveries"
        _log.warning("alert.failed", f"an alert of {delivery.search!r} could not be told: {told[:200]}; {what}")


def _run(search: SavedSearch, content: dict[str, Any]) -> None:
    """Runs a command without a shell; it reads the JSON on its standard input."""
    values = {name: value_of(content) for name, value_of in _NAMES.items()}
    words = [_filled(word, values) for word in shlex.split(search.place)]
    done = subprocess.run(  # noqa: S603  (the command is of whoever may write the archive, and no shell reads it)
        words, input=encode(content), capture_output=True, timeout=_WITHIN_S * 4, check=False
    )
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()[-200:]
        raise ConfigError(f"the command ended with {done.returncode}{': ' if said else ''}{said}")


def _filled(word: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        word = word.replace(f"{{{name}}}", value)
    return word


def _append(search: SavedSearch, content: dict[str, Any]) -> None:
    append_alert(Path(search.place), encode(content))


def _checked_command(text: str) -> str:
    """A command whose program is there, and which holds no name that stands for nothing. Raises ConfigError."""
    words = []
    with suppress(ValueError):
        words = shlex.split(text)
    if not words:
        raise ConfigError(f"the command {text!r} can't be read", hint="Such as: notify --title '{search}' {count}")
    if shutil.which(words[0]) is None:
        raise ConfigError(f"there is no program {words[0]!r}", hint="Name it by its whole path.")
    for name in _NAME.findall(text):
        if name not in _NAMES:
            raise ConfigError(f"{{{name}}} stands for nothing", hint=suggest(name, _NAMES, what="Names"))
    return text


def checked_place(target: Target, place: str) -> str:
    """Where a search is told, in full. Raises ConfigError for what can't be."""
    if target is Target.WEBHOOK:
        server_url(place, setting="--webhook", example="https://hooks.example.com/archiver")  # raises
        return place
    if target is Target.COMMAND:
        return _checked_command(place)
    if target is Target.MAIL:
        return mail_address(place, "--mail")
    path = Path(place).absolute()
    if not path.parent.is_dir() or (path.exists() and not path.is_file()):
        raise ConfigError(f"{path} can't be a file", hint="Name a file in a folder that exists.")
    return str(path)
