"""Where a host stands in the mesh: its address is a function of its region's index and its own."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network


@dataclass(frozen=True)
class Room:
    """How a mesh network is divided: upper half of the host bits for the region, lower half for the host."""

    region_bits: int
    host_bits: int

    @property
    def regions(self) -> int:
        """Number of region indexes, 0 upwards."""
        return int(2**self.region_bits)

    @property
    def hosts(self) -> int:
        """Number of host indexes in a region, 0 upwards: all but the first and the last address of its part."""
        return int(max(0, 2**self.host_bits - 2))


def room(cidr: IPv4Network) -> Room:
    """The room of a network: 10.77.0.0/16 has 8 + 8 bits, 198.19.192.0/20 has 6 + 6. An odd bit goes to the hosts."""
    bits = cidr.max_prefixlen - cidr.prefixlen
    return Room(region_bits=bits // 2, host_bits=bits - bits // 2)


def mesh_address(cidr: IPv4Network, region_index: int, host_index: int) -> IPv4Address:
    """The mesh address of a host: in 10.77.0.0/16 that is 10.77.<region>.<host + 1>.

    Raises:
        ValueError: an index does not fit into the network.
    """
    space = room(cidr)
    if not 0 <= region_index < space.regions:
        raise ValueError(f"region index {region_index} does not fit into {cidr}: allowed 0..{space.regions - 1}")
    if not 0 <= host_index < space.hosts:
        raise ValueError(f"host index {host_index} does not fit into {cidr}: allowed 0..{space.hosts - 1}")
    return cidr.network_address + (region_index << space.host_bits) + host_index + 1
