"""The clouds' metadata service: answers a server's questions about itself, by the address it asks from.

Run by the lab inside its network namespace: ``python -m lab.metadata HOME``.
"""

from __future__ import annotations

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from lab import state
from lab.namespace import METADATA_ADDRESS
from lab.ranges import Ranges
from lab.services import pid_file
from lab.settings import LabHome
from lab.state import LabState, Machine

MODULE = "lab.metadata"
TOKEN = "lab-metadata-token"  # noqa: S105 - not a secret: it opens nothing
"""EC2's service wants a token that it gave before (IMDSv2); here it only has to be this one."""


def answer(lab: LabState, networks: Ranges, asker: str, path: str) -> str | None:
    """What the service answers on ``path`` (without leading slash); None: not found."""
    for machine in lab.machines.values():
        if asker in lab.inner_addresses(machine):
            entries = _ENTRIES.get(machine.provider)
            return entries(lab, networks, machine).get(path.rstrip("/")) if entries else None
    return None


def _droplet(lab: LabState, networks: Ranges, machine: Machine) -> dict[str, str]:
    public = "metadata/v1/interfaces/public/0"
    reserved = lab.attached(machine.id)
    entries = {
        "metadata/v1/id": machine.id,
        "metadata/v1/hostname": machine.name,
        "metadata/v1/region": machine.labels.get("region", ""),
        f"{public}/ipv4/address": machine.main,
        f"{public}/ipv4/netmask": str(networks.droplets.netmask),
        f"{public}/ipv4/gateway": str(networks.droplets[1]),
        f"{public}/anchor_ipv4/address": machine.anchor or "",
        f"{public}/anchor_ipv4/netmask": str(networks.anchor.netmask),
        f"{public}/anchor_ipv4/gateway": str(networks.anchor[1]),
    }
    # The service has both names of a reserved address; the second is the older one.
    for kind in ("reserved_ip", "floating_ip"):
        entries[f"metadata/v1/{kind}/ipv4/active"] = "true" if reserved else "false"
        if reserved:
            entries[f"metadata/v1/{kind}/ipv4/ip_address"] = reserved[0]
    return entries


def _aws(lab: LabState, networks: Ranges, machine: Machine) -> dict[str, str]:
    return {
        "latest/meta-data/instance-id": machine.id,
        "latest/meta-data/local-ipv4": machine.private or "",
        "latest/meta-data/public-ipv4": lab.public_addresses(machine)[0],
    }


def _vultr(lab: LabState, networks: Ranges, machine: Machine) -> dict[str, str]:
    return {
        "v1/instanceid": machine.id,
        "v1/hostname": machine.name,
        "v1/interfaces/0/ipv4/address": machine.main,
        "v1/interfaces/0/ipv4/netmask": str(networks.vultr.netmask),
        "v1/interfaces/0/ipv4/gateway": str(networks.vultr[1]),
    }


_ENTRIES = {"digitalocean": _droplet, "aws": _aws, "vultr": _vultr}


def serve(home: LabHome) -> None:
    """Answer until the process is ended."""
    networks = home.ranges

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/latest/") and self.headers.get("X-aws-ec2-metadata-token") != TOKEN:
                self._reply(401, "Unauthorized")
                return
            text = answer(state.load(home), networks, self.client_address[0], self.path.lstrip("/"))
            self._reply(404, "not found") if text is None else self._reply(200, text)

        def do_PUT(self) -> None:
            self._reply(200, TOKEN) if self.path == "/latest/api/token" else self._reply(404, "not found")

        def _reply(self, status: int, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            return None

    server = ThreadingHTTPServer((METADATA_ADDRESS, 80), Handler)
    pid_file(home, MODULE).write_text(str(os.getpid()))
    server.serve_forever()


if __name__ == "__main__":
    serve(LabHome(Path(sys.argv[1])))
