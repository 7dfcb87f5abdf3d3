"""Writes to a cluster at a steady rate and remembers what was acknowledged; afterwards counts what is not there.

Also a program, for hosts where nothing but the keeper is installed: reads settings as JSON from standard input, writes
until its input is closed, then counts and prints the tally as JSON.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

try:
    from keeper.resp import Client, Refused, Reply  # on a host
except ImportError:
    from rediscluster.keeper.resp import Client, Refused, Reply

SLOTS = 16384
BEGUN = 100
"""Acknowledged writes after which a program says that it writes."""
TRY_AGAIN = ("CLUSTERDOWN", "TRYAGAIN", "LOADING", "MASTERDOWN", "READONLY")


@dataclass
class Tally:
    """What came of the writes."""

    acknowledged: int = 0
    refused: int = 0
    """attempts that failed and were repeated"""
    longest_gap_seconds: float = 0.0
    """between two acknowledgements: how long writing stood still"""
    lost: list[str] = field(default_factory=list)
    """acknowledged, and not there (or older) afterwards"""
    lost_seconds_before_gap: list[float] = field(default_factory=list)
    """for each of them, how long before the longest gap it was acknowledged (below 0: after it)"""


class ClusterWriter:
    """A small cluster client: follows MOVED and ASK, and repeats what is refused for a while."""

    def __init__(self, seeds: Sequence[str], user: str, password: str, timeout_seconds: float = 1.0) -> None:
        self._seeds = list(seeds)
        self._login = (user, password, timeout_seconds)
        self._clients: dict[str, Client] = {}
        self._owner: dict[str, str] = {}
        self._turn = 0

    def call(self, tag: str, words: Sequence[str], deadline: float, tally: Tally | None = None) -> Reply:
        """One command for keys of one tag, repeated until it is answered or the time is up.

        Raises:
            TimeoutError: it was not.
        """
        asked = ""
        while time.monotonic() < deadline:
            endpoint = asked or self._owner.get(tag) or self._seeds[self._turn % len(self._seeds)]
            try:
                client = self._client(endpoint)
                if asked:
                    client.call("ASKING")
                return client.call(*words)
            except Refused as refused:
                kind, _, rest = str(refused).partition(" ")
                asked = rest.split(" ")[1] if kind == "ASK" else ""
                if kind == "MOVED":
                    self._owner[tag] = rest.split(" ")[1]
                elif kind in TRY_AGAIN:
                    self._elsewhere(tag, tally)
                elif kind != "ASK":
                    raise
            except OSError:
                asked = ""
                self._elsewhere(tag, tally)
        raise TimeoutError(f"{words[0]} for {tag} was not answered in time")

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    def _elsewhere(self, tag: str, tally: Tally | None) -> None:
        self._owner.pop(tag, None)
        self._turn += 1
        if tally is not None:
            tally.refused += 1
        time.sleep(0.02)

    def _client(self, endpoint: str) -> Client:
        if endpoint not in self._clients:
            self._clients[endpoint] = Client(endpoint, *self._login)
        return self._clients[endpoint]


class Load(threading.Thread):
    """Writes in the background: new keys and new values of old keys, with tags of regions and without."""

    def __init__(
        self, seeds: Sequence[str], user: str, password: str, tags: Sequence[str], rate: float = 200.0
    ) -> None:
        super().__init__(daemon=True)
        self._writer = ClusterWriter(seeds, user, password)
        self._tags, self._rate = list(tags), rate
        self._ended = threading.Event()
        self.acknowledged: dict[str, str] = {}
        self._at: dict[str, float] = {}
        self._gap_began = 0.0
        self.tally = Tally()

    def run(self) -> None:
        began = last = time.monotonic()
        number = 0
        while not self._ended.is_set():
            tag = self._tags[number % len(self._tags)] if number % 2 else f"k{number % 5000}"
            key = f"{{{tag}}}:{number % 1500}"
            self._writer.call(tag, ("SET", key, str(number)), time.monotonic() + 600, self.tally)
            now = time.monotonic()
            self.acknowledged[key], self._at[key] = str(number), now
            self.tally.acknowledged += 1
            if now - last > self.tally.longest_gap_seconds:
                self.tally.longest_gap_seconds, self._gap_began = now - last, last
            last = now
            number += 1
            # What an interruption delayed is made up for, so the rate holds over the whole run.
            self._ended.wait(max(0.0, began + number / self._rate - time.monotonic()))

    def finish(self) -> Tally:
        """Stop writing, then look for every acknowledged write."""
        self._ended.set()
        self.join()
        for key, value in self.acknowledged.items():
            tag = key[1 : key.index("}")]
            found = self._writer.call(tag, ("GET", key), time.monotonic() + 60)
            if not isinstance(found, str) or int(found) < int(value):
                self.tally.lost.append(key)
                self.tally.lost_seconds_before_gap.append(self._gap_began - self._at[key])
        self._writer.close()
        return self.tally


def main() -> None:
    """Write until standard input ends; says on standard error when it has begun."""
    order = json.loads(sys.stdin.readline())
    load = Load(order["seeds"], order["user"], order["password"], order["tags"], order["rate"])
    load.start()
    while load.tally.acknowledged < BEGUN:
        time.sleep(0.05)
    print("writing", file=sys.stderr, flush=True)
    sys.stdin.read()
    print(json.dumps(asdict(load.finish())))


if __name__ == "__main__":
    main()
