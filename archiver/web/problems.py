"""Answers without a page: at the REST interface a problem (RFC 9457), elsewhere a line of text."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import PlainTextResponse, Response

from archiver.errors import ArchiverError, LoginNeeded, QueryError
from archiver.jsontext import encode
from archiver.web import faults

BASE = "/api/v1"
_REFUSED = {"code": "refused", "hint": None}


def problem(error: ArchiverError) -> Response:
    """An error as `application/problem+json`."""
    content: dict[str, Any] = {"code": error.code, "hint": error.hint}
    if isinstance(error, QueryError):
        content["position"] = error.position
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, LoginNeeded) else None
    return _problem(faults.status_of(error), faults.shown(error)["title"], error.message, content, headers)


def refusal(path: str, status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """The answer to a request that is refused before anybody looks at what it asks for."""
    if path.startswith(BASE):
        return _problem(status, HTTPStatus(status).phrase, message, _REFUSED, headers)
    return PlainTextResponse(f"{message}\n", status, headers)


def _problem(
    status: int, title: str, detail: str, more: Mapping[str, Any], headers: Mapping[str, str] | None
) -> Response:  # fmt: skip
    content = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return Response(encode(content), status, headers, "application/problem+json")
