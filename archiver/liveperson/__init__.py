"""One LivePerson account over HTTP: the Messaging Interactions API, and the services that grant access to it."""

from archiver.liveperson.account import Account, account_of, connect
from archiver.liveperson.auth import AppKeys, ClientCredentials, User
from archiver.liveperson.calls import CallSettings
from archiver.liveperson.client import ROWS_SHARED, Client
from archiver.liveperson.filters import (
    CONTENT,
    MOST_PER_PAGE,
    AgentSurveyFilter,
    Filters,
    Order,
    Parameters,
    Range,
    Status,
)
from archiver.liveperson.probes import Contact, Probes

__all__ = [
    "CONTENT",
    "MOST_PER_PAGE",
    "ROWS_SHARED",
    "Account",
    "AgentSurveyFilter",
    "AppKeys",
    "CallSettings",
    "Client",
    "ClientCredentials",
    "Contact",
    "Filters",
    "Order",
    "Parameters",
    "Probes",
    "Range",
    "Status",
    "User",
    "account_of",
    "connect",
]
