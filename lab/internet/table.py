"""What the internet of a lab consists of: who answers under which name, and how far that is from whom."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from ipaddress import IPv4Network

from lab.state import Machine


@dataclass(frozen=True)
class Way:
    """What it is like to ask a site from one origin.

    ``answer_ms`` is what an answer takes beyond the way of its packets: of a site behind a content network the packets
    go to a near edge, and the edge asks the site itself. ``status`` is what every request is answered with: 451, say,
    where the caller's country is refused; an edge refuses by itself, so that a refusal is not delayed by ``answer_ms``.
    """

    round_trip_ms: float
    answer_ms: float = 0.0
    status: int = 200


@dataclass(frozen=True)
class Site:
    """One name and what answers there: HTTP and WebSocket over TLS, or (``tcp_ports``) an open connection."""

    name: str
    ways: Mapping[str, Way]
    """By origin. From any other origin it is not there: a wrong time would be worse than none."""
    tls_ports: tuple[int, ...] = ()
    tcp_ports: tuple[int, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    """What its answers carry beside the usual."""


@dataclass(frozen=True)
class Internet:
    """All sites, and where the lab's servers are.

    ``origins`` names the origin of a server by the server's name, or of all servers at a location of a provider as
    ``vultr/ewr``; a zone of AWS counts as its region.
    """

    sites: tuple[Site, ...]
    origins: Mapping[str, str]

    def origin_of(self, machine: Machine) -> str | None:
        """Where a server is; None if the table does not say."""
        labels = machine.labels
        location = labels.get("region") or labels.get("zone", "")[:-1]
        return self.origins.get(machine.name) or self.origins.get(f"{machine.provider}/{location}")

    def addresses(self, network: IPv4Network) -> dict[str, Site]:
        """Each site by the address that it has: the order of the sites decides, from the second address on."""
        return {str(network[number]): site for number, site in enumerate(self.sites, start=2)}


def to_text(internet: Internet) -> str:
    return json.dumps(asdict(internet), indent=1) + "\n"


def from_text(text: str) -> Internet:
    document = json.loads(text)
    sites = tuple(
        Site(
            name=entry["name"],
            ways={origin: Way(**way) for origin, way in entry["ways"].items()},
            tls_ports=tuple(entry["tls_ports"]),
            tcp_ports=tuple(entry["tcp_ports"]),
            headers=entry["headers"],
        )
        for entry in document["sites"]
    )
    return Internet(sites, document["origins"])
