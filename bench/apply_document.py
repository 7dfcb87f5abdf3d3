"""Ours, as a process: apply the parts in a document to a host, as the two resources of a host do.

``python apply_document.py FILE``; prints the channel requests of each part as JSON.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

from hosts import Connection, HostState, Target, apply, connect


def main(path: Path) -> None:
    """Apply them in order; an error of the host library ends the process with its traceback."""
    work = json.loads(path.read_text())
    permanent, first_contact = work["target"]["pins"]
    target = Target(**{**work["target"], "port": 22, "pins": (permanent,)})
    pins = replace(target, pins=(permanent, first_contact))
    key = Path(work["key"]).read_text()
    counted = []
    for document in work["parts"]:
        confirmations: list[Connection] = []

        def confirm(opened: list[Connection] = confirmations) -> Connection:
            opened.append(connect(target, key, deadline_seconds=30))
            return opened[-1]

        with connect(pins, key, deadline_seconds=30) as connection:
            apply(connection, HostState.from_document(document), confirm)
            counted.append(sum(used.channels_opened for used in (connection, *confirmations)))
    print(json.dumps(counted))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
