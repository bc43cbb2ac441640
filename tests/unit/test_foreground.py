"""The promises of `archiver.foreground`."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

import archiver.foreground
from archiver.foreground import Foreground

_PATIENCE_S = 30.0


class Moments:
    """A clock that tells these moments, one after the other."""

    def __init__(self, *moments: float) -> None:
        self._moments: Iterator[float] = iter(moments)
        self.asked = 0

    def __call__(self) -> float:
        self.asked += 1
        return next(self._moments)


def test_nobody_is_waited_for_while_no_answer_is_being_made() -> None:
    clock = Moments()
    foreground = Foreground(clock)
    foreground.give_way()
    with foreground.answering():
        pass
    foreground.give_way()
    assert clock.asked == 0


def test_work_goes_on_as_soon_as_the_last_answer_is_made_also_one_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archiver.foreground, "_MOST_S", 1_000.0)
    foreground, began, passed = Foreground(Moments(*range(1_000))), threading.Event(), threading.Event()

    def work() -> None:
        began.set()
        foreground.give_way()
        passed.set()

    try:
        with foreground.answering():
            threading.Thread(target=work, daemon=True).start()
            assert began.wait(_PATIENCE_S)
            raise ValueError
    except ValueError:
        assert passed.wait(_PATIENCE_S)


def test_work_that_has_waited_long_is_done_for_a_while_before_it_waits_again() -> None:
    clock = Moments(0.0, 10.0, 10.5, 11.5, 12.0)
    foreground = Foreground(clock)
    with foreground.answering():
        foreground.give_way()  # from 0 to 10: it may work until 11
        foreground.give_way()
        assert clock.asked == 3
        foreground.give_way()
        assert clock.asked == 5


def test_each_thread_waits_for_itself() -> None:
    clock = Moments(0.0, 10.0, 10.5, 11.0)
    foreground = Foreground(clock)
    with foreground.answering():
        foreground.give_way()
        other = threading.Thread(target=foreground.give_way)
        other.start()
        other.join(_PATIENCE_S)
    assert clock.asked == 4
