"""Data views, searches and dashboards for Kibana."""

from archiver.kibana.imports import Imported, KibanaAddress, import_objects
from archiver.kibana.objects import Object, default_view, ndjson, saved_objects

__all__ = [
    "Imported",
    "KibanaAddress",
    "Object",
    "default_view",
    "import_objects",
    "ndjson",
    "saved_objects",
]
