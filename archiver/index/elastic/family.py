"""The indices of one mapping: their names, templates, aliases and removal.

A family is `<prefix>-<kind>-v<N>-<month>` for each kind of document, and `<prefix>-state-v<N>` with the position up to
which the vault is applied. The aliases `<prefix>-<kind>` point to the family that answers queries.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from archiver.errors import StoreError, StoreUnavailable
from archiver.index.elastic.bodies import KINDS, Names
from archiver.index.elastic.queries import VISIBLE
from archiver.index.elastic.server import Server
from archiver.index.elastic.survey import STATE
from archiver.jsontext import canonical
from archiver.query import TOKENS_VERSION
from archiver.resources import mapping
from archiver.transcript import VERSION as TRANSCRIPT_VERSION

SCHEMA = 8  # raise it when the documents change in a way that the mappings don't show
_COMPONENTS = ("settings", "common")
_PARTS = (*_COMPONENTS, *KINDS, STATE)
_VISIBLE = {"filter": VISIBLE}  # aliases hide stubs of removed documents, also from Kibana
_FAMILY_PRIORITY, _GUARD_PRIORITY = 500, 400
# During a backfill: no replicas, no refreshes, and a translog that may lose what can be read from the vault again.
BACKFILL = {
    "index": {
        "refresh_interval": "-1", "auto_expand_replicas": "false", "number_of_replicas": 0,
        "translog.durability": "async",
    }
}  # fmt: skip
NORMAL = {"index": {"refresh_interval": None, "auto_expand_replicas": "0-1", "translog.durability": None}}


def shape() -> str:
    """Identifies the form of documents and mappings: an index of another shape has to be rebuilt."""
    parts = [mapping(part) for part in _PARTS]
    return hashlib.sha256(canonical([SCHEMA, TOKENS_VERSION, TRANSCRIPT_VERSION, parts])).hexdigest()[:16]


class Family:
    def __init__(self, server: Server, prefix: str, number: int) -> None:
        self._server = server
        self.names = Names(prefix, number)
        self._known_months: set[str] = set()
        self.settings: dict[str, Any] = {}

    @property
    def state(self) -> str:
        return self.names.of_family(STATE)

    def prepare(self, *, is_serving: bool) -> None:
        """Installs templates and the state index. Raises StoreError if the server lacks a feature or the key a
        permission.
        """
        try:
            self._install(is_serving=is_serving)
        except StoreError as error:
            hint = error.hint or "The mappings need a whole Elasticsearch, 8.0 or newer (docs/elasticsearch.md)."
            raise error.reworded(hint=hint) from error

    def _install(self, *, is_serving: bool) -> None:
        self._guard()
        for part in _COMPONENTS:
            self._server.ask("PUT", f"/_component_template/{self._part(part)}", mapping(part))
        for kind in KINDS:
            self._install_template(kind, is_serving=is_serving)
        aliases: dict[str, Any] = {self.names.alias(STATE): {}} if is_serving else {}
        content = mapping(STATE)["template"] | {
            "settings": {"index.number_of_shards": 1, "index.auto_expand_replicas": "0-1"}
        }
        if not self._exists(self.state):
            self._server.ask("PUT", f"/{self.state}", content | {"aliases": aliases}, {"wait_for_active_shards": 1})

    def _part(self, part: str) -> str:
        return f"{self.names.prefix}-v{self.names.family}-{part}"

    def _guard(self) -> None:
        """Prevents Elasticsearch from creating an index automatically, with a mapping that it guesses."""
        body = {
            "index_patterns": [f"{self.names.prefix}-*"], "priority": _GUARD_PRIORITY, "allow_auto_create": False,
            "_meta": {"description": "Keeps the archive's indices from being created by accident"},
        }  # fmt: skip
        self._server.ask("PUT", f"/_index_template/{self.names.prefix}-guard", body)

    def _install_template(self, kind: str, *, is_serving: bool) -> None:
        body: dict[str, Any] = {
            "index_patterns": [f"{self.names.of_family(kind)}-*"],
            "priority": _FAMILY_PRIORITY,
            "allow_auto_create": False,
            "composed_of": [self._part(part) for part in _COMPONENTS],
            "version": SCHEMA,
            **mapping(kind),
        }
        body["template"]["aliases"] = {self.names.alias(kind): _VISIBLE} if is_serving else {}
        self._server.ask("PUT", f"/_index_template/{self._part(kind)}", body)

    def make_month(self, month: str) -> None:
        """Creates the indices of a month, once. Template and aliases come from the server.

        Raises StoreError for a family that was dropped: without its templates an index would get a guessed mapping.
        """
        if month in self._known_months:
            return
        if not self._exists(self.state):
            raise StoreError(
                f"the indices of family {self.names.family} were replaced meanwhile (404)",
                hint="Run the same command again.",
            )
        for kind in KINDS:
            name = self.names.index(kind, month)
            if not self._exists(name):
                self._create(name)
        self._known_months.add(month)

    def _exists(self, name: str) -> bool:
        return bool(self._server.ask("HEAD", f"/{name}", absent=False))

    def _create(self, name: str) -> None:
        content = {"settings": self.settings} if self.settings else {}
        # Another process may have created it first.
        self._server.ask("PUT", f"/{name}", content, accepted="resource_already_exists_exception")

    def indices(self) -> Iterator[str]:
        """The names of all data indices of the family, oldest month first."""
        patterns = ",".join(f"{self.names.of_family(kind)}-*" for kind in KINDS)
        yield from sorted(self._server.ask("GET", f"/{patterns}/_alias", absent={}))

    def existing(self) -> Iterator[str]:
        """The names of all indices of the family, which may lack some."""
        yield from self.indices()
        if self._exists(self.state):
            yield self.state

    def pattern(self) -> str:
        """All data indices of the family, as a path of a request."""
        return ",".join(f"{self.names.of_family(kind)}-*" for kind in KINDS)

    def refresh(self) -> None:
        self._server.ask("POST", f"/{self.pattern()}/_refresh", None, {"ignore_unavailable": "true"})

    def may_manage(self) -> bool:
        """Whether the key may change settings, tried with a change that has no effect."""
        try:
            self._server.ask("PUT", f"/{self.state}/_settings", {"index.refresh_interval": None})
        except StoreError as error:
            if isinstance(error, StoreUnavailable):
                raise
            return False
        return True

    def put_settings(self, settings: dict[str, Any]) -> None:
        self._server.ask("PUT", f"/{self.pattern()}/_settings", settings, absent=None)

    def take_place_of(self, others: Sequence[Family]) -> None:
        """Makes this family answer queries from now on: templates first, then all aliases in one request."""
        for kind in KINDS:
            self._install_template(kind, is_serving=True)
        actions: list[dict[str, Any]] = []
        for kind in (*KINDS, STATE):
            name = self.state if kind == STATE else f"{self.names.of_family(kind)}-*"
            if kind == STATE or any(index.startswith(name[:-1]) for index in self.indices()):
                visible = {} if kind == STATE else _VISIBLE
                actions.append({"add": {"index": name, "alias": self.names.alias(kind), **visible}})
        for other in others:
            actions += [{"remove_index": {"index": name}} for name in other.existing()]
        self._server.ask("POST", "/_aliases", {"actions": actions})
        for other in others:
            other.drop()

    def drop(self) -> None:
        """Removes indices and templates of this family."""
        for name in [*self.indices(), self.state]:
            self._server.ask("DELETE", f"/{name}", absent=None)
        for kind in KINDS:
            self._server.ask("DELETE", f"/_index_template/{self._part(kind)}", absent=None)
        for part in _COMPONENTS:
            self._server.ask("DELETE", f"/_component_template/{self._part(part)}", absent=None)
