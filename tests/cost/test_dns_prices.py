"""Route 53: a zone and its health checks, priced by hand.

A check of an endpoint outside AWS costs 0.75 and each option 2.00; at AWS 0.50 (the first 50 nothing) and 1.00.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.cost.conftest import Folder


def dns(folder: Folder, text: str) -> Decimal:
    found = folder.answer("dns", usage=f"dns: {text}").shown
    assert found.unpriced == ()
    return found.monthly_usd


@pytest.mark.parametrize(
    ("check", "usd"),
    [
        # 0.50 + 5 x 0.75
        ("protocol: tcp", "4.25"),
        # 0.50 + 5 x (0.75 + 2.00)
        ("protocol: https", "14.25"),
        # 0.50 + 5 x (0.75 + 4.00)
        ("protocol: https, interval_seconds: 10", "24.25"),
        # What octoDNS asks for: HTTPS, 10 s, latency graph: 0.50 + 5 x (0.75 + 6.00)
        ("protocol: https, interval_seconds: 10, latency_graph: true", "34.25"),
    ],
)
def test_a_zone_and_five_checks_of_servers_outside_aws(folder: Folder, check: str, usd: str) -> None:
    assert dns(folder, f"{{zones: 1, health_checks: [{{count: 5, {check}}}]}}") == Decimal(usd)


def test_the_first_50_checks_at_aws_are_free_and_their_options_are_not(folder: Folder) -> None:
    assert dns(folder, "{health_checks: [{count: 50, endpoint: aws}]}") == Decimal("0.00")
    # Two beyond: 2 x 0.50.
    assert dns(folder, "{health_checks: [{count: 52, endpoint: aws}]}") == Decimal("1.00")
    assert dns(folder, "{health_checks: [{count: 5, endpoint: aws, protocol: https}]}") == Decimal("5.00")


def test_queries_cost_by_the_kind_of_record(folder: Folder) -> None:
    # 10 x 0.40 + 2 x 0.60 + 1 x 0.70 + 0.5 x 0.80 = 4.00 + 1.20 + 0.70 + 0.40
    queries = "{million_queries: {standard: 10, latency: 2, geo: 1, ip_based: 0.5}}"
    assert dns(folder, queries) == Decimal("6.30")
