"""The Messaging Interactions API: search (method A), look-up by ids (B), a consumer's conversations (C).

Pages: Messaging Interactions API, Methods: Conversations, Get Conversation by Conversation ID, Get Conversations by
Consumer ID. What may be asked is in `filters`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from datetime import datetime
from typing import Any

import httpx

from archiver.errors import AuthError, BadAnswer, SourceError, Unproven
from archiver.jsontext import encode
from archiver.liveperson.answers import read_page
from archiver.liveperson.auth import Access
from archiver.liveperson.calls import CallSettings, perform
from archiver.liveperson.domains import Domains
from archiver.liveperson.filters import CONTENT, MOST_PER_PAGE, Filters, Parameters, Status
from archiver.liveperson.page_check import PageCheck
from archiver.model import CELL, NO_PAGE, Conversation, Page, Window

_TRIES_FOR_ALL_SHARDS, _TRIES_IN_BRIEF = 3, 2
_ANCHOR = 2  # rows that neighbouring pages of a search share
_SERVICE = "msgHist"

PageParameters = Callable[[int], dict[str, str | int]]  # the URL parameters of the page at an offset


class Client:
    """One LivePerson account. Every method raises SourceError or one of its kinds.

    Iterators of pages give each page once it is there, and at their end raise Unproven if what came is not all that
    LivePerson announced: whoever reads one to its end without an error has everything.
    """

    def __init__(
        self, client: httpx.Client, domains: Domains, account: str, access: Access, settings: CallSettings
    ) -> None:
        self._client = client
        self._domains = domains
        self._path = f"/messaging_history/api/account/{account}/conversations"
        self._access = access
        self._settings = settings

    def search(self, filters: Filters, parameters: Parameters = Parameters()) -> Iterator[Page]:  # noqa: B008  (frozen)
        """Method A: the conversations that the filters let through, by default oldest first; one may come twice."""
        return self._pages("/search", filters.body(), parameters.of_search, anchor=_ANCHOR)

    def pages(
        self, span: Window, *, statuses: Sequence[Status] = (), skill_ids: Sequence[int] = ()
    ) -> Iterator[Page]:  # fmt: skip
        """All conversations that started in `span`, rounded outward by the server, oldest first; one may come twice.

        Only those of some statuses, or that are in some skills now, if any are named.
        """
        return self.search(Filters(start=span, statuses=tuple(statuses), latest_skill_ids=tuple(skill_ids)))

    def count(self, span: Window) -> int:
        """How many conversations LivePerson announces for `span`, rounded outward. Raises Unproven if it does not."""
        page = self._whole("/search", Parameters(limit=1).of_search(0), Filters(start=span).body())
        if page.total < 0 or not page.is_complete:
            raise Unproven(f"LivePerson does not say how many conversations started in {span}")
        return page.total

    def updated(self, span: Window, since: datetime) -> Iterator[Page]:
        """All conversations that started in `span` and changed at or after `since`, as far as LivePerson notes that.

        The server rounds both outward. The span may be three months long at most.
        """
        return self.search(Filters(start=span, updated_since=since))

    def by_ids(
        self, ids: Sequence[str], *, content: Sequence[str] = CONTENT, sde_capping: str | None = None,
        parameters: Parameters = Parameters(), is_brief: bool = False,  # noqa: B008  (frozen)
    ) -> Iterator[Page]:  # fmt: skip
        """Method B: the conversations with these ids (1 to 100) in full: all SDEs, thumbnails, nothing cut.

        Ids that LivePerson does not have (any more) are left out. With `is_brief`, a server that fails is not waited
        for long: one such conversation may be too much for it.
        """
        if not 0 < len(ids) <= MOST_PER_PAGE:
            raise ValueError(f"1 to {MOST_PER_PAGE} ids, not {len(ids)}")
        body: dict[str, Any] = {"conversationIds": list(ids), "contentToRetrieve": list(content)}
        if sde_capping:
            body["cappingConfiguration"] = sde_capping
        asking = self._briefly() if is_brief else self
        return asking._pages("/conversation/search", body, parameters.of_look_up, most=len(set(ids)))

    def _briefly(self) -> Client:
        other = copy(self)
        other._settings = self._settings.with_tries(_TRIES_IN_BRIEF)
        return other

    def in_full(self, conversations: Sequence[Conversation]) -> tuple[list[Conversation], str | None]:
        """The same conversations as a look-up by id gives them, and what was wrong with it, if anything.

        Those that it does not give, and those behind the first hundred, stay as they are. Raises AuthError.
        """
        found: dict[str, Conversation] = {}
        fault: str | None = None
        ids = [item.id for item in conversations[:MOST_PER_PAGE]]
        try:
            for page in self.by_ids(ids, is_brief=True) if ids else ():
                found.update((item.id, item) for item in page.conversations)
        except AuthError:
            raise
        except SourceError as error:
            fault = error.message
        return [found.get(item.id, item) for item in conversations], fault

    def by_consumer(
        self, consumer: str, *, statuses: Sequence[Status] = tuple(Status), content: Sequence[str] = CONTENT,
        parameters: Parameters = Parameters(),  # noqa: B008  (frozen)
    ) -> Iterator[Page]:  # fmt: skip
        """Method C: a consumer's conversations. `consumer` is the `participantId` of `consumerParticipants`."""
        body = {"consumer": consumer, "status": list(statuses), "contentToRetrieve": list(content)}
        return self._pages("/consumer/search", body, parameters.of_consumer)

    def prove_access(self, now: datetime) -> httpx.Response:
        """One row asked for and read, so that wrong settings are found before anything is made of them."""
        body = Filters(start=Window(now - CELL, now), content=()).body()
        response = self._post("/search", Parameters(limit=1).of_search(0), body)
        _read(response)
        return response

    def _pages(
        self, method: str, body: dict[str, Any], query: PageParameters, *, most: int | None = None, anchor: int = 0
    ) -> Iterator[Page]:
        """`most` is how many there can be at most, where that is known: then no count needs to be announced."""
        proof, offset, came, is_last = PageCheck(anchor), 0, 0, False
        while not is_last:
            page = self._whole(method, query(offset), body)
            is_new = proof.add(page)
            came += len(page)
            yield page
            is_whole = offset + len(page) >= page.total if page.total >= 0 else not is_new or came == most
            is_last = not len(page) or is_whole or proof.is_endless(offset)
            is_only = is_last and offset == 0
            offset = proof.next_offset(offset, page)
        if anchor and not is_only:  # a single page can't shift
            proof.add_count(self._whole(method, query(0) | {"limit": 1}, body).total)
        fault = proof.fault(needs_count=most is None)
        if fault:
            raise Unproven(fault, is_reordered=proof.is_reordered())

    def _whole(self, method: str, query: dict[str, str | int], body: dict[str, Any]) -> Page:
        """One page, asked for again if some of LivePerson's shards did not answer."""
        page = self._page(method, query, body)
        for _ in range(_TRIES_FOR_ALL_SHARDS - 1):
            if page.is_complete:
                break
            page = self._page(method, query, body)
        return page

    def _page(self, method: str, query: dict[str, str | int], body: dict[str, Any]) -> Page:
        """One answer, read; asked for once more if it cannot be read."""
        try:
            return _read(self._post(method, query, body))
        except BadAnswer:
            return _read(self._post(method, query, body))

    def _post(self, method: str, query: dict[str, str | int], body: dict[str, Any]) -> httpx.Response:
        content = encode(body)
        self._domains.base_url(_SERVICE)  # a first contact that fails is told soon, and not tried for minutes

        def post() -> httpx.Response:
            return self._client.post(
                self._domains.base_url(_SERVICE) + self._path + method,
                params=query,
                content=content,
                headers={"Content-Type": "application/json"},
                auth=self._access,
            )

        return perform(lambda: self._wherever_it_is(post), self._settings)

    def _wherever_it_is(self, call: Callable[[], httpx.Response]) -> httpx.Response:
        """A call whose host may have vanished: tried at once at the new one, if the Domain API names another."""
        try:
            return call()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            if not self._has_moved(error.request.url):
                raise
            return call()

    def _has_moved(self, url: httpx.URL) -> bool:
        try:
            return self._domains.has_moved(url)
        except SourceError:  # the network is down, most likely; the first error says so
            return False

    def close(self) -> None:
        """Ends the session, if there is one."""
        self._access.leave(self._client)
        self._client.close()


def _read(response: httpx.Response) -> Page:
    """204 is LivePerson's way of saying that there are none; a 200 without a body says nothing."""
    return NO_PAGE if response.status_code == 204 else read_page(response.content)
