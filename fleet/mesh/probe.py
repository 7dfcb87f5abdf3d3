"""What one host sees of the mesh. Runs *on the host* (standard library only) and prints one JSON document.

Arguments: the interface, then the mesh addresses of the peers. Output: ``{"now": seconds since 1970, "dump": <wg show
IF dump>, "pings": {address: <ping's own output>}}``. The dump's private key and pre-shared keys are blanked before they
leave the host.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

PINGS = 5
INTERVAL_SECONDS = 0.2
WAIT_SECONDS = 2
"""A reply that takes longer than this counts as lost."""


def dump(interface: str) -> str:
    shown = subprocess.run(["wg", "show", interface, "dump"], capture_output=True, text=True, check=False)
    rows = [line.split("\t") for line in shown.stdout.splitlines()]
    for number, row in enumerate(rows):
        row[0 if number == 0 else 1] = "(hidden)"
    return "\n".join("\t".join(row) for row in rows)


def ping(address: str) -> str:
    argv = ["ping", "-n", "-c", str(PINGS), "-i", str(INTERVAL_SECONDS), "-W", str(WAIT_SECONDS), address]
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout


def main(interface: str, addresses: list[str]) -> None:
    with ThreadPoolExecutor(max_workers=max(1, len(addresses))) as pool:
        pings = dict(zip(addresses, pool.map(ping, addresses), strict=True))
    # Read after the pings: they are what makes an idle pair shake hands.
    print(json.dumps({"now": int(time.time()), "dump": dump(interface), "pings": pings}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
