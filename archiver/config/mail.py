"""The settings of the mail server by which alerts are told."""

from __future__ import annotations

import re

from archiver.config.secrets import Secret
from archiver.config.settings import Settings
from archiver.config.urls import is_loopback
from archiver.errors import ConfigError
from archiver.value import Value

_SERVER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/@\[\]]+)(?::(\d{1,5}))?")
_SUBMISSION, _SUBMISSIONS = 587, 465  # RFC 8314: STARTTLS, and TLS from the begin


class MailServer(Value):
    """A server that sends mail as `sender`. The connection may be unencrypted if it `is_open`: on this machine."""

    host: str
    port: int
    sender: str
    username: str | None
    password: Secret | None

    @property
    def is_encrypted_at_once(self) -> bool:
        return self.port == _SUBMISSIONS

    @property
    def is_open(self) -> bool:
        return is_loopback(self.host)


def mail_server(settings: Settings) -> MailServer | None:
    """The mail server of these settings; None if there is none. Raises ConfigError."""
    text = settings.optional("mail_server")
    if text is None:
        return None
    found = _SERVER.fullmatch(text)
    if found is None or not 0 < int(found[2] or _SUBMISSION) < 1 << 16:
        raise ConfigError(f"mail_server {text!r} is no server", hint="Write a host and a port: mail.example.com:587")
    username = settings.optional("mail_username")
    return MailServer(
        found[1].strip("[]"), int(found[2] or _SUBMISSION), mail_address(settings.text("mail_from"), "mail_from"),
        username, settings.secret("mail_password") if username else None,
    )  # fmt: skip


def mail_address(text: str, setting: str) -> str:
    """An address of one person. Raises ConfigError."""
    if not re.fullmatch(r"[^\s@<>(),;:\"\\]+@[^\s@<>(),;:\"\\]+", text) or not text.isascii() or not text.isprintable():
        raise ConfigError(f"{setting} {text!r} is no mail address", hint="It looks like legal@example.com")
    return text
