"""Tokens with which programs and people without another login prove who they are. Only their hashes are kept."""

from __future__ import annotations

import secrets
from hashlib import sha256

_PREFIX = "archiver_"  # so that scanners for leaked secrets can find it
_BYTES = 32


def new_token() -> str:
    """A token that nobody can guess."""
    return f"{_PREFIX}{secrets.token_urlsafe(_BYTES)}"


def token_hash(token: str) -> bytes:
    """What is kept of a token. It is random and long, so that a quick hash can't be tried out."""
    return sha256(token.strip().encode()).digest()
