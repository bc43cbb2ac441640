"""The documents that programs read, by their published schemas, and words that every face of the program says alike."""

from archiver.outputs.about import about_json
from archiver.outputs.audit import audit_facts, audit_words, member_of
from archiver.outputs.cases import case_json, cases_json, counts_of
from archiver.outputs.certificate import certificate_json, differences, is_changed, moment_of
from archiver.outputs.certificate_page import certificate_html
from archiver.outputs.changes import changes_json
from archiver.outputs.counts import Names, counts_json
from archiver.outputs.coverage import coverage_json, month_of
from archiver.outputs.customer import Customer, Customers, customers, customers_json, in_order
from archiver.outputs.erasures import ERASURE_WORDS, at_stake, erasure_json
from archiver.outputs.histogram import ProvenBar, histogram_json, proven_bars
from archiver.outputs.history import EVENT_WORDS, change_json, history_json, steps_of
from archiver.outputs.labels import sde_labels, sde_rows
from archiver.outputs.saved import searches_json
from archiver.outputs.scheduled import exports_json
from archiver.outputs.search import item_json, numbers_around, search_json
from archiver.outputs.status import status_json
from archiver.outputs.worth import question_json, worth_json

__all__ = [
    "ERASURE_WORDS",
    "EVENT_WORDS",
    "Customer",
    "Customers",
    "Names",
    "ProvenBar",
    "about_json",
    "at_stake",
    "audit_facts",
    "audit_words",
    "case_json",
    "cases_json",
    "certificate_html",
    "certificate_json",
    "change_json",
    "changes_json",
    "counts_json",
    "counts_of",
    "coverage_json",
    "customers",
    "customers_json",
    "differences",
    "erasure_json",
    "exports_json",
    "histogram_json",
    "history_json",
    "in_order",
    "is_changed",
    "item_json",
    "member_of",
    "moment_of",
    "month_of",
    "numbers_around",
    "proven_bars",
    "question_json",
    "sde_labels",
    "sde_rows",
    "search_json",
    "searches_json",
    "status_json",
    "steps_of",
    "worth_json",
]
