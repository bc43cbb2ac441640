"""Serves the site."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from archiver.app import Archive
from archiver.config import WebAuth, web_settings
from archiver.errors import ConfigError
from archiver.foreground import Foreground
from archiver.http_server import bind, is_local, serving
from archiver.logs import EventLogger
from archiver.service import Respond
from archiver.web.site import Site

_log = EventLogger("web")
_UNENCRYPTED = (
    "so that logins and transcripts can be read on the way: set web_certificate and web_key, or web_url to the https"
    " address of the server in front of it"
)


@contextmanager
def served(
    make: Callable[[], Archive], respond: Respond | None, host: str, port: int, foreground: Foreground | None = None
) -> Iterator[str]:  # fmt: skip
    """Serves the archive that `make` opens on an address of this machine within the context; the URL. `respond` answers
    the addresses of health and metrics; `foreground` counts the answers. Raises ConfigError for an address that can't
    be had, and, without a login, for one that others can reach.
    """
    settings = web_settings(make().settings)
    if settings.auth is not WebAuth.NONE:
        _check_audit(make())
    application = Site(make, respond, foreground or Foreground()).application()
    listener = bind(host, port, "the page")
    if settings.auth is WebAuth.NONE and not is_local(listener):
        listener.close()
        raise ConfigError(
            f"{host} can be reached from other machines, and there is no login",
            hint="Set ARCHIVER_WEB_AUTH=token, oidc or proxy (docs/access.md), or listen on 127.0.0.1.",
        )
    if not is_local(listener) and not settings.is_encrypted:
        _log.warning("web.unencrypted", f"the page on {host} is served without https, {_UNENCRYPTED}")
    with serving(application, listener, host, certificate=settings.certificate, key=settings.key) as url:
        yield url


def _check_audit(archive: Archive) -> None:
    """Raises ConfigError if nothing could be written into the audit log, so that nothing could be answered."""
    with archive:
        if archive.exists and not archive.file.is_writable:
            raise ConfigError(
                f"{archive.file.folder} is read-only for this user, so that no audit log can be written",
                hint="Serve it as a user who may write it, or without a login on this machine.",
            )
