"""Notifications to the service manager (systemd, Service Notification Protocol: sd_notify)."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping


class Notifier:
    """Notifies systemd where `NOTIFY_SOCKET` names its socket; elsewhere does nothing."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address  # @: an abstract socket
        self._is_ready = False

    def notify(self, *words: str) -> None:
        """Sends lines such as READY=1. A notification that can't be delivered is dropped."""
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            try:
                channel.sendto("\n".join(words).encode(), self._address)
            except OSError:
                return

    def tick(self, status: str) -> None:
        """Notifies that the service makes progress; the first time, that it is ready."""
        first = () if self._is_ready else ("READY=1",)
        self._is_ready = True
        self.notify(*first, "WATCHDOG=1", f"STATUS={status}")
