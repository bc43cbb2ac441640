"""Samples that everybody can draw again, and what they say about all."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from archiver.sampling import drawn, sample_size, share_interval

IDS = st.sets(st.text(max_size=5), max_size=30)


@given(IDS, st.integers(0, 40), st.text(max_size=5))
def test_a_sample_depends_on_the_seed_and_the_ids_alone(ids: set[str], size: int, seed: str) -> None:
    sample = drawn(ids, size, seed)
    assert sample == drawn(sorted(ids, reverse=True), size, seed)
    assert len(sample) == min(size, len(ids))
    assert set(sample) <= ids


@given(IDS, st.integers(0, 20), st.integers(0, 20))
def test_a_larger_sample_holds_a_smaller_one(ids: set[str], size: int, more: int) -> None:
    assert set(drawn(ids, size, "s")) <= set(drawn(ids, size + more, "s"))


def test_every_conversation_is_drawn_about_as_often() -> None:
    ids = [f"c{number}" for number in range(20)]
    samples = [drawn(ids, 5, str(seed)) for seed in range(4_000)]
    counts = [sum(id_ in sample for sample in samples) for id_ in ids]
    assert max(abs(count - 1_000) for count in counts) < 5 * math.sqrt(4_000 * 0.25 * 0.75)


def test_sizes_are_those_of_the_published_tables() -> None:
    """Krejcie and Morgan's table, which rounds, for 95 % and a margin of 5 points."""
    assert [sample_size(population, 0.95, 0.05) for population in (10, 100, 1_000, 10_000, 1_000_000)] == [
        10, 80, 278, 370, 384,
    ]  # fmt: skip
    assert sample_size(0, 0.95, 0.05) == 0


@given(st.integers(0, 10**7), st.floats(0.5, 0.999), st.floats(0.001, 0.5))
def test_a_sample_is_never_larger_than_all(population: int, confidence: float, margin: float) -> None:
    assert (population > 0) <= sample_size(population, confidence, margin) <= population


@given(st.integers(1, 5_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share_that_was_found(counts: tuple[int, int]) -> None:
    found, looked_at = counts
    low, high = share_interval(found, looked_at, 0.95)
    assert 0 <= low <= found / looked_at + 1e-12
    assert found / looked_at - 1e-12 <= high <= 1


def test_the_interval_is_wilsons() -> None:
    low, high = share_interval(2, 383, 0.95)
    assert (round(low, 5), round(high, 5)) == (0.00143, 0.01884)
    assert share_interval(0, 0, 0.95) == (0.0, 1.0)
    assert share_interval(0, 100, 0.95)[1] < 0.04
