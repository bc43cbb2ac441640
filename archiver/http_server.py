"""Serves an ASGI application over HTTP in a thread of its own, which no client can exhaust."""

from __future__ import annotations

import socket
import ssl
import threading
from asyncio import TimerHandle
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any, ClassVar

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from archiver.errors import ConfigError

_MOST_SILENT = 100  # connections that wait for their client
_PATIENCE_S = 10


class _Impatient(H11Protocol):
    """Ends a connection whose client sends no whole request, or takes no more of an answer, for so long; and of too
    many such connections the one that has waited longest.
    """

    _silent: ClassVar[deque[_Impatient]] = deque()
    _timer: TimerHandle | None = None
    _is_paused = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait_for_client()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._wait_for_client()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._is_paused = True
        self._wait_for_client()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._is_paused = False

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def _wait_for_client(self) -> None:
        self._forget()
        self._timer = self.loop.call_later(_PATIENCE_S, self._end_if_silent)
        self._silent.append(self)
        if len(self._silent) > _MOST_SILENT:
            self._silent[0]._end_if_silent()

    def _end_if_silent(self) -> None:
        self._forget()
        if self._is_paused:
            self.transport.abort()
        elif self.cycle is None or self.cycle.response_complete:
            self.transport.close()

    def _forget(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self in self._silent:
            self._silent.remove(self)


def bind(host: str, port: int, what: str) -> socket.socket:
    """A socket that listens on an address of this machine. Raises ConfigError, which names `what`, if the address can't
    be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches off Nagle's algorithm only where the protocol is named: else each answer waits for 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        raise ConfigError(
            f"{what} can't be served on {host}:{port}: {error}", hint="Choose another address with --listen HOST:PORT."
        ) from error
    return listener


def is_local(listener: socket.socket) -> bool:
    """Whether only this machine can reach a socket."""
    return ip_address(listener.getsockname()[0]).is_loopback


@contextmanager
def serving(
    application: Any, listener: socket.socket, host: str, *, certificate: Path | None = None, key: Path | None = None
) -> Iterator[str]:  # fmt: skip
    """Serves within the context, over https with a certificate; the URL, with the host as it was named. Closes the
    socket at the end.
    """
    config = uvicorn.Config(
        application, log_config=None, access_log=False, server_header=False, proxy_headers=False, ws="none",
        timeout_keep_alive=_PATIENCE_S, timeout_graceful_shutdown=1, http=_Impatient,
        ssl_certfile=certificate, ssl_keyfile=key,
    )  # fmt: skip
    try:
        config.load()  # reads the certificate
    except (OSError, ssl.SSLError) as error:
        listener.close()
        raise ConfigError(
            f"the certificate {certificate} or its key can't be used: {error}",
            hint="Check web_certificate and web_key.",
        ) from error
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True, name="http")
    thread.start()
    place = f"[{host}]" if ":" in host else host
    try:
        yield f"{'https' if certificate else 'http'}://{place}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(_PATIENCE_S)
        listener.close()
