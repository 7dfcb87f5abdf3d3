"""What a shipper tells of itself while nobody answers it."""

from __future__ import annotations

import pytest

from shipper import progress
from shipper.progress import FOLLOWING, Progress


class Clock:
    """The clock that ``shipper.progress`` looks at."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(progress.time, "time", made.time)
    return made


def value(told: Progress, metric: str) -> float:
    [found] = [line.rpartition(" ")[2] for line in told.metrics().splitlines() if line.startswith(metric)]
    return float(found)


def test_while_a_server_does_not_answer_every_lag_grows(clock: Clock) -> None:
    told = Progress("nj")
    told.beat = 2.0
    told.behind("trades", 0, 0.0)
    told.look(FOLLOWING)
    assert value(told, "questdb_replica_up") == 1
    assert value(told, "questdb_replica_lag_seconds") == 0

    clock.now += 90
    told.look("waiting: nj does not answer")
    assert value(told, "questdb_replica_up") == 0
    assert value(told, "questdb_replica_lag_seconds") == 90
    assert value(told, "questdb_replica_heartbeat_behind_seconds") == 92
    assert value(told, "questdb_replica_last_poll_success_timestamp_seconds") == 1_000
    assert told.healthy, "it is at work: it waits"

    told.behind("trades", 0, 0.0)
    told.look(FOLLOWING)
    assert value(told, "questdb_replica_lag_seconds") == 0


def test_a_table_that_needs_a_resync_has_a_metric(clock: Clock) -> None:
    told = Progress("nj")
    told.needs({'a "table"': "its log was purged"})
    assert value(told, 'questdb_replica_needs_resync{replica="nj",table="a \\"table\\""}') == 1
