"""Which mesh interfaces a host has, and where its routes to the given addresses lead. Runs *on the host*.

Arguments: mesh addresses of the peers. Prints ``{"interfaces": [...], "routes": [interface of each address that has a
route of its own]}``.
"""

from __future__ import annotations

import json
import subprocess
import sys


def shown(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout


def main(addresses: list[str]) -> None:
    interfaces = shown("wg", "show", "interfaces").split()
    routes = json.loads(shown("ip", "-j", "route", "show") or "[]")
    leads = [route["dev"] for route in routes if route["dst"] in addresses]
    print(json.dumps({"interfaces": interfaces, "routes": leads}))


if __name__ == "__main__":
    main(sys.argv[1:])
