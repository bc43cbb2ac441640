"""Kibana's saved objects, made from `mappings/kibana/panels.json`. Pure.

The shapes are those of Kibana 8.9, which every later version migrates on import (Kibana, Manage saved objects).
Panels refer to their visualizations; a visualization inside a panel is not shown by some versions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archiver.jsontext import canonical

Object = dict[str, Any]
_LAYER = "layer"
_RECORDS = "___records___"
_COLUMNS_OF_A_ROW = 48
_TYPE_VERSIONS = {"index-pattern": "8.0.0", "search": "8.0.0", "lens": "8.9.0", "dashboard": "8.9.0"}
_VISUALIZATIONS = {"metric": "lnsMetric", "bar": "lnsXY", "line": "lnsXY", "pie": "lnsPie", "table": "lnsDatatable"}
_DURATION = {
    "id": "duration",
    "params": {
        "inputFormat": "milliseconds", "outputFormat": "humanizePrecise", "outputPrecision": 1, "useShortSuffix": True,
    },
}  # fmt: skip
_DATES = frozenset(("started_at", "ended_at", "sent_at", "at", "harvested_at"))


def saved_objects(content: dict[str, Any], prefix: str, transcript_url: str | None) -> list[Object]:
    """Every object; those that others refer to come first. `transcript_url` contains {{value}} in the place of a
    conversation id.
    """
    return [
        *(_view(item, prefix, transcript_url) for item in content["views"]),
        *(_search(item, prefix) for item in content["searches"]),
        *(_lens(item, prefix) for item in content["panels"]),
        *(_dashboard(item, prefix) for item in content["dashboards"]),
    ]


def default_view(prefix: str) -> str:
    """The id of the data view that Kibana opens first: conversations, where a word finds what `search` finds."""
    return _view_id(prefix, "metadata")


def ndjson(objects: list[Object]) -> bytes:
    """The format of Kibana's import; the same objects always give the same bytes."""
    return b"".join(canonical(item) + b"\n" for item in objects)


def _object(kind: str, id_: str, attributes: dict[str, Any], references: list[dict[str, str]]) -> Object:
    return {
        "type": kind, "id": id_, "attributes": attributes, "references": references, "managed": False,
        "coreMigrationVersion": "8.8.0", "typeMigrationVersion": _TYPE_VERSIONS[kind],
    }  # fmt: skip


def _json(value: Any) -> str:
    """Kibana keeps parts of its objects as JSON inside a string."""
    return canonical(value).decode()


def _reference(kind: str, id_: str, name: str) -> dict[str, str]:
    return {"type": kind, "id": id_, "name": name}


def _view_id(prefix: str, view: str) -> str:
    return f"{prefix}-view-{view}"


def _view(item: dict[str, Any], prefix: str, transcript_url: str | None) -> Object:
    link = {"id": "url", "params": {"urlTemplate": transcript_url, "labelTemplate": "{{value}}"}}
    formats = dict.fromkeys(item["durations"], _DURATION) | ({"conversation_id": link} if transcript_url else {})
    attributes = {
        "title": f"{prefix}-{item['id']}", "name": item["name"], "timeFieldName": item["time"], "fields": "[]",
        "fieldAttrs": _json({field: {"customLabel": label} for field, label in item["labels"].items()}),
        "sourceFilters": _json([{"value": pattern} for pattern in item["hidden"]]), "runtimeFieldMap": "{}",
        "allowHidden": False, "fieldFormatMap": _json(formats),
    }  # fmt: skip
    return _object("index-pattern", _view_id(prefix, item["id"]), attributes, [])


def _query(item: dict[str, Any]) -> dict[str, str]:
    return {"language": "kuery", "query": item.get("filter", "")}


def _search(item: dict[str, Any], prefix: str) -> Object:
    name = "kibanaSavedObjectMeta.searchSourceJSON.index"
    source = {"query": _query(item), "filter": [], "indexRefName": name}
    time = {"messages": "sent_at", "metadata": "started_at", "sdes": "at"}[item["over"]]
    attributes = {
        "title": item["title"], "description": "", "columns": item["columns"], "sort": [[time, "desc"]], "grid": {},
        "hideChart": False, "kibanaSavedObjectMeta": {"searchSourceJSON": _json(source)},
    }  # fmt: skip
    view = _reference("index-pattern", _view_id(prefix, item["over"]), name)
    return _object("search", f"{prefix}-search-{item['id']}", attributes, [view])


def _lens(item: dict[str, Any], prefix: str) -> Object:
    columns = dict(_columns(item))
    layer = {
        "columns": columns, "columnOrder": list(columns), "incompleteColumns": {}, "sampling": 1,
        "ignoreGlobalFilters": False,
    }  # fmt: skip
    state = {
        "visualization": _visualization(item),
        "query": _query(item),
        "filters": [],
        "datasourceStates": {"formBased": {"layers": {_LAYER: layer}}},
        "internalReferences": [],
        "adHocDataViews": {},
    }
    attributes = {
        "title": f"Archive: {item['title']}", "description": "", "visualizationType": _VISUALIZATIONS[item["kind"]],
        "state": state,
    }  # fmt: skip
    view = _reference("index-pattern", _view_id(prefix, item["over"]), f"indexpattern-datasource-layer-{_LAYER}")
    return _object("lens", f"{prefix}-lens-{item['id']}", attributes, [view])


def _columns(item: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The columns of a Lens layer: split, group, metric."""
    if "split" in item:
        yield "split", _terms(item["split"], 5)
    if "by" in item:
        yield "by", _dates(item["by"]) if item["by"] in _DATES else _terms(item["by"], 25)
    yield "measure", _measure(item)


def _dates(field: str) -> dict[str, Any]:
    return {
        "label": field, "dataType": "date", "operationType": "date_histogram", "sourceField": field,
        "isBucketed": True, "scale": "interval", "params": {"interval": "auto", "includeEmptyRows": True},
    }  # fmt: skip


def _terms(field: str, size: int) -> dict[str, Any]:
    return {
        "label": field, "dataType": "string", "operationType": "terms", "sourceField": field, "isBucketed": True,
        "scale": "ordinal",
        "params": {
            "size": size, "orderBy": {"type": "column", "columnId": "measure"}, "orderDirection": "desc",
            "otherBucket": True, "missingBucket": False, "parentFormat": {"id": "terms"},
        },
    }  # fmt: skip


def _measure(item: dict[str, Any]) -> dict[str, Any]:
    operation, field = item["measure"], item.get("field", _RECORDS)
    params: dict[str, Any] = {"percentile": 95} if operation == "percentile" else {}
    return {
        "label": item["title"], "customLabel": True, "operationType": operation, "sourceField": field,
        "dataType": "date" if field in _DATES else "number", "isBucketed": False, "scale": "ratio",
        "params": params | {"emptyAsNull": True},
    }  # fmt: skip


def _visualization(item: dict[str, Any]) -> dict[str, Any]:
    base: dict[str, Any] = {"layerId": _LAYER, "layerType": "data"}
    match item["kind"]:
        case "metric":
            return base | {"metricAccessor": "measure"}
        case "table":
            return base | {"columns": [{"columnId": "by"}, {"columnId": "measure"}]}
        case "pie":
            shown = {"numberDisplay": "percent", "categoryDisplay": "default", "legendDisplay": "default"}
            return {"shape": "donut", "layers": [base | {"primaryGroups": ["by"], "metrics": ["measure"], **shown}]}
        case kind:
            series = "line" if kind == "line" else "bar_stacked"
            split = {"splitAccessor": "split"} if "split" in item else {}
            layer = base | {"accessors": ["measure"], "xAccessor": "by", "seriesType": series, "position": "top"}
            return {
                "legend": {"isVisible": True, "position": "right"}, "valueLabels": "hide", "fittingFunction": "None",
                "preferredSeriesType": series, "layers": [layer | split],
            }  # fmt: skip


def _dashboard(item: dict[str, Any], prefix: str) -> Object:
    panels: list[dict[str, Any]] = []
    references: list[dict[str, str]] = []
    for kind, id_, grid in _grid(item):
        number = str(len(panels) + 1)
        panels.append(
            {
                "type": kind, "gridData": grid | {"i": number}, "panelIndex": number,
                "embeddableConfig": {"enhancements": {}}, "panelRefName": f"panel_{number}",
            }
        )  # fmt: skip
        references.append(_reference(kind, f"{prefix}-{kind}-{id_}", f"{number}:panel_{number}"))
    options = {"useMargins": True, "syncColors": False, "syncCursor": True, "syncTooltips": False}
    source = {"query": {"language": "kuery", "query": ""}, "filter": []}
    attributes = {
        "title": item["title"], "description": "", "version": 1, "panelsJSON": _json(panels),
        "optionsJSON": _json(options | {"hidePanelTitles": False}), "timeRestore": True, "timeFrom": "now-90d",
        "timeTo": "now", "kibanaSavedObjectMeta": {"searchSourceJSON": _json(source)},
    }  # fmt: skip
    return _object("dashboard", f"{prefix}-dashboard-{item['id']}", attributes, references)


def _grid(item: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Rows of panels of equal width, and below them a search over the full width."""
    y = 0
    for row in item["rows"]:
        width = _COLUMNS_OF_A_ROW // len(row["panels"])
        for at, id_ in enumerate(row["panels"]):
            yield "lens", id_, {"x": at * width, "y": y, "w": width, "h": row["height"]}
        y += row["height"]
    if "search" in item:
        yield "search", item["search"], {"x": 0, "y": y, "w": _COLUMNS_OF_A_ROW, "h": 18}
