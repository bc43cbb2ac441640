"""Random samples that everybody can draw again, and what they say about all. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from hashlib import sha256
from statistics import NormalDist


def sample_size(population: int, confidence: float, margin: float) -> int:
    """How many of a population have to be looked at, so that a share found in them is right within a margin, with a
    confidence, both between 0 and 1: Cochran's formula with the correction for finite populations, at the share of
    one half that needs most.
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    unlimited = z * z * 0.25 / (margin * margin)
    return min(population, math.ceil(unlimited / (1 + (unlimited - 1) / population))) if population else 0


def drawn(ids: Iterable[str], size: int, seed: str) -> list[str]:
    """So many of these ids, in order: those whose SHA-256 behind the seed is least. The same seed draws the same ones,
    whatever the order of the ids, and a larger sample holds a smaller one.
    """
    ranked = sorted(set(ids), key=lambda id_: (sha256(f"{seed}\n{id_}".encode()).digest(), id_))
    return sorted(ranked[:size])


def share_interval(found: int, looked_at: int, confidence: float) -> tuple[float, float]:
    """Between which shares of the whole the true one lies with a confidence, if so many of those looked at have been
    found: Wilson's interval.
    """
    if not looked_at:
        return 0.0, 1.0
    z, share = NormalDist().inv_cdf((1 + confidence) / 2), found / looked_at
    middle = share + z * z / (2 * looked_at)
    spread = z * math.sqrt(share * (1 - share) / looked_at + z * z / (4 * looked_at * looked_at))
    below = 1 + z * z / looked_at
    return max((middle - spread) / below, 0.0), min((middle + spread) / below, 1.0)
