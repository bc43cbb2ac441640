"""What Kibana 8.19 and 9.x accept in the attributes of the saved objects that we import, as JSON Schemas.

Written from the schemas in Kibana's source that check an import: `dashboardAttributesSchema` (v1, v2), the search
schemas of 8.8 and model version 1, `createVersionedLensSchemas`, and `dataViewAttributesSchema`. None of them allows a
member that it does not know. What Kibana keeps as JSON in a string is given here as the value that the string stands
for.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]
_TEXT: Schema = {"type": "string"}
_YES_NO: Schema = {"type": "boolean"}
_NUMBER: Schema = {"type": "number"}


def _object(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def _table(of: Schema) -> Schema:
    return {"type": "object", "additionalProperties": of}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


_SOURCE = _object(("searchSourceJSON",), searchSourceJSON={"type": "object"})
_REFRESH = _object(("pause", "value"), pause=_YES_NO, value=_NUMBER)
_PANEL = _object(
    ("type", "gridData", "panelIndex", "panelRefName"), type=_TEXT, panelIndex=_TEXT, panelRefName=_TEXT, title=_TEXT,
    version=_TEXT, embeddableConfig={"type": "object"},
    gridData=_object(("x", "y", "w", "h", "i"), x=_NUMBER, y=_NUMBER, w=_NUMBER, h=_NUMBER, i=_TEXT),
)  # fmt: skip
ATTRIBUTES: dict[str, Schema] = {
    "dashboard": _object(
        ("title",), title=_TEXT, description=_TEXT, kibanaSavedObjectMeta=_SOURCE, timeRestore=_YES_NO, timeFrom=_TEXT,
        timeTo=_TEXT, refreshInterval=_REFRESH, controlGroupInput={"type": "object"}, panelsJSON=_list(_PANEL),
        optionsJSON=_table({"type": "boolean"}), hits=_NUMBER, version=_NUMBER,
    ),
    "search": _object(
        ("title", "kibanaSavedObjectMeta"), title=_TEXT, description=_TEXT, columns=_list(_TEXT),
        sort={"anyOf": [_list(_TEXT), _list(_list(_TEXT))]}, grid=_object((), columns=_table({"type": "object"})),
        rowHeight=_NUMBER, rowsPerPage=_NUMBER, hideChart=_YES_NO, breakdownField=_TEXT, kibanaSavedObjectMeta=_SOURCE,
        isTextBasedQuery=_YES_NO, usesAdHocDataView=_YES_NO, timeRestore=_YES_NO, refreshInterval=_REFRESH,
        timeRange=_object(("from", "to"), **{"from": _TEXT, "to": _TEXT}), hideAggregatedPreview=_YES_NO,
        viewMode={"enum": ["documents", "aggregated"]}, hits=_NUMBER, version=_NUMBER, sampleSize=_NUMBER,
    ),
    "lens": _object(
        ("title", "visualizationType"), title=_TEXT, description=_TEXT, visualizationType=_TEXT,
        state={"type": "object"}, version=_NUMBER,
    ),
    "index-pattern": _object(
        ("title",), title=_TEXT, type=_TEXT, timeFieldName=_TEXT, name=_TEXT, typeMeta={"type": "object"},
        sourceFilters=_list(_object(("value",), value=_TEXT, clientId={"type": ["string", "number"]})),
        fields=_list({"type": "object"}), allowNoIndex=_YES_NO, allowHidden=_YES_NO, runtimeFieldMap={"type": "object"},
        fieldFormatMap=_table(_object((), id=_TEXT, params={"type": "object"})),
        fieldAttrs=_table(
            _object((), customLabel=_TEXT, customDescription={"type": "string", "maxLength": 300}, count=_NUMBER)
        ),
    ),
}  # fmt: skip
_REFERENCE = _object(("name", "type", "id"), name=_TEXT, type=_TEXT, id=_TEXT)
OBJECT = _object(
    ("type", "id", "attributes", "references"), type={"enum": list(ATTRIBUTES)}, id=_TEXT,
    attributes={"type": "object"}, references=_list(_REFERENCE), managed=_YES_NO, coreMigrationVersion=_TEXT,
    typeMigrationVersion=_TEXT,
)  # fmt: skip
AS_JSON = (
    "panelsJSON", "optionsJSON", "searchSourceJSON", "sourceFilters", "fields", "fieldFormatMap", "fieldAttrs",
    "runtimeFieldMap", "typeMeta",
)  # fmt: skip
