"""Which provider errors a run repeats, and for how long: rate limits only.

A rate-limited call (HTTP 429) did nothing at the provider, so repeating it is safe. Anything else - a 500, a lost
reply, a timeout - may have created something that is paid for, so it is reported at once and ``fleet orphans`` finds
what it left.
"""

from __future__ import annotations

import asyncio
import re
import time

import pulumi

from fleet.workspace.stop import stop_requested

ATTEMPTS = 5
"""With FIRST_WAIT doubling: at most 2 + 4 + 8 + 16 + 32 = 62 s, above the one-minute windows of the three APIs."""
FIRST_WAIT_SECONDS = 2.0

STOP_LOOK_SECONDS = 0.25

_REFUSED_FOR_RATE = re.compile(r"\b429\b|too many requests|rate limit|throttl|request limit exceeded", re.IGNORECASE)
"""How the three providers say it; EC2's own word is RequestLimitExceeded."""


def is_rate_limit(message: str) -> bool:
    """True when a provider's error text says that the call was refused for its rate."""
    return _REFUSED_FOR_RATE.search(message) is not None


async def repeat_rate_limited(args: pulumi.ErrorHookArgs) -> bool:
    """The hook: waits and says True, to try again, while a call is refused for its rate and attempts are left."""
    seen = len(args.errors)
    if not args.errors or not is_rate_limit(args.errors[0]) or seen > ATTEMPTS:
        return False
    wait = FIRST_WAIT_SECONDS * 2 ** (seen - 1)
    pulumi.log.info(f"{args.name}: rate limited by the provider, attempt {seen} of {ATTEMPTS}, again in {wait:.0f} s")
    until = time.monotonic() + wait
    while time.monotonic() < until:
        if stop_requested():
            return False
        await asyncio.sleep(STOP_LOOK_SECONDS)
    return True


_hooks: dict[int, pulumi.ErrorHook] = {}


def rate_limit_hooks() -> pulumi.ResourceHookBinding:
    """The hook binding that every provider resource carries; registered once per program run (per event loop)."""
    loop = id(asyncio.get_event_loop())
    if loop not in _hooks:
        _hooks[loop] = pulumi.ErrorHook("repeat-rate-limited", repeat_rate_limited)
    return pulumi.ResourceHookBinding(on_error=[_hooks[loop]])
