"""What Vultr sells in the lab: regions, plans, where a plan is offered, operating systems.

Regions and plans as read from the public API in October 2026 (no token needed there). That the smallest plans and the
GPU plans are offered in few regions is Vultr's habit; which regions exactly is the lab's own choice, and so are the
operating systems' numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

REGIONS = {
    "ams": ("Amsterdam", "NL", "Europe"),
    "atl": ("Atlanta", "US", "North America"),
    "blr": ("Bangalore", "IN", "Asia"),
    "bom": ("Mumbai", "IN", "Asia"),
    "cdg": ("Paris", "FR", "Europe"),
    "del": ("Delhi NCR", "IN", "Asia"),
    "dfw": ("Dallas", "US", "North America"),
    "ewr": ("New Jersey", "US", "North America"),
    "fra": ("Frankfurt", "DE", "Europe"),
    "hnl": ("Honolulu", "US", "North America"),
    "icn": ("Seoul", "KR", "Asia"),
    "itm": ("Osaka", "JP", "Asia"),
    "jnb": ("Johannesburg", "ZA", "Africa"),
    "lax": ("Los Angeles", "US", "North America"),
    "lhr": ("London", "GB", "Europe"),
    "mad": ("Madrid", "ES", "Europe"),
    "man": ("Manchester", "GB", "Europe"),
    "mel": ("Melbourne", "AU", "Australia"),
    "mex": ("Mexico City", "MX", "North America"),
    "mia": ("Miami", "US", "North America"),
    "mxp": ("Milan", "IT", "Europe"),
    "nrt": ("Tokyo", "JP", "Asia"),
    "ord": ("Chicago", "US", "North America"),
    "sao": ("Sao Paulo", "BR", "South America"),
    "scl": ("Santiago", "CL", "South America"),
    "sea": ("Seattle", "US", "North America"),
    "sgp": ("Singapore", "SG", "Asia"),
    "sjc": ("Silicon Valley", "US", "North America"),
    "sto": ("Stockholm", "SE", "Europe"),
    "syd": ("Sydney", "AU", "Australia"),
    "tlv": ("Tel Aviv", "IL", "Asia"),
    "waw": ("Warsaw", "PL", "Europe"),
    "yto": ("Toronto", "CA", "North America"),
}

EVERYWHERE = tuple(REGIONS)
FEW = ("ewr", "mia", "ord")


@dataclass(frozen=True)
class Plan:
    """Size of a server: memory in MiB, disk in GB, transfer in GB a month, price in USD a month."""

    id: str
    vcpu_count: int
    ram: int
    disk: int
    bandwidth: int
    monthly_cost: float
    locations: tuple[str, ...] = EVERYWHERE


def _high_performance() -> list[Plan]:
    rows = (
        ("1c-1gb", 1, 1024, 25, 2048, 6.0),
        ("1c-2gb", 1, 2048, 50, 3072, 12.0),
        ("2c-2gb", 2, 2048, 60, 4096, 18.0),
        ("2c-4gb", 2, 4096, 100, 5120, 24.0),
        ("4c-8gb", 4, 8192, 180, 6144, 48.0),
        ("4c-12gb", 4, 12288, 260, 7168, 72.0),
        ("8c-16gb", 8, 16384, 350, 8192, 96.0),
    )
    return [
        Plan(f"vhp-{size}-{cpu}", vcpus, ram, disk, bandwidth, cost)
        for cpu in ("amd", "intel")
        for size, vcpus, ram, disk, bandwidth, cost in rows
    ]


PLANS = {
    plan.id: plan
    for plan in (
        Plan("vc2-1c-0.5gb", 1, 512, 10, 512, 3.5, FEW),
        Plan("vc2-1c-1gb", 1, 1024, 25, 1024, 5.0),
        Plan("vc2-1c-2gb", 1, 2048, 55, 2048, 10.0),
        Plan("vc2-2c-2gb", 2, 2048, 65, 3072, 15.0),
        Plan("vc2-2c-4gb", 2, 4096, 80, 3072, 20.0),
        Plan("vc2-4c-8gb", 4, 8192, 160, 4096, 40.0),
        Plan("vc2-6c-16gb", 6, 16384, 320, 5120, 80.0),
        Plan("vhf-1c-1gb", 1, 1024, 32, 1024, 6.0),
        Plan("vhf-1c-2gb", 1, 2048, 64, 2048, 12.0),
        Plan("vhf-2c-2gb", 2, 2048, 80, 3072, 18.0),
        Plan("vhf-2c-4gb", 2, 4096, 128, 3072, 24.0),
        Plan("vhf-3c-8gb", 3, 8192, 256, 4096, 48.0),
        Plan("vhf-4c-16gb", 4, 16384, 384, 5120, 96.0),
        Plan("voc-c-2c-4gb-50s-amd", 2, 4096, 50, 5120, 40.0),
        Plan("voc-c-4c-8gb-75s-amd", 4, 8192, 75, 6144, 80.0),
        Plan("voc-g-4c-16gb-80s-amd", 4, 16384, 80, 6144, 120.0),
        *_high_performance(),
    )
}


@dataclass(frozen=True)
class OperatingSystem:
    """An image that a server can start from."""

    id: int
    name: str
    arch: str
    family: str


SYSTEMS = {
    system.id: system
    for system in (
        OperatingSystem(352, "Debian 9 x64 (stretch)", "x64", "debian"),
        OperatingSystem(477, "Debian 11 x64 (bullseye)", "x64", "debian"),
        OperatingSystem(2136, "Debian 12 x64 (bookworm)", "x64", "debian"),
        OperatingSystem(2625, "Debian 13 x64 (trixie)", "x64", "debian"),
        OperatingSystem(1743, "Ubuntu 22.04 LTS x64", "x64", "ubuntu"),
        OperatingSystem(2284, "Ubuntu 24.04 LTS x64", "x64", "ubuntu"),
    )
}
