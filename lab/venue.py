"""A host outside the fleet, where a broker would be: says which address it is called from, and can call back.

``GET /whoami`` answers the caller's address; ``GET /udp`` the source of the last datagram that came to its UDP port.
"""

from __future__ import annotations

import json

from lab import state
from lab.machines import Machines
from lab.server import ServerSpec
from lab.settings import LabHome
from lab.state import Address

ID = "venue"
UDP_PORT = 5300

_PROGRAM = f"""\
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

last = ["nobody"]


def listen():
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("0.0.0.0", {UDP_PORT}))
    while True:
        data, (address, port) = udp.recvfrom(2048)
        last[0] = address
        udp.sendto(address.encode(), (address, port))


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        answers = {{"/whoami": self.client_address[0], "/udp": last[0]}}
        body = (answers.get(self.path, "not found") + "\\n").encode()
        self.send_response(200 if self.path in answers else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


threading.Thread(target=listen, daemon=True).start()
ThreadingHTTPServer(("0.0.0.0", 80), Handler).serve_forever()
"""

_UNIT = """\
[Unit]
Description=The venue's interface
After=network.target

[Service]
ExecStart=/usr/bin/python3 /opt/venue.py
Restart=always

[Install]
WantedBy=multi-user.target
"""


def create(home: LabHome) -> str:
    """Start the venue if it is not there; returns its address at once, it answers some seconds later."""
    address = str(home.ranges.venue_address)
    machines = Machines(home)
    if not machines.exists(ID):
        with state.change(home) as lab:
            lab.addresses.setdefault(address, Address("direct"))
        document = {
            "write_files": [
                {"path": "/opt/venue.py", "content": _PROGRAM},
                {"path": "/etc/systemd/system/venue.service", "content": _UNIT},
            ],
            "runcmd": [["systemctl", "enable", "--now", "venue.service"]],
        }
        machines.create(
            ServerSpec(
                id=ID,
                provider="venue",
                name=ID,
                user_data="#cloud-config\n" + json.dumps(document) + "\n",
                address_kind="direct",
                address=address,
                memory_mb=1024,
            )
        )
    return address
