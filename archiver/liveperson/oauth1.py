"""OAuth 1.0 app keys: every request is signed (API Guidelines, OAuth 1.0 API keys; RFC 5849)."""

from __future__ import annotations

import httpx
from authlib.oauth1 import ClientAuth

from archiver.liveperson.auth import Access, AppKeys, Flow


class OAuth1(Access):
    """Signs method, URL and query with HMAC-SHA1. A JSON body is not part of the signature and is sent unchanged."""

    requires_response_body = False

    def __init__(self, keys: AppKeys) -> None:
        self._signer = ClientAuth(keys.key, keys.secret.reveal(), keys.token.reveal(), keys.token_secret.reveal())

    def sync_auth_flow(self, call: httpx.Request) -> Flow:
        # authlib's own httpx integration empties a JSON body, so only its signer is used.
        _, headers, _ = self._signer.sign(call.method, str(call.url), {}, "")
        call.headers["Authorization"] = headers["Authorization"]
        yield call
