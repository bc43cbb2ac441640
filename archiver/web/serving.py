"""Serves the site over HTTP in a thread of its own."""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any, ClassVar

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from archiver.app import Archive
from archiver.config import WebAuth, WebSettings, web_settings
from archiver.errors import ConfigError
from archiver.service import Respond
from archiver.web.site import Site

_MOST_SILENT = 200  # connections without a request
_PATIENCE_S = 10


@contextmanager
def served(make: Callable[[], Archive], respond: Respond | None, host: str, port: int) -> Iterator[str]:
    """Serves the archive that `make` opens on an address of this machine within the context; the URL. `respond` answers
    the addresses of health and metrics. Raises ConfigError for an address that others can reach, and for one that can't
    be had.
    """
    settings = web_settings(make().settings)
    listener = _bound(host, port, has_login=settings.auth is not WebAuth.NONE)
    server = uvicorn.Server(_config(Site(make, respond), settings))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True, name="page")
    thread.start()
    try:
        scheme = "https" if settings.certificate else "http"
        yield f"{scheme}://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(_PATIENCE_S)
        listener.close()


class _Impatient(H11Protocol):
    """Ends a connection that sends no whole request in time, and the oldest of too many."""

    _silent: ClassVar[deque[_Impatient]] = deque()

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.loop.call_later(_PATIENCE_S, self._end_if_silent)
        self._silent.append(self)
        if len(self._silent) > _MOST_SILENT:
            self._silent[0]._end_if_silent()

    def _end_if_silent(self) -> None:
        if self in self._silent:
            self._silent.remove(self)
        if self.cycle is None:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self in self._silent:
            self._silent.remove(self)
        super().connection_lost(exc)


def _config(site: Site, settings: WebSettings) -> uvicorn.Config:
    return uvicorn.Config(
        site.application(), log_config=None, access_log=False, server_header=False, ws="none",
        timeout_keep_alive=_PATIENCE_S, timeout_graceful_shutdown=1, http=_Impatient,
        proxy_headers=False, ssl_certfile=settings.certificate, ssl_keyfile=settings.key,
    )  # fmt: skip


def _bound(host: str, port: int, *, has_login: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        if not has_login and not ip_address(listener.getsockname()[0]).is_loopback:
            raise ConfigError(
                f"{host} can be reached from other machines, and there is no login",
                hint="Set ARCHIVER_WEB_AUTH=token, oidc or proxy (docs/access.md), or listen on 127.0.0.1.",
            )
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        raise ConfigError(
            f"the page can't be served on {host}:{port}: {error}", hint="Choose another with --listen HOST:PORT."
        ) from error
    except ConfigError:
        listener.close()
        raise
    return listener
