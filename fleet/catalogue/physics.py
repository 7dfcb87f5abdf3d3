"""What light in fibre allows, and the judgement of claims by it."""

from __future__ import annotations

from enum import StrEnum
from math import asin, cos, radians, sin, sqrt

from fleet.catalogue.catalogue import Place

EARTH_RADIUS_KM = 6371.0
FLOOR_MS_PER_KM = 2 * 1.468 / 299.792
"""Round trip in fibre of refractive index 1.468: 0.979 ms per 100 km. Nothing that goes through fibre is faster."""

NEAR_KM = 1000
NEAR_FACTOR, FAR_FACTOR = 2.0, 1.5
"""What real round trips are of their floor: twice below 1000 km, where fibre takes detours; 1.5 times beyond (published
tables lie between 1.34 and 1.86 there)."""

SAME_METRO_MS = 2.0
"""A round trip within one metropolitan area, between two providers."""


class Verdict(StrEnum):
    """What a claimed latency is worth."""

    POSSIBLE = "possible"
    EDGE = "edge, not origin"
    """Measured, yet faster than light could be: something nearer answered for the venue."""
    IMPOSSIBLE = "impossible"
    """Expected, yet faster than light could be."""
    UNKNOWN = "not known where it is"
    """Nobody says where the venue answers, so there is nothing to judge by."""


def distance_km(one: Place, other: Place) -> float:
    """Great circle in km, by the haversine formula."""
    a, b = radians(one.latitude), radians(other.latitude)
    half = sin((b - a) / 2) ** 2 + cos(a) * cos(b) * sin(radians(other.longitude - one.longitude) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(sqrt(half))


def floor_ms(one: Place, other: Place) -> float:
    """The shortest round trip in ms that physics allows between two places."""
    return distance_km(one, other) * FLOOR_MS_PER_KM


def expected_ms(one: Place, other: Place) -> float:
    """The round trip in ms to expect where nothing is known but the distance; to 0.1 ms."""
    factor = NEAR_FACTOR if distance_km(one, other) < NEAR_KM else FAR_FACTOR
    return max(SAME_METRO_MS, round(factor * floor_ms(one, other), 1))


def judge_measured(claim_ms: float, one: Place, other: Place) -> Verdict:
    """What a measurement that somebody reports is worth."""
    return Verdict.EDGE if claim_ms < floor_ms(one, other) else Verdict.POSSIBLE


def judge_expected(claim_ms: float, one: Place, other: Place) -> Verdict:
    """What a latency that somebody promises is worth."""
    return Verdict.IMPOSSIBLE if claim_ms < floor_ms(one, other) else Verdict.POSSIBLE
