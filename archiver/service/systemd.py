"""What the process that started a service is told of it (systemd, Service Notification Protocol: sd_notify)."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping


class Notifier:
    """Tells systemd, where `NOTIFY_SOCKET` says that it listens; elsewhere nothing."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "").replace("@", "\0", 1)
        self._is_ready = False

    def tell(self, *words: str) -> None:
        """Sends lines such as READY=1. What does not reach the supervisor is not worth ending for."""
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            try:
                channel.sendto("\n".join(words).encode(), self._address)
            except OSError:
                return

    def tick(self, status: str) -> None:
        """The service goes on: at first that it is ready, later that it lives."""
        first = () if self._is_ready else ("READY=1",)
        self._is_ready = True
        self.tell(*first, "WATCHDOG=1", f"STATUS={status}")
