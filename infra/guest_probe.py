"""What a server offers to the outside now. Runs *on the host* (standard library only), prints one JSON document.

``{"listening": [{"port", "protocol", "by", "address"}], "published": [...]}``: sockets that do not only
listen on loopback, and ports that Docker publishes (with or without its proxy, so also those that no socket shows).
"""

from __future__ import annotations

import json
import re
import subprocess

PUBLISHED = r"([0-9.]+|\[?::\]?):(\d+)(?:-(\d+))?->[^,/]+/(tcp|udp)"
"""One entry of the column Ports of ``docker ps``: 0.0.0.0:8080->80/tcp."""


def shown(*argv: str) -> str:
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return ""


def listening() -> list[dict[str, object]]:
    found = []
    for line in shown("ss", "-H", "-l", "-n", "-t", "-u", "-p").splitlines():
        fields = line.split()
        address, _, port = fields[4].rpartition(":")
        plain = address.strip("[]").partition("%")[0]
        if plain.startswith("127.") or plain == "::1" or not port.isdigit():
            continue
        by = re.search(r'\(\("([^"]+)"', line)
        found.append({"port": int(port), "protocol": fields[0], "by": by.group(1) if by else "?", "address": plain})
    return found


def published() -> list[dict[str, object]]:
    found = []
    for line in shown("docker", "ps", "--format", "{{.Names}}\t{{.Ports}}").splitlines():
        name, _, ports = line.partition("\t")
        for address, first, last, protocol in re.findall(PUBLISHED, ports):
            if not address.startswith("127."):
                for port in range(int(first), int(last or first) + 1):
                    by = f"container {name}"
                    found.append({"port": port, "protocol": protocol, "by": by, "address": address.strip("[]")})
    return found


if __name__ == "__main__":
    print(json.dumps({"listening": listening(), "published": published()}))
