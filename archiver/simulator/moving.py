"""An account whose services move to another host while a client uses it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import httpx

from archiver.simulator.faults import Fault, Faults

_DOMAIN = "/service/"


@dataclass(slots=True)
class Moving:
    """Answers for two hosts. After `after` requests the Domain API names `new_host`; the old one then answers every
    request but those to the Domain API with a fault of the kind `old_host`.
    """

    faults: Faults
    new_host: str
    after: int
    old_host: str
    _seen: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            self._seen += 1
            has_moved = self._seen > self.after
        if not has_moved:
            return self.faults(request)
        self.faults.simulator.host = self.new_host
        if _DOMAIN in request.url.path or request.url.netloc.decode() == self.new_host:
            return self.faults(request)
        return Faults(self.faults.simulator, [Fault(self.old_host, place="any")])(request)
