"""Answers requests in threads of their own: a few at a time, each within a time, and none that nobody waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from starlette.requests import Request
from starlette.responses import Response

from archiver.errors import ArchiverError, StoreUnavailable
from archiver.web import faults

_WITHIN_S = 60.0
_CLIENT_LEFT = 499

Answer = Callable[[Request], Response]
Fault = Callable[[Request, ArchiverError], Response]


class Answering:
    """`fault` makes the answer of an error. Whatever goes wrong is answered here, so that nothing of it is logged but
    its kind.
    """

    def __init__(self, fault: Fault, threads: int) -> None:
        self._fault = fault
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="page")
        self._free = asyncio.Semaphore(threads)

    def by(self, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint that runs a function in a thread."""

        async def endpoint(request: Request) -> Response:
            async with self._free:
                if await request.is_disconnected():
                    return Response(status_code=_CLIENT_LEFT)
                try:
                    work = asyncio.get_running_loop().run_in_executor(self._pool, answer, request)
                    return await asyncio.wait_for(work, _WITHIN_S)
                except ArchiverError as error:
                    return self._fault(request, error)
                except TimeoutError:
                    return self._fault(request, StoreUnavailable("the answer took too long", hint="Try again later."))
                except Exception as error:  # noqa: BLE001  (its text may hold what a customer wrote)
                    return self._fault(request, faults.unexpected(error))

        return endpoint

    def end(self) -> None:
        """Ends the threads; one within a request is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)
