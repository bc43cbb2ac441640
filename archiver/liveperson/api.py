"""The Messaging Interactions API: search by start time (method A) and look-up by id (method B).

Facts from LivePerson's pages Messaging Interactions API: Conversations, and Get Conversation by Conversation ID.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from archiver.config import Secret
from archiver.encoding import encode
from archiver.errors import BadAnswer
from archiver.liveperson.answers import read_page
from archiver.liveperson.auth import OAuth2
from archiver.liveperson.calls import Patience, make_client, persist
from archiver.liveperson.domains import Domains
from archiver.model import CELL, Page, Window, to_ms

MOST_PER_PAGE = 100
SOURCE = "archiver"  # the calling program's name, at most 20 characters
CONTENT = (
    "campaign", "messageRecords", "agentParticipants", "agentParticipantsLeave", "agentParticipantsActive",
    "consumerParticipants", "transfers", "interactions", "messageScores", "messageStatuses", "conversationSurveys",
    "coBrowseSessions", "summary", "sdes", "unAuthSdes", "monitoring", "dialogs", "responseTime", "skillChanges",
    "intents", "uniqueIntents", "latestAgentSurvey", "previouslySubmittedAgentSurveys",
)  # fmt: skip


class ContactCenter:
    """One LivePerson account. Every method raises SourceError or one of its kinds."""

    def __init__(
        self, client: httpx.Client, domains: Domains, account: str, auth: httpx.Auth, patience: Patience
    ) -> None:
        self._client = client
        self._domains = domains
        self._path = f"/messaging_history/api/account/{account}/conversations"
        self._auth = auth
        self._patience = patience

    def pages(self, span: Window, *, limit: int = MOST_PER_PAGE) -> Iterator[Page]:
        """All conversations that started in `span`, rounded outward by the server, oldest first; one may come twice.

        Ends when as many records came as the latest page announced, or with an empty page. What it announced
        (`Page.total`, of the whole query) is the caller's to compare.
        """
        body: dict[str, object] = {
            "start": {"from": to_ms(span.start), "to": to_ms(span.end) - 1},  # the server's bounds are inclusive
            "contentToRetrieve": CONTENT,
        }
        offset = 0
        while True:
            page = self._ask("/search", {"offset": offset, "limit": limit, "sort": "start:asc"}, body)
            if page.total < 0 and len(page):
                raise BadAnswer("LivePerson's answer announces no count, so nothing could be proven complete")
            yield page
            offset += len(page)
            if not len(page) or offset >= page.total:
                return

    def prove_access(self, now: datetime) -> None:
        """Asks for one row, so that wrong settings are found before anything is made of them."""
        next(self.pages(Window(now - CELL, now), limit=1))

    def by_ids(self, ids: Sequence[str]) -> Page:
        """The conversations with these ids (at most 100) in full: all SDEs, nothing cut. Unknown ids are left out."""
        if not 0 < len(ids) <= MOST_PER_PAGE:
            raise ValueError(f"1 to {MOST_PER_PAGE} ids, not {len(ids)}")
        return self._ask("/conversation/search", {}, {"conversationIds": list(ids), "contentToRetrieve": CONTENT})

    def _ask(self, method: str, parameters: dict[str, str | int], body: dict[str, object]) -> Page:
        """One answer, read; asked for once more if it cannot be read."""
        try:
            return read_page(self._post(method, parameters, body))
        except BadAnswer:
            return read_page(self._post(method, parameters, body))

    def _post(self, method: str, parameters: dict[str, str | int], body: dict[str, object]) -> bytes:
        url = self._domains.base_url("msgHist") + self._path + method
        content = encode(body)
        response = persist(
            lambda: self._client.post(
                url,
                params={**parameters, "v": 2, "source": SOURCE},
                content=content,
                headers={"Content-Type": "application/json"},
                auth=self._auth,
            ),
            self._patience,
        )
        return response.content

    def close(self) -> None:
        self._client.close()


@dataclass(frozen=True, slots=True)
class Account:
    """Which account to read, and as whom."""

    id: str
    domain_url: str
    client_id: str
    client_secret: Secret


def connect(
    account: Account,
    *,
    patience: Patience | None = None,
    transport: httpx.BaseTransport | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> ContactCenter:
    """A contact center by OAuth 2.0. Asks nothing yet. Raises ConfigError for an unusable `domain_url`."""
    patience = patience or Patience()
    client = make_client(transport)
    first_contact = Patience(patience.sleep, patience.notify, tries=2)
    domains = Domains(client, account.domain_url, account.id, first_contact)
    auth = OAuth2(
        lambda: f"{domains.base_url('sentinel')}/sentinel/api/v2/account/{account.id}/app/token",
        account.client_id,
        account.client_secret,
        clock=clock,
    )
    return ContactCenter(client, domains, account.id, auth, patience)
