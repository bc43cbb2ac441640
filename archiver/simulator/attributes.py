"""SDEs of simulated conversations: every type that LivePerson has, in its own nesting (Engagement Attributes)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archiver.simulator.calendar import to_ms
from archiver.simulator.courses import Course

_PRODUCT = {"name": "Travel pillow", "category": "Accessories", "sku": "TP-1", "price": 19.9}
_CART = {"total": 39.8, "currency": "EUR", "numItems": 2, "products": [{"quantity": 2, "product": _PRODUCT}]}
_DATE = {"year": 2025, "month": 3, "day": 9}
# By type: the key of its payload, whether LivePerson nests it twice, and the payload.
_OTHERS: dict[str, tuple[str, bool, dict[str, Any]]] = {
    "MARKETING_CAMPAIGN_INFO": (
        "marketingCampaignInfo", True, {"originatingChannel": 1, "affiliate": "blog", "campaignId": "spring"},
    ),
    "LEAD": ("lead", True, {"topic": "city trips", "value": 120.5, "currency": "EUR", "leadId": "L-1"}),
    "SERVICE_ACTIVITY": (
        "serviceActivity", True, {"topic": "rebooking", "status": 1, "category": "flights", "serviceId": "S-1"},
    ),
    "VISITOR_ERROR": (
        "visitorError", True,
        {"contextId": "pay", "message": "card declined", "code": "51", "level": "2", "resolved": False},
    ),
    "PURCHASE": ("purchase", False, {"total": 39.8, "currency": "EUR", "orderId": "O-1", "cart": _CART}),
    "CART_STATUS": ("cartStatus", False, _CART),
    "VIEWED_PRODUCT": (
        "viewedProduct", False,
        {
            "currency": "EUR",
            "products": [{"quantity": 1, "product": {**_PRODUCT, "statusInStock": "IN_STOCK", "quantityInStock": 7}}],
        },
    ),
    "SEARCH_CONTENT": ("searchContent", False, {"keywords": ["pillow", "neck"]}),
}  # fmt: skip


def sdes(course: Course, *, is_authenticated: bool = True, is_deleted: bool = False) -> Iterator[dict[str, Any]]:
    """The events of one conversation: who the customer is, other known attributes, and one event sent twice."""
    if not is_authenticated:
        if course.number % 3 == 0 and not is_deleted:
            yield _event(course, "PERSONAL_INFO", "personalInfo", True, _personal(course)) | {"isAuthenticated": False}
        return
    if not is_deleted:
        yield _event(course, "CUSTOMER_INFO", "customerInfo", True, _customer(course))
        if course.number % 3 == 1:
            yield _event(course, "PERSONAL_INFO", "personalInfo", True, _personal(course))
    kind = list(_OTHERS)[course.number % len(_OTHERS)]
    for _ in range(2):
        yield _event(course, kind, *_OTHERS[kind])


def _event(course: Course, kind: str, key: str, is_nested: bool, payload: dict[str, Any]) -> dict[str, Any]:
    stamp = {"serverTimeStamp": to_ms(course.started_at)}
    own = {**({key: payload} if is_nested else payload), **stamp, "originalTimeStamp": to_ms(course.started_at)}
    return {key: own, "sdeType": kind, **stamp}


def _customer(course: Course) -> dict[str, Any]:
    return {
        "customerStatus": "active", "customerType": ("gold", "silver", "new")[course.number % 3], "balance": -12.5,
        "currency": "EUR", "customerId": f"C{1000 + _number(course)}", "socialId": "undefined", "imei": "undefined",
        "userName": course.customer.id, "accountName": "travel", "role": "traveller", "lastPaymentDate": _DATE,
        "registrationDate": _DATE, "companySize": 1, "companyBranch": "private", "storeZipCode": "1100-001",
        "storeNumber": "7", "loginStatus": 1,
    }  # fmt: skip


def _number(course: Course) -> int:
    """What distinguishes the customer from others."""
    return int(course.customer.id.rpartition("-")[2])


def _personal(course: Course) -> dict[str, Any]:
    first, _, last = course.customer.name.partition(" ")
    contact = {
        "email": f"{course.customer.id}@consumer.example", "phone": f"+351 555 {1000 + _number(course)}",
        "phoneType": "mobile",
        "address": "Rua do Exemplo 1, Lisboa", "preferredContactMethod": "email",
    }  # fmt: skip
    return {
        "name": first, "surname": last, "gender": "OTHER", "company": "undefined",
        "customerAge": {
            "customerAgeInYears": 41, "customerYearOfBirth": "1985", "customerMonthOfBirth": "3",
            "customerDateOfBirth": "9",
        },
        "contacts": [{"personalContact": contact}], "language": "en-US",
    }  # fmt: skip
