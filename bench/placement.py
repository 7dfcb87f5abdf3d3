"""Placing regions: looking at every set, against the same question as a mixed-integer program.

Both get the same made-up problem and must find the same score; both are timed from the frozen problem to the plan, in
an interpreter that has imported what it needs. Beyond what can be looked at in full only the program is left: its
seconds, and those of a front, are reported without a peer.
"""

from __future__ import annotations

import dataclasses
import math
import random
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial

from bench.comparison import Comparison, Result, in_turns
from fleet.placement.exhaustive import Exhaustive
from fleet.placement.mixed_integer import MixedInteger
from fleet.placement.plan import SAME_MS, Objective, Plan
from fleet.placement.problem import Candidate, Demand, Problem, Reach

SIZES = {(7, 20): 15, (12, 20): 9, (16, 40): 5}
"""(candidates, venues) to rounds."""

WANTED = 1.0
"""Up to these sizes looking at every set must not be the slower way: it is the one that is taken."""

LARGE = (33, 60)
FRONT = (12, 20)
BUDGETS = 10

SPREAD_MS = 200
"""From one edge of the made-up world to the other, about."""
BARRED = 0.05
"""Of the pairs."""


def compare() -> Iterator[Comparison]:
    """One comparison for each size."""
    for (candidates, venues), rounds in SIZES.items():
        problem = made_up(candidates, venues)
        _agree(problem)
        every, program = (partial(_seconds, partial(_best, kind, problem)) for kind in (Exhaustive, MixedInteger))
        every()
        program()
        pairs = in_turns(rounds, every, program)
        yield Comparison(f"placement of {candidates} x {venues} by every set", "a mixed-integer program", WANTED, pairs)


def alone() -> Iterator[Result]:
    """What has no peer: a large problem, and a front over ten budgets."""
    large = made_up(*LARGE)
    yield _result("placement of 33 x 60, proven, by a mixed-integer program", partial(_best, MixedInteger, large))
    front = made_up(*FRONT)
    yield _result(f"front of 12 x 20 over {BUDGETS} budgets, by every set", partial(_front, front))


def made_up(candidates: int, venues: int) -> Problem:
    """Servers and venues scattered over a plane, the venues in a few towns as exchanges are; the same every time."""
    chance = random.Random(candidates * 1000 + venues)
    servers = [(chance.random(), chance.random()) for _ in range(candidates)]
    towns = [(chance.random(), chance.random()) for _ in range(max(3, venues // 4))]
    places = [chance.choice(towns) for _ in range(venues)]
    prices = [Decimal(chance.randint(20, 90)) for _ in servers]
    reaches = tuple(
        tuple(
            Reach(
                round(2 + SPREAD_MS * math.dist(server, place), 1),
                barred="refused there" if number and chance.random() < BARRED else "",
            )
            for place in places
        )
        for number, server in enumerate(servers)
    )
    return Problem(
        tuple(Candidate(f"c{number}", f"p{number}", price, always=number == 0) for number, price in enumerate(prices)),
        tuple(Demand(f"v{number}", weight=chance.choice([0.5, 1, 2])) for number in range(venues)),
        reaches,
        budget_usd=prices[0] + 55 * min(5, candidates // 3),
    )


def _fresh(problem: Problem) -> Problem:
    """Without what the problem has worked out for the one before."""
    return dataclasses.replace(problem)


def _best(kind: type[Exhaustive] | type[MixedInteger], problem: Problem) -> Plan | None:
    return kind(_fresh(problem)).best(Objective.WEIGHTED)


def _front(problem: Problem) -> list[Plan | None]:
    highest = sum((candidate.monthly_usd for candidate in problem.candidates), Decimal(0))
    budgets = [highest * step / BUDGETS for step in range(1, BUDGETS + 1)]
    return [Exhaustive(_fresh(problem).with_budget(budget)).best(Objective.WEIGHTED) for budget in budgets]


def _agree(problem: Problem) -> None:
    one, other = _best(Exhaustive, problem), _best(MixedInteger, problem)
    if one is None or other is None or abs(one.score_ms - other.score_ms) > 10 * SAME_MS:
        raise AssertionError(f"two ways, two answers: {one} and {other}")


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _result(name: str, work: Callable[[], object]) -> Result:
    seconds = sorted(_seconds(work) for _ in range(3))[1]
    return Result(name=name, ours=round(seconds, 4), peer=None, ratio=None, unit="s")


def main() -> None:
    """Run this benchmark alone."""
    from bench.report import line

    for comparison in compare():
        print(line(comparison), flush=True)
    for result in alone():
        print(f"{result['name']}: {result['ours']:.3f} s", flush=True)


if __name__ == "__main__":
    main()
