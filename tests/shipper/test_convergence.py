"""The law of the shipper: whatever is written in whatever order and whatever breaks, the replica becomes equal."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shipper.database import Unreachable
from shipper.facts import Interval
from shipper.follow import SWEEP_SECONDS, Follower, Piece
from shipper.marks import FORGET, RESYNC, Marks
from shipper.progress import Progress
from tests.shipper.model import Server, Store, clock

ROW = st.tuples(st.integers(0, 40), st.integers(0, 3), st.floats(allow_nan=False))
COMMIT = st.lists(ROW, min_size=1, max_size=6)
"""Few timestamps and keys: out of order and overwritten more often than not."""

ACTION = st.one_of(
    COMMIT.map(lambda rows: ("commit", rows)),
    st.just(("apply", None)),
    st.just(("look", None)),
    st.integers(1, 12).map(lambda calls: ("break", calls)),
    st.just(("new process", None)),
)


class Breaks(Unreachable):
    """The fault of the model."""


def begun_at_once(read: Callable[[], Piece]) -> Callable[[], Piece]:
    """As by a reader of its own that is always quicker than the writer."""
    done: Future[Piece] = Future()
    try:
        done.set_result(read())
    except Breaks as broken:
        done.set_exception(broken)
    return done.result


def follower(source: Server, sink: Server, folder: Path, seconds_a_look: float = SWEEP_SECONDS) -> Follower:
    ticks = clock(seconds_a_look)
    return Follower(
        source,
        sink.sink(),
        Marks(folder),
        Progress("nj"),
        chunk_rows=3,
        clock=lambda: next(ticks),
        wait=lambda seconds: None,
        ahead=begun_at_once,
    )


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    actions=st.lists(ACTION, max_size=40),
    meanwhile=st.lists(COMMIT, max_size=5),
    seconds=st.sampled_from([SWEEP_SECONDS, SWEEP_SECONDS / 50]),
)
def test_every_schedule_ends_in_equal_tables(
    tmp_path_factory: Any,
    actions: list[tuple[str, Any]],
    meanwhile: list[list[tuple[int, int, float]]],
    seconds: float,
) -> None:
    """Whether every look is a sweep or hardly any."""
    folder = tmp_path_factory.mktemp("marks")
    source, sink = Server("hub"), Server("nj")
    source.stores["trades"] = trades = Store("trades~1")
    waiting = list(meanwhile)

    def others_write() -> None:
        if waiting:
            trades.commit(waiting.pop())
            trades.apply()

    source.between = others_write
    left = [-1]

    def fault(call: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Breaks(call)

    source.before = sink.before = fault
    ours = follower(source, sink, folder, seconds)
    for action, value in actions:
        if action == "commit":
            trades.commit(value)
        elif action == "apply":
            trades.apply()
        elif action == "break":
            left[0] = value
        elif action == "new process":
            ours = follower(source, sink, folder, seconds)
        else:
            try:
                ours.look()
            except Breaks:
                # What broke may have been the process itself.
                ours = follower(source, sink, folder, seconds)

    left[0] = -1
    trades.apply()
    for _ in range(len(meanwhile) + 3):
        ours.look()
    assert Marks(folder).needs_resync == {}
    assert sink.stores["trades"].rows == trades.rows
    assert set(sink.stores) == {"trades"}, "a half-made copy is left"


def test_a_table_that_cannot_be_followed_is_left_alone_until_it_is_asked_for(tmp_path: Path) -> None:
    source, sink = Server("hub"), Server("nj")
    source.stores["trades"] = trades = Store("trades~1")
    trades.commit([(1, 1, 1.0), (2, 1, 2.0)])
    trades.apply()
    ours = follower(source, sink, tmp_path)
    ours.look()
    assert sink.stores["trades"].rows == trades.rows

    trades.alter(-1)  # an UPDATE
    trades.rows[1, 1] = (1, 1, 9.0)
    trades.commit([(3, 1, 3.0)])
    trades.apply()
    ours.look()
    ours.look()
    assert "UPDATE" in Marks(tmp_path).needs_resync["trades"]
    assert (3, 1) not in sink.stores["trades"].rows, "nothing more comes: what is there is old, and said to be"

    Marks(tmp_path).request(RESYNC, "trades")
    ours.look()
    assert Marks(tmp_path).needs_resync == {}
    assert sink.stores["trades"].rows == trades.rows


def test_a_dropped_and_a_remade_table_are_told_apart(tmp_path: Path) -> None:
    source, sink = Server("hub"), Server("nj")
    source.stores["trades"] = Store("trades~1")
    source.stores["trades"].commit([(1, 1, 1.0)])
    source.stores["trades"].apply()
    ours = follower(source, sink, tmp_path)
    ours.look()

    del source.stores["trades"]
    ours.look()
    assert "dropped or renamed" in Marks(tmp_path).needs_resync["trades"]

    source.stores["trades"] = Store("trades~2")
    source.stores["trades"].commit([(5, 5, 5.0)])
    source.stores["trades"].apply()
    ours.look()
    assert "trades" in Marks(tmp_path).needs_resync
    assert sink.stores["trades"].rows == {(1, 1): (1, 1, 1.0)}


def test_a_purged_log_is_noticed(tmp_path: Path) -> None:
    source, sink = Server("hub"), Server("nj")
    source.stores["trades"] = trades = Store("trades~1")
    ours = follower(source, sink, tmp_path)
    ours.look()
    for number in range(5):
        trades.commit([(number, 1, 1.0)])
    trades.apply()
    trades.purged = 3
    ours.look()
    assert "purged" in Marks(tmp_path).needs_resync["trades"]


def test_rows_that_vanished_on_the_replica_are_found_by_counting_and_copied_again(tmp_path: Path) -> None:
    """As after a replica's host lost power: what it had acknowledged was not on its disk."""
    source, sink = Server("hub"), Server("nj")
    source.stores["trades"] = trades = Store("trades~1")
    trades.commit([(1, 1, 1.0), (2, 1, 2.0), (11, 1, 3.0), (25, 1, 4.0)])
    trades.apply()
    told = Progress("nj")
    ours = Follower(source, sink.sink(), Marks(tmp_path), told, wait=lambda _: None)
    ours.look()
    ours.compare()
    assert told.document()["errors"] == 0
    del sink.stores["trades"].rows[2, 1], sink.stores["trades"].rows[25, 1]
    read: list[Interval] = []
    rows = source.rows
    source.rows = lambda table, columns, interval, limit: (
        read.append(interval)
        or rows(  # type: ignore[method-assign]
            table, columns, interval, limit
        )
    )
    ours.compare()
    assert sink.stores["trades"].rows == trades.rows
    assert read == [Interval(1, 2), Interval(25, 25)], "only the partitions that lacked rows are copied"
    said = told.document()
    assert said["row_differences"] == {"trades": 2}
    assert "2 rows on the primary and 1 on the replica in 0, 1 rows on the primary and 0" in said["last_error"]
    ours.compare()
    assert told.document()["row_differences"] == {"trades": 0}
    assert Marks(tmp_path).needs_resync == {}


def test_what_copying_again_does_not_mend_needs_a_resync(tmp_path: Path) -> None:
    source, sink = Server("hub"), Server("nj")
    source.stores["trades"] = trades = Store("trades~1")
    trades.commit([(1, 1, 1.0), (2, 1, 2.0)])
    trades.apply()
    ours = follower(source, sink, tmp_path)
    ours.look()
    # A replica that acknowledges and does not keep.
    lost = sink.stores["trades"].rows
    lost.popitem()
    written = sink.write
    sink.write = lambda prepared: None  # type: ignore[method-assign]
    ours.compare()
    assert Marks(tmp_path).needs_resync == {}
    ours.compare()
    assert "2 rows on the primary and 1 on the replica in 0" in Marks(tmp_path).needs_resync["trades"]
    sink.write = written  # type: ignore[method-assign]
    Marks(tmp_path).request(RESYNC, "trades")
    ours.look()
    # One too many and one too few in all are the same number: the partitions tell them apart.
    sink.stores["trades"].rows[31, 1] = (31, 1, 9.0)
    del sink.stores["trades"].rows[2, 1]
    ours.compare()
    assert "0 rows on the primary and 1 on the replica in 3" in Marks(tmp_path).needs_resync["trades"]


def test_a_replica_that_lost_its_disk_is_filled_again_by_itself(tmp_path: Path) -> None:
    source, sink = Server("hub"), Server("nj")
    source.stores["trades"] = trades = Store("trades~1")
    trades.commit([(1, 1, 1.0), (2, 1, 2.0)])
    trades.apply()
    ours = follower(source, sink, tmp_path)
    ours.look()
    sink.stores.clear()
    ours.look()
    assert sink.stores["trades"].rows == trades.rows
    # Nor is a table taken for ours that somebody else made under the name.
    sink.stores["trades"] = Store("another~1")
    ours.look()
    assert sink.stores["trades"].rows == trades.rows


def test_of_a_quiet_table_ones_own_row_is_shipped_at_once_and_others_in_the_next_sweep(tmp_path: Path) -> None:
    source, sink = Server("hub"), Server("nj")
    source.stores["beats"] = beats = Store("beats~1")
    seconds = 0.0
    told = Progress("nj")
    ours = Follower(
        source,
        sink.sink(),
        Marks(tmp_path),
        told,
        quiet=("beats",),
        clock=lambda: seconds + 1e6,
        wait=lambda _: None,
    )
    assert not ours.look(), "a quiet table makes nobody look more often"
    beats.commit([(1, 1, 1.0)])
    beats.apply()
    ours.look()
    assert sink.stores["beats"].rows == {}
    ours.await_row("beats")
    assert not ours.look()
    assert sink.stores["beats"].rows == beats.rows
    beats.commit([(2, 2, 1.0)])
    beats.apply()
    ours.look()
    assert len(sink.stores["beats"].rows) == 1
    seconds = SWEEP_SECONDS
    ours.look()
    assert sink.stores["beats"].rows == beats.rows
    assert told.rows > 0
    assert told.document()["lag_p99_seconds"] is None, "that a beat waited is no lag"


def test_a_suspended_replica_is_no_replica(tmp_path: Path) -> None:
    source, sink = Server("hub"), Server("nj")
    source.stores["trades"] = trades = Store("trades~1")
    ours = follower(source, sink, tmp_path)
    ours.look()
    sink.stores["trades"].suspended = True
    trades.commit([(1, 1, 1.0)])
    trades.apply()
    ours.look()
    assert "suspended on the replica" in Marks(tmp_path).needs_resync["trades"]


def test_what_is_asked_of_a_table_that_is_gone_is_answered(tmp_path: Path) -> None:
    source, sink = Server("hub"), Server("nj")
    source.stores["trades"] = Store("trades~1")
    ours = follower(source, sink, tmp_path)
    ours.look()
    del source.stores["trades"]
    ours.look()
    marks = Marks(tmp_path)
    marks.request(RESYNC, "trades")
    marks.request(FORGET, "trades")
    ours.look()
    assert marks.requested(RESYNC) == marks.requested(FORGET) == ()
    assert Marks(tmp_path).needs_resync == {}


def test_while_nothing_is_written_one_question_is_all_that_is_asked(tmp_path: Path) -> None:
    source, sink = Server("hub"), Server("nj")
    source.stores["trades"] = trades = Store("trades~1")
    trades.commit([(1, 1, 1.0)])
    trades.apply()
    ours = follower(source, sink, tmp_path, seconds_a_look=SWEEP_SECONDS / 1000)
    while ours.look():
        pass
    ours.look()
    asked: list[str] = []
    source.before = sink.before = asked.append
    for _ in range(5):
        assert not ours.look()
    assert asked == ["pulse"] * 5
    trades.commit([(2, 1, 2.0)])
    assert not ours.look(), "committed, and not readable yet"
    trades.apply()
    assert ours.look()
    assert sink.stores["trades"].rows == trades.rows


def test_a_table_without_a_log_is_listed_and_not_shipped(tmp_path: Path) -> None:
    source, sink = Server("hub"), Server("nj")
    source.stores["notes"] = Store("notes~1", logged=False)
    follower(source, sink, tmp_path).look()
    assert Marks(tmp_path).needs_resync["notes"].startswith("it has no write-ahead log (BYPASS WAL)")
    assert sink.stores == {}
