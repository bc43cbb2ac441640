"""Answers requests in threads of their own: a few at a time, each within a time, and none that nobody waits for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from archiver.errors import ArchiverError, ConfigError
from archiver.foreground import Foreground
from archiver.web import faults
from archiver.web.problems import refusal

_WITHIN_S, _FORM_WITHIN_S = 60.0, 10.0
_CLIENT_LEFT = 499
_MOST_FORM_BYTES, _MOST_FIELDS = 65_536, 100

Answer = Callable[[Request], Response]
Fault = Callable[[Request, ArchiverError], Response]


async def _form(request: Request) -> dict[str, str]:
    """The fields of the form that was sent; none with a GET. Raises ConfigError or ValueError for too long a one."""
    if request.method != "POST":
        return {}
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > _MOST_FORM_BYTES:
            raise ConfigError("the form is too long")
    return dict(parse_qsl(content.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS))


class Answering:
    """`fault` makes the answer of an error. Whatever goes wrong is answered here, so that nothing of it is logged but
    its kind.
    """

    def __init__(self, fault: Fault, threads: int, foreground: Foreground) -> None:
        self._fault, self._threads, self._foreground = fault, threads, foreground
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="page")
        self._free = asyncio.Semaphore(threads)

    def by(self, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint that runs a function in a thread."""

        async def endpoint(request: Request) -> Response:
            try:
                request.state.form = await asyncio.wait_for(_form(request), _FORM_WITHIN_S)
            except (ArchiverError, ValueError, TimeoutError, ClientDisconnect):
                return refusal(request.url.path, 413, "the form is too long or too slow")
            async with self._free:
                if request.method != "POST" and await request.is_disconnected():
                    return Response(status_code=_CLIENT_LEFT)
                work = asyncio.get_running_loop().run_in_executor(self._pool, self._answered, answer, request)
                try:
                    return await asyncio.wait_for(work, _WITHIN_S)
                except TimeoutError:
                    return refusal(request.url.path, 503, "the answer took too long; try again later")

        return endpoint

    def prepare(self, work: Callable[[], object]) -> None:
        """Begins to do in each thread what its first answer would have to wait for."""
        together = threading.Barrier(self._threads)

        def prepare() -> None:
            with suppress(threading.BrokenBarrierError):
                together.wait(_FORM_WITHIN_S)  # so that no thread does it twice
                work()

        for _ in range(self._threads):
            self._pool.submit(prepare)

    def _answered(self, answer: Answer, request: Request) -> Response:
        try:
            if request.method == "POST":  # writes, and may wait for what the background is writing
                return answer(request)
            with self._foreground.answering():
                return answer(request)
        except ArchiverError as error:
            return self._told(request, error)
        except Exception as error:  # noqa: BLE001  (its text may hold what a customer wrote)
            return self._told(request, faults.unexpected(error))

    def _told(self, request: Request, error: ArchiverError) -> Response:
        """The answer of an error; in plain words if that can't be made."""
        try:
            return self._fault(request, error)
        except Exception as second:  # noqa: BLE001  (as above)
            faults.unexpected(second)
            return refusal(request.url.path, faults.status_of(error), f"{error.message}. {error.hint or ''}")

    def end(self) -> None:
        """Ends the threads; one within a request is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)
