"""The Messaging Interactions API: search (method A), look-up by ids (B), a consumer's conversations (C).

Pages: Messaging Interactions API, Methods: Conversations, Get Conversation by Conversation ID, Get Conversations by
Consumer ID. The search filters are in `filters`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from datetime import datetime, timedelta
from typing import Any

import httpx

from archiver.errors import BadAnswer, Unproven
from archiver.jsontext import encode
from archiver.liveperson.answers import read_page
from archiver.liveperson.auth import Access
from archiver.liveperson.calls import CallSettings, perform
from archiver.liveperson.domains import Domains
from archiver.liveperson.filters import CONTENT, LIGHT_CONTENT, MOST_PER_PAGE, Filters, Parameters, Status
from archiver.liveperson.page_check import PageCheck
from archiver.liveperson.pages_ahead import PagesAhead
from archiver.liveperson.server_time import ServerTime
from archiver.model import CELL, Window
from archiver.received import NO_PAGE, Conversation, Page
from archiver.value import replace

_TRIES_FOR_ALL_SHARDS, _TRIES_IN_BRIEF = 3, 2
ROWS_SHARED = 2  # rows that neighbouring pages of a search share
_SERVICE = "msgHist"

PageParameters = Callable[[int], dict[str, str | int]]  # the URL parameters of the page at an offset


class Client:
    """One LivePerson account. Every request raises SourceError or one of its subclasses.

    Iterators of pages yield each page as it arrives. At the end they raise Unproven if the pages do not add up to what
    LivePerson announced: a caller who reaches the end without an error has everything.
    """

    def __init__(
        self, client: httpx.Client, domains: Domains, account: str, access: Access, settings: CallSettings,
        time: ServerTime,
    ) -> None:  # fmt: skip
        self._client = client
        self._domains = domains
        self._path = f"/messaging_history/api/account/{account}/conversations"
        self._access = access
        self._settings = settings
        self._time = time

    def now(self) -> datetime | None:
        """LivePerson's present time by its answers so far, never later than it really is; None if none named it."""
        return self._time.now()

    def ask_time(self) -> datetime | None:
        """`now`, after a first request (where the conversations are served) if there was none yet."""
        self._domains.base_url(_SERVICE)
        return self.now()

    @property
    def skew(self) -> timedelta | None:
        """How far this machine's clock was ahead of LivePerson's at the last answer that named the time."""
        return self._time.skew

    def time_fault(self) -> str | None:
        """Why no window can be proven complete at present: LivePerson's time is not known, or this machine's clock
        differs from it by more than ten minutes. None if neither.
        """
        return self._time.fault()

    def search(self, filters: Filters, parameters: Parameters = Parameters()) -> Iterator[Page]:  # noqa: B008  (frozen)
        """Method A: the conversations that pass the filters, by default oldest first. A conversation may come twice."""
        return self._pages("/search", filters.body(), parameters.of_search, anchor=ROWS_SHARED)

    def pages(
        self, span: Window, *, statuses: Sequence[Status] = (), skill_ids: Sequence[int] = (), is_light: bool = False
    ) -> Iterator[Page]:  # fmt: skip
        """All conversations that started in `span`, rounded outward by the server, oldest first. A conversation may
        come twice. With `statuses` or `skill_ids`, only those in one of these statuses, or at present in one of these
        skills. With `is_light`, of each little more than its `info`.
        """
        content = LIGHT_CONTENT if is_light else CONTENT
        skills = tuple(skill_ids)
        filters = Filters(start=span, statuses=tuple(statuses), latest_skill_ids=skills, content=content)
        return (replace(page, is_light=is_light) for page in self.search(filters))

    def count(self, span: Window) -> int:
        """How many conversations LivePerson announces for `span`, rounded outward. Raises Unproven without an announced
        count.
        """
        page = self._whole("/search", Parameters(limit=1).of_search(0), Filters(start=span).body())
        if page.total < 0 or not page.is_complete:
            raise Unproven(f"LivePerson does not say how many conversations started in {span}")
        return page.total

    def updated(self, span: Window, since: datetime, *, is_light: bool = False) -> Iterator[Page]:
        """All conversations that started in `span` and that LivePerson reports as changed at or after `since`. The
        server rounds both outward. The span may be three months long at most. `is_light` as for `pages`.
        """
        content = LIGHT_CONTENT if is_light else CONTENT
        filters = Filters(start=span, updated_since=since, content=content)
        return (replace(page, is_light=is_light) for page in self.search(filters))

    def by_ids(
        self, ids: Sequence[str], *, content: Sequence[str] = CONTENT, sde_capping: str | None = None,
        parameters: Parameters = Parameters(), is_brief: bool = False,  # noqa: B008  (frozen)
    ) -> Iterator[Page]:  # fmt: skip
        """Method B: the conversations with these ids (1 to 100) in full: all SDEs, thumbnails, nothing truncated.

        Ids that LivePerson does not have (any more) are left out. With `is_brief`, a failing server is given up on
        early: one oversized conversation may be the cause.
        """
        if not 0 < len(ids) <= MOST_PER_PAGE:
            raise ValueError(f"1 to {MOST_PER_PAGE} ids, not {len(ids)}")
        body: dict[str, Any] = {"conversationIds": list(ids), "contentToRetrieve": list(content)}
        if sde_capping:
            body["cappingConfiguration"] = sde_capping
        asking = self._briefly() if is_brief else self
        pages = asking._pages("/conversation/search", body, parameters.of_look_up, most=len(set(ids)))
        return (replace(page, conversations=tuple(map(_as_deep, page.conversations))) for page in pages)

    def _briefly(self) -> Client:
        other = copy(self)
        other._settings = self._settings.with_tries(_TRIES_IN_BRIEF)
        return other

    def by_consumer(
        self, consumer: str, *, statuses: Sequence[Status] = tuple(Status), content: Sequence[str] = CONTENT,
        parameters: Parameters = Parameters(),  # noqa: B008  (frozen)
    ) -> Iterator[Page]:  # fmt: skip
        """Method C: a consumer's conversations. `consumer` is the `participantId` of `consumerParticipants`."""
        body = {"consumer": consumer, "status": list(statuses), "contentToRetrieve": list(content)}
        return self._pages("/consumer/search", body, parameters.of_consumer)

    def prove_access(self, now: datetime) -> httpx.Response:
        """Requests and reads one row of the ten minutes before `now`, so that wrong settings are found before anything
        is created from them.
        """
        body = Filters(start=Window(now - CELL, now), content=()).body()
        response = self._post("/search", Parameters(limit=1).of_search(0), body)
        _read(response)
        return response

    def _pages(
        self, method: str, body: dict[str, Any], query: PageParameters, *, most: int | None = None, anchor: int = 0
    ) -> Iterator[Page]:
        """`most` is the largest possible number of results, where it is known: then the server need not announce a
        count.
        """
        proof, offset, received, is_last = PageCheck(anchor), 0, 0, False
        pages = PagesAhead(lambda offset: self._whole(method, query(offset), body))
        while not is_last:
            page = pages.at(offset)
            is_new = proof.add(page)
            received += len(page)
            is_whole = offset + len(page) >= page.total if page.total >= 0 else not is_new or received == most
            is_last = not len(page) or is_whole or proof.is_endless(offset)
            is_only = is_last and offset == 0
            offset = proof.next_offset(offset, page)
            yield page
            pages.expect(() if is_last else proof.expected_offsets(offset, page))
        if anchor and not is_only:  # a single page can't shift
            proof.add_count(self._whole(method, query(0) | {"limit": 1}, body).total)
        fault = proof.fault(needs_count=most is None)
        if fault:
            raise Unproven(fault, is_reordered=proof.is_reordered())

    def _whole(self, method: str, query: dict[str, str | int], body: dict[str, Any]) -> Page:
        """One page, requested again if some of LivePerson's shards did not answer."""
        page = self._page(method, query, body)
        for _ in range(_TRIES_FOR_ALL_SHARDS - 1):
            if page.is_complete:
                break
            page = self._page(method, query, body)
        return page

    def _page(self, method: str, query: dict[str, str | int], body: dict[str, Any]) -> Page:
        """One decoded response; requested once more, wherever the service is then, if it cannot be decoded."""
        try:
            return _read(self._post(method, query, body))
        except BadAnswer:
            self._domains.has_moved()
            return _read(self._post(method, query, body))

    def _post(self, method: str, query: dict[str, str | int], body: dict[str, Any]) -> httpx.Response:
        content = encode(body)
        self._domains.base_url(_SERVICE)  # an unreachable Domain API is reported at once, not after minutes of retries

        def post() -> httpx.Response:
            return self._client.post(
                self._domains.base_url(_SERVICE) + self._path + method,
                params=query,
                content=content,
                headers={"Content-Type": "application/json"},
                auth=self._access,
            )

        return perform(post, self._settings, read=lambda response: response, has_moved=self._domains.has_moved)

    def close(self) -> None:
        """Closes the session at LivePerson, if there is one."""
        self._access.leave(self._client)
        self._client.close()


def _as_deep(conversation: Conversation) -> Conversation:
    return replace(conversation, is_deep=True)


def _read(response: httpx.Response) -> Page:
    """Decodes a response. 204 means no results; a 200 without a body is an error."""
    return NO_PAGE if response.status_code == 204 else read_page(response.content)
