"""When to try again, and how fast to go."""

from __future__ import annotations

import itertools
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import RateLimited
from archiver.liveperson.calls import RETRIES
from archiver.liveperson.pace import QUIET_S, SLOWEST_PER_S, Rate
from archiver.liveperson.rate_limit import RateLimiter
from archiver.retry import retry_delay

CEILINGS = st.sampled_from([0.5, 2.0, 10.0, 10_000.0])


def starts(rate: Rate, asked_at_s: list[float], refusals: set[int] = frozenset()) -> tuple[list[float], Rate]:  # type: ignore[assignment]
    """When each request starts; those whose number is in `refusals` are answered 429."""
    found = []
    for number, at_s in enumerate(asked_at_s):
        rate, wait_s = rate.taken(at_s)
        assert wait_s >= 0
        found.append(at_s + wait_s)
        if number in refusals:
            rate = rate.refused(found[-1], 1.0)
    return found, rate


@given(CEILINGS, st.lists(st.floats(0, 3), max_size=60), st.sets(st.integers(0, 59), max_size=10))
def test_no_second_sees_more_requests_than_the_ceiling_allows(
    ceiling: float, gaps: list[float], refusals: set[int]
) -> None:
    at, asked = 0.0, []
    for gap in gaps:
        at += gap
        asked.append(at)
    began, _ = starts(Rate(ceiling, ceiling), asked, refusals)
    for earlier, later in itertools.pairwise(began):
        assert later - earlier >= 1 / ceiling - 1e-6


@given(CEILINGS, st.integers(1, 40))
def test_after_the_last_refusal_the_ceiling_is_reached_again_in_bounded_time(ceiling: float, refusals: int) -> None:
    rate = Rate(ceiling, ceiling)
    for number in range(refusals):
        rate = rate.refused(number * 10.0, 1.0)
    assert rate.per_s <= max(ceiling / 2, SLOWEST_PER_S)
    quiet_s = 60 * QUIET_S
    rate, _ = rate.taken(refusals * 10.0 + quiet_s)
    assert rate.per_s >= 0.9 * ceiling


def test_a_refusal_halves_what_the_remote_really_met_not_a_ceiling_nobody_reached() -> None:
    rate = Rate(10_000.0, 10_000.0)
    for number in range(50):
        rate, _ = rate.taken(number * 0.25)  # four a second
    assert rate.refused(12.5, 1.0).per_s == pytest.approx(2.0, rel=0.05)


def test_refusals_of_requests_that_were_on_their_way_together_count_once() -> None:
    rate = Rate(8.0, 8.0).refused(100.0, 2.0)
    assert rate.refused(100.5, 2.0).per_s == rate.per_s == 4.0


def test_a_pause_is_everybodys() -> None:
    clock = [100.0]
    limiter = RateLimiter(50.0, clock=lambda: clock[0])
    limiter.back_off(7.0)
    assert limiter.reserve() == pytest.approx(7.0)
    assert limiter.reserve() > 7.0


def test_threads_share_one_limiter() -> None:
    limiter = RateLimiter(100.0, clock=lambda: 0.0)
    waits: list[float] = []
    threads = [threading.Thread(target=lambda: waits.extend(limiter.reserve() for _ in range(25))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(waits) == pytest.approx([number / 100 for number in range(100)])


@pytest.mark.parametrize("ceiling", [0.01, 0.05, 0.5])
def test_a_refusal_never_makes_it_faster(ceiling: float) -> None:
    assert Rate(ceiling, ceiling).refused(1.0, 1.0).per_s <= ceiling


@pytest.mark.parametrize(("wish", "waits"), [(0.0, 1.0), (0.2, 1.0), (30.0, 30.0), (9_999.0, 600.0)])
def test_a_wish_of_the_server_is_honoured_within_bounds(wish: float, waits: float) -> None:
    assert retry_delay(RateLimited("slow", retry_after_s=wish), 0, RETRIES) == waits
