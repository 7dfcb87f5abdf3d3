"""What a shipper tells of itself: state, lag by table, counters; as JSON and for Prometheus."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

KEPT_LAGS = 5_000
"""Acknowledged transactions of which the lag is kept, for its quantiles."""

FOLLOWING, WAITING = "following", "waiting: "
"""The usual state, and the head of the one while a server does not answer."""

ANSWERED_SECONDS = 5.0
"""For so long after a look came to its end, what it saw is what is. After that every lag grows with the clock."""

SILENT_SECONDS = 60.0
"""After so long without a look the process counts as stuck."""


@dataclass
class Progress:
    """Written by the loop, read by whoever asks; every method holds the lock for moments only."""

    replica: str
    state: str = "starting"
    """starting, following, copying a table, waiting for a server"""
    rows: int = 0
    errors: int = 0
    last_error: str = ""
    looked: float = field(default_factory=time.time)
    followed: float = field(default_factory=time.time)
    """When a look last came to its end: both servers answered."""
    beat: float | None = None
    """Seconds that the newest heartbeat on the replica was behind when last it was asked, by the replica's clock."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._behind: dict[str, tuple[int, float]] = {}
        self._lags: deque[float] = deque(maxlen=KEPT_LAGS)
        self._needs: dict[str, str] = {}
        self._different: dict[str, int] = {}

    def look(self, state: str) -> None:
        """The loop has looked, and this is how it stands."""
        with self._lock:
            self.state, self.looked = state, time.time()
            if state == FOLLOWING:
                self.followed = self.looked

    def failed(self, text: str) -> None:
        """Something went wrong; it will be tried again."""
        with self._lock:
            self.errors += 1
            self.last_error = text

    def behind(self, table: str, transactions: int, seconds: float) -> None:
        """A table has so many transactions that the replica has not, the oldest so old."""
        with self._lock:
            self._behind[table] = (transactions, seconds)

    def acknowledged(self, table: str, rows: int, lags: list[float]) -> None:
        """The replica has what was read of a table; seconds from commit to acknowledgement, for each transaction."""
        with self._lock:
            self.rows += rows
            self._behind[table] = (0, 0.0)
            self._lags.extend(lags)

    def needs(self, tables: Mapping[str, str]) -> None:
        """The tables that cannot be followed."""
        with self._lock:
            self._needs = dict(tables)

    def compared(self, table: str, difference: int) -> None:
        """Rows of the primary less rows of the replica, when both had come to rest."""
        with self._lock:
            self._different[table] = difference

    @property
    def healthy(self) -> bool:
        """Whether the loop is at work; waiting for a server counts, being stuck does not."""
        return time.time() - self.looked < SILENT_SECONDS

    def document(self) -> dict[str, Any]:
        """All of it as plain values."""
        with self._lock:
            lags = sorted(self._lags)
            unseen = time.time() - self.followed
            unseen = unseen if unseen > ANSWERED_SECONDS else 0.0
            return {
                "replica": self.replica,
                "state": self.state,
                "rows": self.rows,
                "errors": self.errors,
                "last_error": self.last_error,
                "looked": self.looked,
                "followed": self.followed,
                "heartbeat_behind_seconds": None if self.beat is None else self.beat + unseen,
                "lag_p50_seconds": _quantile(lags, 0.5),
                "lag_p99_seconds": _quantile(lags, 0.99),
                "tables": {
                    table: {"transactions_behind": number, "seconds_behind": seconds + unseen}
                    for table, (number, seconds) in sorted(self._behind.items())
                },
                "needs_resync": dict(self._needs),
                "row_differences": dict(self._different),
            }

    def metrics(self) -> str:
        """The same in Prometheus' text format."""
        facts = self.document()
        name = facts["replica"]
        lines = [
            _metric("questdb_replica_up", 1 if facts["state"] == FOLLOWING else 0, replica=name),
            _metric("questdb_replica_last_poll_success_timestamp_seconds", facts["followed"], replica=name),
            _metric("questdb_replica_rows_total", facts["rows"], replica=name),
            _metric("questdb_replica_errors_total", facts["errors"], replica=name),
        ]
        for quantile in ("p50", "p99"):
            if (value := facts[f"lag_{quantile}_seconds"]) is not None:
                lines.append(_metric("questdb_replica_acked_lag_seconds", value, replica=name, quantile=quantile))
        if facts["heartbeat_behind_seconds"] is not None:
            beat = facts["heartbeat_behind_seconds"]
            lines.append(_metric("questdb_replica_heartbeat_behind_seconds", beat, replica=name))
        for table, behind in facts["tables"].items():
            number, seconds = behind["transactions_behind"], behind["seconds_behind"]
            lines.append(_metric("questdb_replica_txn_lag", number, replica=name, table=table))
            lines.append(_metric("questdb_replica_lag_seconds", seconds, replica=name, table=table))
        lines += [
            _metric("questdb_replica_needs_resync", 1, replica=name, table=table) for table in facts["needs_resync"]
        ]
        lines += [
            _metric("questdb_replica_row_delta", rows, replica=name, table=table)
            for table, rows in facts["row_differences"].items()
        ]
        return "\n".join(lines) + "\n"


def _quantile(ordered: list[float], share: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def _metric(name: str, value: float, **labels: str) -> str:
    shown = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{shown}}} {value:g}" if isinstance(value, int) else f"{name}{{{shown}}} {value:.6f}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
