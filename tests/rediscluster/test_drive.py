"""What a refusal of a step means: the cluster has changed since it was looked at, or it will not be."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from rediscluster.drive import RedisStopped, drive
from rediscluster.keeper.view import View
from rediscluster.steps import Command, Done, Step

pytestmark = pytest.mark.unit

TAKE = Command("10.0.0.1:7001", ("CLUSTER", "ADDSLOTSRANGE", "0", "5"), "nj:7001 takes 6 empty slots")


class Refusing:
    """A cluster that refuses the first command."""

    def __init__(self, answer: str) -> None:
        self.answers = [answer]
        self.commands = 0

    def look(self) -> Mapping[str, View]:
        return {}

    def command(self, at: str, words: tuple[str, ...]) -> None:
        self.commands += 1
        if self.answers:
            raise RedisStopped(self.answers.pop())

    def move(self, source: str, target: str, slots: tuple[int, ...]) -> int:
        raise AssertionError("nothing is moved")


def test_slots_of_an_owner_that_was_heard_of_meanwhile_are_looked_at_again() -> None:
    cluster = Refusing("nj: ERR Slot 0 is already busy")
    steps: list[Step] = [Done(), TAKE, TAKE]
    drive(cluster, lambda views: steps.pop(), lambda line: None)
    assert cluster.commands == 2


def test_any_other_refusal_ends_it() -> None:
    with pytest.raises(RedisStopped, match="NOPERM"):
        drive(Refusing("nj: NOPERM this user has no permissions"), lambda views: TAKE, lambda line: None)
