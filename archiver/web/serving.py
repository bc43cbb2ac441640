"""Serves the site over HTTP until it is told to stop."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import closing
from ipaddress import ip_address

import uvicorn

from archiver.app import Archive
from archiver.errors import ConfigError
from archiver.web.site import Site

_MOST_CONNECTIONS = 256
_PATIENCE_S = 10


def serve(make: Callable[[], Archive], host: str, port: int, *, on_ready: Callable[[str], None]) -> None:
    """Serves the archive that `make` opens on an address of this machine until a signal ends it; `on_ready` gets the
    URL. Raises ConfigError for an address that others can reach, and one that can't be had.
    """
    listener = _bound(host, port)
    with closing(listener):
        address = listener.getsockname()
        on_ready(f"http://{f'[{host}]' if ':' in host else host}:{address[1]}")
        config = uvicorn.Config(
            Site(make).application(is_local=True), log_config=None, access_log=False, server_header=False,
            timeout_keep_alive=_PATIENCE_S, limit_concurrency=_MOST_CONNECTIONS, timeout_graceful_shutdown=_PATIENCE_S,
            ws="none",
        )  # fmt: skip
        uvicorn.Server(config).run(sockets=[listener])


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        if not ip_address(listener.getsockname()[0]).is_loopback:
            raise ConfigError(
                f"{host} can be reached from other machines, and the page has no login yet",
                hint="Use 127.0.0.1, and a tunnel or a proxy with a login in front of it.",
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
