"""Who asks: a person with rights and, where only some conversations may be seen, a rule."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterable

from archiver.access.rights import EVERY_RIGHT, WITHOUT_CONVERSATIONS, Duty, Right, rights_of
from archiver.archive import Grant
from archiver.errors import AccessDenied
from archiver.value import Value


class Origin(Value):
    """From where something was asked. `via` is cli, page or api; `login` is how the person proved who they are."""

    via: str
    login: str = "none"
    ip: str | None = None
    agent: str | None = None


class Person(Value):
    """`rules` are queries; only conversations of which one is true are seen, all if there is none.
    `sees_personal_data`: customers' names, addresses and numbers are not masked.
    """

    name: str
    roles: tuple[str, ...] = ()
    rights: frozenset[Right] = frozenset()
    rules: tuple[str, ...] = ()
    sees_personal_data: bool = False

    def may(self, right: Right) -> bool:
        return right in self.rights

    def check(self, right: Right) -> None:
        """Raises AccessDenied without the right."""
        if not self.may(right):
            raise AccessDenied(f"{self.name} may not {right.value}", hint=needed_role(right))


def needed_role(right: Right) -> str:
    """What to do without a right."""
    having = [duty for duty in Duty if right in rights_of([duty])]
    return f"That needs the role {' or '.join(having)}. Who keeps the archive grants it: archiver access --help"


def owner() -> Person:
    """The user of this process, who can read the files anyway, and so may do everything."""
    return Person(system_user(), ("owner",), EVERY_RIGHT, (), sees_personal_data=True)


def system_user() -> str:
    """The name of the user of this process, who may have none in a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def person_of(name: str, grants: Iterable[Grant]) -> Person | None:
    """A person by everything that was granted to them and their groups; None if that is nothing.

    Rights about conversations hold for all that a person sees. So, if any grant lets them read without a rule, grants
    with a rule add none; and with several rules, they have only those that every grant with a rule gives.
    """
    given = [(grant, rights_of(grant.roles)) for grant in grants]
    if not given:
        return None
    reading = [(grant, rights) for grant, rights in given if Right.READ in rights]
    counted = [pair for pair in reading if not pair[0].rule] or reading
    rules = tuple(dict.fromkeys(grant.rule for grant, _ in counted if grant.rule))
    each = [rights for _, rights in counted]
    about_conversations = frozenset.intersection(*each) if len(rules) > 1 else frozenset().union(*each)
    others = frozenset().union(*(rights & WITHOUT_CONVERSATIONS for _, rights in given))
    roles = tuple(dict.fromkeys(role for grant, _ in given for role in grant.roles))
    return Person(name, roles, about_conversations | others, rules)
