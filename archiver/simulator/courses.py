"""What happens to simulated conversations, and when: they open, grow, move, close, get surveys, are deleted."""

from __future__ import annotations

import random
import uuid
from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime, timedelta

from archiver.simulator import dialogues
from archiver.value import Value

_HOUR = timedelta(hours=1)
_QUICKEST, _SLOWEST = timedelta(hours=1), timedelta(days=5)
_CUSTOMERS = 90
_SURVEYED = timedelta(minutes=7)
_SUMMARIZED = timedelta(minutes=2)


class Person(Value):
    id: str
    name: str


class Turn(Value):
    """Something said at a moment; `kind` is a letter of `dialogues.SCRIPTS`."""

    at: datetime
    kind: str
    text: str


class Course(Value):
    """One conversation from beginning to end. What of it shows depends on the moment (`sections.record`)."""

    number: int
    id: str
    skill: str
    customer: Person
    agent: Person
    turns: tuple[Turn, ...]
    closed_at: datetime
    surveyed_at: datetime | None = None
    deleted_at: datetime | None = None

    @property
    def started_at(self) -> datetime:
        return self.turns[0].at

    @property
    def transferred_at(self) -> datetime:
        """From the bot, which speaks first, to a person."""
        return self.turns[0].at + timedelta(seconds=1)

    @property
    def summarized_at(self) -> datetime:
        return self.closed_at + _SUMMARIZED

    def moments(self) -> tuple[datetime, ...]:
        """Whenever the record changes, in order; between two of them only an open conversation's duration does."""
        others = (self.transferred_at, self.closed_at, self.summarized_at, self.surveyed_at, self.deleted_at)
        return tuple(sorted({*(turn.at for turn in self.turns), *(moment for moment in others if moment)}))


def step(moments: tuple[datetime, ...], now: datetime) -> int:
    """How many of the moments are over."""
    return bisect_right(moments, now)


def courses(start: datetime, end: datetime, count: int, *, seed: int = 7, deletes: bool = False) -> Iterator[Course]:
    """As many conversations, evenly spread, all over at `end`; the same for the same arguments.

    They last from minutes to half an hour; every tenth stays open for days. With `deletes`, some customers have their
    data deleted some days after the close.
    """
    dice = random.Random(seed)  # noqa: S311  (no secret)
    for number in range(count):
        start_at = start + (end - start) * (number / count) + timedelta(seconds=dice.randint(0, 1_800))
        is_slow = number % 10 == 9 and end - start_at > _SLOWEST
        yield _course(dice, min(start_at, end - _QUICKEST), number, is_slow=is_slow, deletes=deletes)


def _course(dice: random.Random, start: datetime, number: int, *, is_slow: bool, deletes: bool) -> Course:
    skill, script = dialogues.SCRIPTS[number % len(dialogues.SCRIPTS)]
    conversation_id = str(uuid.UUID(int=dice.getrandbits(128), version=4))
    customer = _customer(dice.randint(1, _CUSTOMERS))
    agent = Person(*dice.choice(dialogues.AGENTS))
    values = {
        "number": str(dice.randint(10_000, 99_999)), "amount": str(dice.randint(40, 600)), "card": dialogues.CARD,
    }  # fmt: skip
    turns = tuple(_turns(dice, start, (dialogues.WELCOME, *(line.format(**values) for line in script)), slow=is_slow))
    closed_at = turns[-1].at + timedelta(minutes=2)
    return Course(
        number=number,
        id=conversation_id,
        skill=skill,
        customer=customer,
        agent=agent,
        turns=turns,
        closed_at=closed_at,
        surveyed_at=closed_at + _SURVEYED if number % 4 == 0 else None,
        deleted_at=closed_at + timedelta(days=5) if deletes and number % 25 == 7 else None,
    )


def _customer(number: int) -> Person:
    """A customer, who has the same name in every conversation; others may have it, too."""
    return Person(f"customer-{number}", dialogues.CUSTOMERS[(number + 1) % len(dialogues.CUSTOMERS)])


def _turns(dice: random.Random, start: datetime, lines: tuple[str, ...], *, slow: bool) -> Iterator[Turn]:
    at = start
    for line in lines:
        yield Turn(at, line[0], line[2:])
        at += dice.randint(1, 9) * _HOUR if slow else timedelta(seconds=dice.randint(8, 140))
