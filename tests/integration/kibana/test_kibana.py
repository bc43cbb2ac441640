"""What Kibana would show: every reference resolves, every field exists, every panel's question has an answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from archiver.archive.file import ArchiveFile
from archiver.config.secrets import Secret
from archiver.config.settings import StoreAddress
from archiver.errors import ConfigError, StoreDenied, StoreError, StoreUnavailable
from archiver.index.build import catch_up
from archiver.index.elastic.server import connect
from archiver.index.elastic.store import ElasticStore
from archiver.index.results import Sort
from archiver.kibana.imports import Imported, KibanaAddress, import_objects
from archiver.kibana.objects import Object, default_view, ndjson, saved_objects
from archiver.progress import Silent
from archiver.query import Scope, parse
from archiver.resources import kibana_panels, mapping
from tests.conftest import NOW, record
from tests.integration.index.test_elastic_faults import keep, store_at
from tests.integration.kibana.schemas import AS_JSON, ATTRIBUTES, OBJECT
from tests.nodes import Node

LINK = "http://127.0.0.1:8080/conversations/{{value}}"
OBJECTS = saved_objects(kibana_panels(), "shown", LINK)
AGGREGATABLE = {"keyword", "date", "long", "double", "boolean", "integer"}


def of_type(kind: str) -> list[Object]:
    return [item for item in OBJECTS if item["type"] == kind]


def fields(kind: str) -> dict[str, str]:
    """Every field of an index with its type."""
    found: dict[str, str] = {}

    def walk(properties: dict[str, Any], path: str) -> None:
        for name, field in properties.items():
            if "properties" in field:
                walk(field["properties"], f"{path}{name}.")
            else:
                found[f"{path}{name}"] = field["type"]

    for part in ("common", kind):
        walk(mapping(part)["template"]["mappings"]["properties"], "")
    return found


def view_of(item: Object) -> str:
    (reference,) = [reference for reference in item["references"] if reference["type"] == "index-pattern"]
    return str(reference["id"]).removeprefix("shown-view-")


def layer(lens: Object) -> dict[str, Any]:
    found: dict[str, Any] = lens["attributes"]["state"]["datasourceStates"]["formBased"]["layers"]["layer"]
    return found


def test_ids_are_unique_and_every_reference_leads_to_an_object() -> None:
    ids = [(item["type"], item["id"]) for item in OBJECTS]
    assert len(set(ids)) == len(ids)
    for item in OBJECTS:
        for reference in item["references"]:
            assert (reference["type"], reference["id"]) in ids


def test_every_panel_of_a_dashboard_has_its_reference_and_its_own_place() -> None:
    for dashboard in of_type("dashboard"):
        panels = json.loads(dashboard["attributes"]["panelsJSON"])
        names = {reference["name"] for reference in dashboard["references"]}
        assert {f"{panel['panelIndex']}:{panel['panelRefName']}" for panel in panels} == names
        places = [
            {(x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])}
            for grid in (panel["gridData"] for panel in panels)
        ]
        assert sum(map(len, places)) == len(set().union(*places))
        assert all(x < 48 for place in places for x, _ in place)


def test_every_panel_is_on_a_dashboard() -> None:
    shown = {reference["id"] for dashboard in of_type("dashboard") for reference in dashboard["references"]}
    assert {lens["id"] for lens in of_type("lens")} <= shown


def test_every_field_a_panel_or_search_names_exists_and_can_be_counted() -> None:
    for lens in of_type("lens"):
        known = fields(view_of(lens))
        for column in layer(lens)["columns"].values():
            if column["sourceField"] != "___records___":
                assert known[column["sourceField"]] in AGGREGATABLE, (lens["id"], column)
            if column["dataType"] == "number" and column["operationType"] != "unique_count":
                assert known.get(column["sourceField"], "long") in ("long", "double"), (lens["id"], column)
    for search in of_type("search"):
        assert set(search["attributes"]["columns"]) <= set(fields(view_of(search)))
    for view in of_type("index-pattern"):
        assert (
            fields(view_of({"references": [{"type": "index-pattern", "id": view["id"]}]}))[
                view["attributes"]["timeFieldName"]
            ]
            == "date"
        )


def test_a_conversation_id_is_a_link_to_its_transcript() -> None:
    for view in of_type("index-pattern"):
        formats = json.loads(view["attributes"]["fieldFormatMap"])
        assert formats["conversation_id"]["params"]["urlTemplate"] == LINK
    plain = saved_objects(kibana_panels(), "shown", None)
    assert "conversation_id" not in json.loads(plain[0]["attributes"]["fieldFormatMap"])


@pytest.mark.parametrize("view", of_type("index-pattern"), ids=lambda view: str(view["id"]))
def test_labels_durations_and_hidden_fields_are_fields_of_the_view(view: Object) -> None:
    there = fields(str(view["id"]).removeprefix("shown-view-"))
    attributes = {
        name: json.loads(view["attributes"][name]) for name in ("fieldAttrs", "fieldFormatMap", "sourceFilters")
    }
    assert attributes["fieldAttrs"].keys() | attributes["fieldFormatMap"].keys() <= there.keys()
    durations = {name for name, given in attributes["fieldFormatMap"].items() if given["id"] == "duration"}
    assert durations == {name for name in there if name.endswith("_ms")}
    for hidden in attributes["sourceFilters"]:
        assert any(fnmatch(name, hidden["value"]) for name in there), hidden
    hides = [hidden["value"] for hidden in attributes["sourceFilters"]]
    internal = {name for name in there if name.split(".")[0].endswith("words") or name in ("rank", "vault_seq")}
    assert {name for name in internal if not any(fnmatch(name, pattern) for pattern in hides)} == set()
    assert not attributes["fieldAttrs"].keys() & {name for name in there if any(fnmatch(name, one) for one in hides)}


def unfolded(attributes: Any) -> Any:
    """Attributes with the values of the JSON that stands in strings."""
    if not isinstance(attributes, dict):
        return attributes
    return {
        name: json.loads(value) if name in AS_JSON and isinstance(value, str) else unfolded(value)
        for name, value in attributes.items()
    }


@pytest.mark.parametrize("item", OBJECTS, ids=lambda item: str(item["id"]))
def test_every_object_is_one_that_kibana_8_19_and_9_take(item: Object) -> None:
    Draft202012Validator(OBJECT).validate(item)
    Draft202012Validator(ATTRIBUTES[item["type"]]).validate(unfolded(item["attributes"]))


def test_the_export_is_stable_json_by_line() -> None:
    assert ndjson(OBJECTS) == ndjson(saved_objects(kibana_panels(), "shown", LINK))
    assert [json.loads(line) for line in ndjson(OBJECTS).splitlines()] == OBJECTS


def question(lens: Object) -> dict[str, Any]:
    """The search that Lens makes of a panel: bucket columns around the measure, and its KQL as a query."""
    columns = layer(lens)["columns"]
    measure = columns["measure"]
    field, operation = measure["sourceField"], measure["operationType"]
    inner: dict[str, Any] = {}
    if operation == "percentile":
        inner = {"measure": {"percentiles": {"field": field, "percents": [95]}}}
    elif operation == "median":
        inner = {"measure": {"percentiles": {"field": field, "percents": [50]}}}
    elif operation != "count":
        inner = {
            "measure": {{"average": "avg", "unique_count": "cardinality"}.get(operation, operation): {"field": field}}
        }
    for name in reversed([name for name in layer(lens)["columnOrder"] if name != "measure"]):
        column = columns[name]
        if column["operationType"] == "date_histogram":
            bucket = {"date_histogram": {"field": column["sourceField"], "calendar_interval": "month"}}
        else:
            bucket = {"terms": {"field": column["sourceField"], "size": column["params"]["size"]}}
        inner = {name: bucket | ({"aggs": inner} if inner else {})}
    query = kql(lens["attributes"]["state"]["query"]["query"])
    return {"size": 0, "query": query, "track_total_hits": True, **({"aggs": inner} if inner else {})}


def kql(text: str) -> dict[str, Any]:
    """The few forms of KQL that our objects use."""
    if not text:
        return {"match_all": {}}
    found = re.fullmatch(r"([\w.]+) (:|<=|>=) (\S+)", text)
    assert found, f"a KQL form this test does not know: {text}"
    field, sign, value = found.groups()
    if (sign, value) == (":", "*"):
        return {"exists": {"field": field}}
    return {"match": {field: value}} if sign == ":" else {"range": {field: {{"<=": "lte", ">=": "gte"}[sign]: value}}}


RICH = record(
    "rich", NOW, "hello", "how can I help", "refund please", "done",
    info={
        "csatRate": 2, "mcs": 40, "source": "WEB", "closeReason": "AGENT", "closeReasonDescription": "done",
        "latestAgentGroupName": "Day", "isPartial": True, "latestAgentId": "a1", "latestAgentFullName": "Ann",
        "duration": 60000,
    },
    consumerParticipants=[{"participantId": "cust", "firstName": "Eve"}],
    agentParticipants=[{"agentId": "agent1", "agentFullName": "Ann", "userType": "1"}],
    sdes={
        "events": [
            {"serverTimeStamp": 1_780_000_000_000, "sdeType": kind, **content}
            for kind, content in {
                "LEAD": {"lead": {"lead": {"topic": "loan", "value": 7}}},
                "PURCHASE": {"purchase": {"total": "12.5", "cart": {"products": [{"product": {"name": "Hat"}}]}}},
                "CUSTOMER_INFO": {"customerInfo": {"customerInfo": {"customerType": "vip", "balance": "1200.5"}}},
                "PERSONAL_INFO": {"personalInfo": {"personalInfo": {"name": "Eve", "surname": "undefined"}}},
                "SERVICE": {"serviceActivity": {"serviceActivity": {"topic": "returns"}}},
                "ERROR": {"visitorError": {"visitorError": {"message": "card"}}},
            }.items()
        ]
    },
)  # fmt: skip


@pytest.fixture
def shown(archive: ArchiveFile, elasticsearch: Node) -> Iterator[Any]:
    keep(
        archive,
        RICH,
        record("open", NOW, "Refund to Straße 5, anna.b@example.com", info={"status": "OPEN", "endTimeL": -1}),
    )
    for text in ("the first price", "the second price"):
        keep(archive, record("edited", NOW, text))
    store = store_at(elasticsearch.url, "shown")
    catch_up(archive, store, Silent())
    yield connect(StoreAddress(elasticsearch.url))
    store.drop()


@pytest.fixture
def asked(shown: Any, elasticsearch: Node) -> Iterator[ElasticStore]:
    store = store_at(elasticsearch.url, "shown")
    yield store
    store.close()


@pytest.mark.parametrize(
    "word",
    ["refund", "Refund", "vip", "Eve", "Hat", "loan", "straße", "STRASSE", "price", "first", "example", "12", "none"],
)
def test_a_bare_word_on_the_default_view_finds_what_a_search_finds(shown: Any, asked: ElasticStore, word: str) -> None:
    kibana = {"query": {"multi_match": {"type": "best_fields", "query": word, "lenient": True}}, "size": 100}
    found = shown.ask("POST", "/shown-metadata/_search", kibana)["hits"]["hits"]
    expression = parse(word, now=NOW).expression
    ours = asked.search(expression, scope=Scope.CONVERSATION, sort=Sort.NEWEST, limit=100)
    assert {hit["_source"]["conversation_id"] for hit in found} == {key.conversation_id for key in ours.keys}
    assert bool(found) is (word != "none")


def test_sdes_are_fields_by_their_full_path_that_can_be_compared_and_undefined_is_no_value(shown: Any) -> None:
    def count(query: dict[str, Any]) -> int:
        return int(shown.ask("POST", "/shown-sdes/_search", {"query": query})["hits"]["total"]["value"])

    assert count({"range": {"customerInfo.balance": {"gt": 1000}}}) == 1
    assert count({"range": {"customerInfo.balance": {"gt": 2000}}}) == 0
    assert (
        count({"term": {"personalInfo.name": "Eve"}})
        == count({"term": {"purchase.cart.products.product.name": "Hat"}})
        == 1
    )
    assert count({"exists": {"field": "personalInfo.surname"}}) == count({"match": {"text": "undefined"}}) == 0
    assert count({"exists": {"field": "@timestamp"}}) > 0


def test_every_panel_and_search_gets_an_answer_from_elasticsearch(shown: Any) -> None:
    for lens in of_type("lens"):
        found = shown.ask("POST", f"/shown-{view_of(lens)}/_search", question(lens))
        assert found["hits"]["total"]["value"] > 0, lens["id"]
        answer = json.dumps(found.get("aggregations", {}))
        assert '"buckets": []' not in answer, lens["id"]
        measures = re.findall(r'"measure": {"value": ([^,}]*)', answer)
        assert not measures or set(measures) != {"null"}, lens["id"]
    for search in of_type("search"):
        source = json.loads(search["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
        body = {"query": kql(source["query"]["query"]), "sort": [{search["attributes"]["sort"][0][0]: "desc"}]}
        assert shown.ask("POST", f"/shown-{view_of(search)}/_search", body)["hits"]["total"]["value"] > 0


# ── the import ──


class Kibana:
    """A stand-in for Kibana's import: checks what Kibana checks, and answers as it does."""

    def __init__(self, answer: dict[str, Any] | None = None, status: int = 200) -> None:
        self.answer, self.status = answer, status
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        body = request.read()
        if request.headers.get("kbn-xsrf") != "true":
            return httpx.Response(400, json={"message": "Request must contain a kbn-xsrf header."})
        if request.url.path.endswith("/data_views/default"):
            return httpx.Response(200, json={"acknowledged": True})
        if b'filename="archiver.ndjson"' not in body or "multipart/form-data" not in request.headers["content-type"]:
            return httpx.Response(400, json={"message": "no file"})
        count = body.count(b'"coreMigrationVersion"')
        return httpx.Response(self.status, json=self.answer or {"success": True, "successCount": count})


def bring(kibana: Kibana, *, replaces: bool = False, **address: Any) -> Imported:
    where = KibanaAddress("https://kibana.example:5601", **address)
    transport = httpx.MockTransport(kibana)
    return import_objects(where, OBJECTS, view=default_view("shown"), replaces=replaces, transport=transport)


def test_the_import_sends_every_object_with_header_key_and_space() -> None:
    kibana = Kibana()
    assert bring(kibana, api_key=Secret("abc"), space="brand") == Imported(len(OBJECTS), 0)
    request, default = kibana.requests
    assert request.url.path == "/s/brand/api/saved_objects/_import"
    assert request.headers["authorization"] == default.headers["authorization"] == "ApiKey abc"
    assert default.url.path == "/s/brand/api/data_views/default"
    assert json.loads(default.read()) == {"data_view_id": "shown-view-metadata", "force": False}


def test_what_somebody_may_have_changed_stays_unless_it_is_to_be_replaced() -> None:
    errors = [{"type": "dashboard", "id": str(at), "error": {"type": "conflict"}} for at in range(4)]
    kibana = Kibana({"success": False, "successCount": 3, "errors": errors})
    assert bring(kibana) == Imported(3, 4)
    assert "overwrite" not in kibana.requests[0].url.params
    bring(again := Kibana(), replaces=True)
    assert again.requests[0].url.params["overwrite"] == "true"


def test_an_import_that_failed_inside_an_answer_of_200_is_an_error() -> None:
    errors = [{"type": "lens", "id": "x", "error": {"type": "missing_references"}}]
    with pytest.raises(StoreError, match="missing_references"):
        bring(Kibana({"success": False, "successCount": 3, "errors": errors}))


@pytest.mark.parametrize(("status", "kind"), [(401, StoreDenied), (403, StoreDenied), (503, StoreUnavailable)])
def test_what_kibana_refuses_is_said(status: int, kind: type[StoreError]) -> None:
    with pytest.raises(kind, match=str(status)):
        bring(Kibana({"message": "no"}, status))


def test_credentials_never_go_to_kibana_unencrypted_over_a_network() -> None:
    with pytest.raises(ConfigError, match="unencrypted"):
        import_objects(KibanaAddress("http://kibana.example:5601"), OBJECTS, view="v")
