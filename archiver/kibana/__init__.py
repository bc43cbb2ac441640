"""Data views, searches and dashboards for Kibana."""

from archiver.kibana.imports import KibanaAddress, import_objects
from archiver.kibana.objects import Object, ndjson, saved_objects

__all__ = [
    "KibanaAddress",
    "Object",
    "import_objects",
    "ndjson",
    "saved_objects",
]
