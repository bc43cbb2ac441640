"""Templates and static files of the page, from the package."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from archiver.visible import safe
from archiver.web.lens import conversation_href
from archiver.web.times import moment

_KINDS = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("archiver.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, finalize=_visible,
    )  # fmt: skip
    environment.globals["static"] = static_href
    environment.globals["href_of"] = conversation_href
    environment.filters["unchanged"] = escape
    environment.filters["moment"] = moment
    environment.filters["digest"] = _digest
    environment.filters["sentence"] = lambda text: text[:1].upper() + text[1:]
    return environment


def _visible(value: Any) -> Any:
    """What a template shows: characters that steer, reverse or hide are spelled out. What is a form's own content is
    left `unchanged`, so that it can be sent again.
    """
    return safe(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _digest(text: str) -> str:
    """What tells a text from others, and not what it says."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def page(template: str, content: dict[str, Any], *, status: int = 200) -> HTMLResponse:
    """A page made from a template. Everything is escaped."""
    return HTMLResponse(_environment().get_template(template).render(content), status)


def prepare_templates() -> None:
    """Compiles all templates, so that no first page waits for it."""
    for name in _environment().list_templates():
        _environment().get_template(name)


@cache
def static_files() -> dict[str, tuple[str, bytes]]:
    """The static files by the names in their addresses, which change with their content: (type, content)."""
    found = {}
    for item in files("archiver.web").joinpath("static").iterdir():
        stem, _, kind = item.name.rpartition(".")
        if kind in _KINDS:
            content = item.read_bytes()
            found[f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{kind}"] = (_KINDS[kind], content)
    return found


@cache
def static_href(name: str) -> str:
    """The address of a static file."""
    stem, _, kind = name.rpartition(".")
    found = next(item for item in static_files() if item.startswith(f"{stem}.") and item.endswith(f".{kind}"))
    return f"/static/{found}"
