"""Files that come with the program. In a wheel they lie inside the package, in a source tree beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from archiver.jsontext import decode

_PACKAGE = Path(__file__).parent


def mappings_folder() -> Path:
    """Where the Elasticsearch templates are. Raises FileNotFoundError for a broken installation."""
    for folder in (_PACKAGE / "mappings", _PACKAGE.parent / "mappings"):
        if (folder / "messages.json").is_file():
            return folder
    raise FileNotFoundError("this installation has no mappings folder; install the package again")


def kibana_panels() -> dict[str, Any]:
    """The definitions of Kibana's views, searches, panels and dashboards."""
    content: dict[str, Any] = decode((mappings_folder() / "kibana" / "panels.json").read_bytes())
    return content


def mapping(name: str) -> dict[str, Any]:
    """The template of one kind of document: messages, sdes or metadata."""
    content: dict[str, Any] = decode((mappings_folder() / f"{name}.json").read_bytes())
    return content


def schema(name: str) -> dict[str, Any]:
    """A published JSON Schema by its name and number, such as search.2. Raises FileNotFoundError for a broken
    installation.
    """
    for folder in (_PACKAGE / "schemas", _PACKAGE.parent / "docs" / "schemas"):
        if (folder / f"{name}.json").is_file():
            content: dict[str, Any] = decode((folder / f"{name}.json").read_bytes())
            return content
    raise FileNotFoundError(f"this installation has no schema {name}; install the package again")


@cache
def sde_types() -> Mapping[str, str]:
    """By the path of a documented SDE value, such as customerInfo.balance, the type of its field: keyword, double or
    boolean.
    """
    return dict(_typed_paths("", mapping("sdes")["template"]["mappings"]["properties"]))


def _typed_paths(above: str, properties: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, field in properties.items():
        if "properties" in field:
            yield from _typed_paths(f"{above}{name}.", field["properties"])
        elif above:
            yield above + name, field["type"]
