"""``python -m shipper run | status | resync [TABLE...] | forget TABLE``, each with the configuration file."""

from __future__ import annotations

import gc
import json
import signal
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from shipper.database import Database
from shipper.follow import Follower, run
from shipper.marks import FORGET, RESYNC, Marks
from shipper.primary import HEARTBEAT, Primary
from shipper.progress import Progress
from shipper.replica import Replica
from shipper.serve import serve
from shipper.settings import Settings, SettingsError, read_settings

GC_THRESHOLD = 1_000_000
"""Objects made and not dropped again, before rings of them are looked for: ten times the rows of the largest piece."""

USAGE = "usage: python -m shipper run|status CONFIG, or: resync CONFIG [TABLE...], or: forget CONFIG TABLE"


def main(arguments: list[str]) -> int:
    """Exit code 0 done, 1 no answer, 2 wrong usage or configuration."""
    try:
        match arguments:
            case ["run", file]:
                return follow(read_settings(Path(file)))
            case ["status", file]:
                print(_status(read_settings(Path(file))))
            case ["resync", file, *tables]:
                marks = Marks(Path(read_settings(Path(file)).state_folder))
                for table in tables or (*marks.tables(), *marks.needs_resync):
                    marks.request(RESYNC, table)
                    print(f"{table}: to be copied anew by the process that runs")
            case ["forget", file, table]:
                Marks(Path(read_settings(Path(file)).state_folder)).request(FORGET, table)
            case _:
                print(USAGE, file=sys.stderr)
                return 2
    except SettingsError as problem:
        print(f"shipper: {problem}", file=sys.stderr)
        return 2
    except OSError as problem:
        print(f"shipper: {problem}", file=sys.stderr)
        return 1
    return 0


def follow(settings: Settings) -> int:
    """Ship until SIGTERM or SIGINT."""
    ended = threading.Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: ended.set())
    # Rows in their tens of thousands are lists that come and go, with no ring among them to be looked for.
    gc.set_threshold(GC_THRESHOLD)
    progress = Progress(settings.replica)
    primary, sink_database = Primary(Database(settings.primary)), Database(settings.sink)
    replica = Replica(sink_database)
    marks = Marks(Path(settings.state_folder))
    # While one piece is on its way to the replica, one other is read.
    reader = ThreadPoolExecutor(max_workers=1)
    follower = Follower(
        primary,
        replica,
        marks,
        progress,
        settings.skip,
        (HEARTBEAT,),
        settings.chunk_rows,
        settings.chunk_bytes,
        ended.is_set,
        ahead=lambda read: reader.submit(read).result,
    )
    server = serve(settings.listen, progress)
    beaten = 0.0

    def beat() -> None:
        nonlocal beaten
        if settings.heartbeat_seconds and time.monotonic() - beaten >= settings.heartbeat_seconds:
            beaten = time.monotonic()
            # The replica first: while it does not answer, nobody needs a heartbeat.
            progress.beat = replica.last_beat()
            primary.beat(settings.replica)
            follower.await_row(HEARTBEAT)

    def pause(seconds: float) -> None:
        ended.wait(seconds)

    print(f"shipper of {settings.replica}: from {settings.primary.address} to {settings.sink.address}", flush=True)
    run(
        follower,
        progress,
        ended.is_set,
        settings.busy_seconds,
        settings.idle_seconds,
        settings.compare_seconds,
        beat,
        pause,
    )
    server.shutdown()
    reader.shutdown()
    print(json.dumps(progress.document()), flush=True)
    return 0


def _status(settings: Settings) -> str:
    with urllib.request.urlopen(f"http://{settings.listen}/status", timeout=5) as answer:
        text: str = answer.read().decode()
    return text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
