"""Which addresses a lab uses. Everything lies in 198.18.0.0/15, set aside for test networks by RFC 2544."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

WHOLE = IPv4Network("198.18.0.0/15")
SLOTS = 16
"""Labs that can run side by side on one machine: each has a /19."""


@dataclass(frozen=True)
class Ranges:
    """The networks of the lab in one slot.

    Servers with a public address of their own are spread over a network for each kind of provider: between two
    providers traffic always passes a router, as it does between clouds.
    """

    base: IPv4Network
    vultr: IPv4Network
    droplets: IPv4Network
    existing: IPv4Network
    venue: IPv4Network
    aws: IPv4Network
    anchor: IPv4Network
    translated: IPv4Network
    """Addresses that no interface has: reserved and static ones that the cloud translates."""
    mesh: IPv4Network
    """Free for the mesh of a fleet that is rehearsed here."""
    docker_pool: IPv4Network
    """Free for the containers on the hosts of that fleet."""
    internet: IPv4Network
    """The sites of the lab's internet."""
    link: IPv4Network

    @property
    def outside(self) -> IPv4Network:
        """Everything that the machine reaches through the link: the first half."""
        return IPv4Network((self.base.network_address, 20))

    @property
    def machine(self) -> IPv4Address:
        """The machine's end of the link: the address from which its operator comes."""
        return self.link[1]

    @property
    def router(self) -> IPv4Address:
        """The lab's end of the link."""
        return self.link[2]

    @property
    def venue_address(self) -> IPv4Address:
        return self.venue[10]

    @property
    def packages_address(self) -> IPv4Address:
        """Where hosts made from the bare image find their packages."""
        return self.venue[20]

    @property
    def registry_address(self) -> IPv4Address:
        """Where hosts pull the images of the services."""
        return self.venue[30]

    @property
    def resolver_address(self) -> IPv4Address:
        """Where the lab's servers ask for names. It answers only while the lab has an internet."""
        return self.venue[40]


def ranges(slot: int) -> Ranges:
    """The networks of a slot (0 to 15)."""
    base = list(WHOLE.subnets(new_prefix=19))[slot]

    def part(third: int, prefix: int) -> IPv4Network:
        return IPv4Network((base.network_address + third * 256, prefix))

    return Ranges(
        base=base,
        vultr=part(0, 24),
        droplets=part(1, 24),
        existing=part(2, 24),
        venue=part(3, 24),
        aws=part(4, 22),
        anchor=part(8, 22),
        translated=part(12, 22),
        mesh=part(16, 22),
        docker_pool=part(20, 22),
        internet=part(24, 24),
        link=part(28, 30),
    )
