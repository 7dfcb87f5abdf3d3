"""Runs on a host: asks its trading service who it is, again and again, and writes down what it said and when.

A line is ``{"asked": S, "answered": S, "active": [...], "sessions": [...]}``; the clock is the machine's, which all of
the lab's servers share. ``active`` are the accounts that the service trades, empty where nothing answers; ``sessions``
are the containers that are logged in at a venue for it.
"""

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

SERVICE = "trading-service"
CONTAINER = "fleet-trading-trading-service-1"
ADDRESS = "{{.NetworkSettings.Networks.fleet.IPAddress}}"
PORT = 5001
PAUSE = 0.1
PATIENCE = 20


def docker(*words):
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=False).stdout.split()


def ask(address):
    """What the service says, or None where no trading service answers there."""
    try:
        with urllib.request.urlopen(f"http://{address}:{PORT}/whoami", timeout=PATIENCE) as answer:
            said = json.load(answer)
    except (OSError, ValueError):
        return None
    return said if said["service"] == SERVICE else None


def main(path):
    address = None
    with Path(path).open("a", buffering=1) as log:
        while True:
            asked = time.clock_gettime(time.CLOCK_MONOTONIC)
            said = ask(address) if address else None
            if said is None:
                # It is another container now, or none.
                address = next(iter(docker("inspect", "--format", ADDRESS, CONTAINER)), None)
                said = ask(address) if address else None
            sessions = docker("ps", "--filter", "name=fleet-trading-ib-gateway", "--format", "{{.Names}}")
            line = {
                "asked": asked,
                "answered": time.clock_gettime(time.CLOCK_MONOTONIC),
                "service": said is not None,
                "active": sorted(name for name, mode in (said or {"venues": {}})["venues"].items() if mode == "active"),
                "sessions": sorted(sessions),
            }
            log.write(json.dumps(line) + "\n")
            time.sleep(PAUSE)


if __name__ == "__main__":
    main(sys.argv[1])
