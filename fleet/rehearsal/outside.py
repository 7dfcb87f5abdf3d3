"""The fleet as a stranger sees it: from the venue, a host of the lab outside the fleet."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import resources

from fleet.operation.hosts_of import RunningHost
from lab.errors import LabError
from lab.lab import Lab
from lab.venue import ID as VENUE

USUAL = "1-1024,2375-2377,3000,3306,5000-5003,5432,6379,7001-7002,8000-8081,8443,8812,9000-9009,9090-9100,9323,16379"
"""Ports that a demo looks at: the well-known ones and those of this platform's services. The tests look at all."""
ALL = "1-65535"


def open_ports(lab: Lab, hosts: Sequence[RunningHost], ports: str = USUAL) -> Mapping[str, tuple[int, ...]]:
    """TCP ports of each host's public address that answer to the venue, by host.

    Raises:
        LabError: the venue could not look.
    """
    script = (resources.files("fleet.operation") / "outside.py").read_text()
    done = lab.run(VENUE, ["python3", "-c", script, ports, *(host.address for host in hosts)])
    if done.code != 0:
        raise LabError(f"the venue could not look at the hosts: {done.stderr.strip().splitlines()[-1:]}")
    found = json.loads(done.stdout)
    return {host.ref.id: tuple(found[host.address]) for host in hosts}


def egress_seen(lab: Lab, hosts: Sequence[RunningHost]) -> Mapping[str, str]:
    """The address that the venue sees each host come from; empty where the host did not get through."""
    address = str(lab.home.ranges.venue_address)
    asked = ["curl", "--silent", "--max-time", "10", "--retry", "5", "--retry-connrefused", f"http://{address}/whoami"]
    names = {known: server.name for server in lab.status().hosts for known in server.addresses}
    return {host.ref.id: lab.run(names[host.address], asked).stdout.strip() for host in hosts}
