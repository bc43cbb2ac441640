"""What grants add up to, and which rules there are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from archiver.access import Person, Right, person_of, rule_of
from archiver.access.rights import Duty, rights_of
from archiver.access.rules import within
from archiver.archive import Grant, Grantee
from archiver.errors import AccessDenied, ConfigError
from archiver.query import And, Everything, parse

NOW = datetime(2026, 7, 1, tzinfo=UTC)


def grant(*roles: str, rule: str | None = None) -> Grant:
    return Grant(Grantee.GROUP, "g", roles, rule)


def test_nobody_is_anybody_without_a_grant() -> None:
    assert person_of("ed", []) is None


def test_roles_add_up() -> None:
    person = person_of("ed", [grant("reader"), grant("exporter")])
    assert person is not None
    assert (person.may(Right.EXPORT), person.may(Right.UNMASK), person.rules) == (True, False, ())


def test_a_right_for_some_conversations_is_none_for_all() -> None:
    person = person_of("ed", [grant("reader"), grant("compliance", rule="skill:Billing")])
    assert person is not None
    assert (person.rules, person.may(Right.READ), person.may(Right.UNMASK)) == ((), True, False)


def test_a_right_for_some_conversations_is_none_for_others() -> None:
    person = person_of("ed", [grant("compliance", rule="skill:Billing"), grant("reader", rule="skill:Sales")])
    assert person is not None
    assert person.rules == ("skill:Billing", "skill:Sales")
    assert (person.may(Right.READ), person.may(Right.UNMASK), person.may(Right.EXPORT)) == (True, False, False)


def test_an_auditor_and_an_admin_read_no_conversation_and_only_compliance_unmasks() -> None:
    allowed = {duty: rights_of([duty]) for duty in Duty}
    assert Right.READ not in allowed[Duty.AUDITOR] | allowed[Duty.ADMIN]
    assert [duty for duty in Duty if Right.UNMASK in allowed[duty]] == [Duty.COMPLIANCE]
    assert [duty for duty in Duty if Right.DECIDE in allowed[duty]] == [Duty.COMPLIANCE]


def test_who_may_not_is_told_which_role_may() -> None:
    with pytest.raises(AccessDenied) as caught:
        Person("ed", ("reader",), rights_of(["reader"])).check(Right.EXPORT)
    assert "exporter or compliance" in str(caught.value.hint)


@pytest.mark.parametrize(
    "text", ["", "refund", "skill:", "text:refund", "mcs:<40", "skill:A refund", "customer:x", "(", "*"]
)
def test_a_rule_is_about_where_a_conversation_belongs_and_nothing_else(text: str) -> None:
    with pytest.raises(ConfigError):
        rule_of(text)


def test_a_rule_holds_for_every_query() -> None:
    rule = rule_of("skill:Billing OR group:EU")
    assert within(parse("", now=NOW), rule).expression == rule
    assert within(parse("a OR b", now=NOW), rule).expression == And((rule, parse("a OR b", now=NOW).expression))
    assert within(parse("a", now=NOW), Everything()) == parse("a", now=NOW)
