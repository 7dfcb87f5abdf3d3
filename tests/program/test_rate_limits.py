"""Which errors of a provider a run repeats, and for how long."""

from __future__ import annotations

import asyncio

import pulumi
import pytest

from infra import retry
from infra.retry import ATTEMPTS, is_rate_limit


@pytest.mark.parametrize(
    ("said", "repeated"),
    [
        ('{"error":"Rate limit exceeded","status":429}', True),
        ("POST https://api.digitalocean.com/v2/droplets: 429 Too many requests", True),
        ("api error RequestLimitExceeded: Request limit exceeded.", True),
        ("ThrottlingException: Rate exceeded", True),
        ('{"error":"Internal server error.","status":500}', False),
        ("POST https://api.vultr.com/v2/instances: EOF", False),
        ("context deadline exceeded", False),
        ("plan vhp-4c-8gb-amd is not available in ewr", False),
        ("server 4290 is locked", False),
    ],
)
def test_only_what_did_nothing_is_repeated(said: str, repeated: bool) -> None:
    assert is_rate_limit(said) is repeated


def test_a_rate_limit_that_stays_ends_after_some_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_WAIT_SECONDS", 0.0)
    told: list[str] = []
    monkeypatch.setattr(pulumi.log, "info", told.append)

    def again(errors: int) -> bool:
        failed = pulumi.ErrorHookArgs(
            urn="urn", id="", name="nj", type="vultr:index/instance:Instance", errors=["status 429"] * errors
        )
        return asyncio.run(retry.repeat_rate_limited(failed))

    assert [again(number) for number in range(1, ATTEMPTS + 2)] == [True] * ATTEMPTS + [False]
    assert len(told) == ATTEMPTS
    assert all("rate limited by the provider" in line for line in told)
