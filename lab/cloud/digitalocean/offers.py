"""What DigitalOcean sells in the lab: regions, sizes, images.

Regions and sizes as read in October 2026; ams2 and sfo1 take no new droplets and offer no size. Sizes below 2 vCPUs
carry prices that were not confirmed. Numbers of images are the lab's own.
"""

from __future__ import annotations

from dataclasses import dataclass

REGIONS = {
    "nyc1": "New York 1",
    "nyc2": "New York 2",
    "nyc3": "New York 3",
    "sgp1": "Singapore 1",
    "lon1": "London 1",
    "ams2": "Amsterdam 2",
    "ams3": "Amsterdam 3",
    "fra1": "Frankfurt 1",
    "tor1": "Toronto 1",
    "sfo1": "San Francisco 1",
    "sfo2": "San Francisco 2",
    "sfo3": "San Francisco 3",
    "blr1": "Bangalore 1",
    "syd1": "Sydney 1",
}
CLOSED = ("ams2", "sfo1")
OPEN_REGIONS = tuple(region for region in REGIONS if region not in CLOSED)
NEWER_REGIONS = (
    "nyc1",
    "nyc3",
    "sgp1",
    "lon1",
    "ams3",
    "fra1",
    "tor1",
    "sfo3",
    "blr1",
    "syd1",
)


@dataclass(frozen=True)
class Size:
    """Size of a droplet: memory in MiB, disk in GB, transfer in TB a month, prices in USD."""

    slug: str
    vcpus: int
    memory: int
    disk: int
    transfer: float
    price_monthly: float
    price_hourly: float
    regions: tuple[str, ...] = OPEN_REGIONS


SIZES = {
    size.slug: size
    for size in (
        Size(
            "s-1vcpu-512mb-10gb",
            1,
            512,
            10,
            0.5,
            4,
            0.00595,
            ("nyc1", "fra1", "sfo3", "sgp1", "ams3", "syd1"),
        ),
        Size("s-1vcpu-1gb", 1, 1024, 25, 1, 6, 0.00893),
        Size("s-1vcpu-2gb", 1, 2048, 50, 2, 12, 0.01786),
        Size("s-2vcpu-2gb", 2, 2048, 60, 3, 18, 0.02679),
        Size("s-2vcpu-4gb", 2, 4096, 80, 4, 24, 0.03571),
        Size("s-4vcpu-8gb", 4, 8192, 160, 5, 48, 0.07143),
        Size("s-8vcpu-16gb", 8, 16384, 320, 6, 96, 0.14286),
        Size("c-2", 2, 4096, 25, 4, 42, 0.0625, NEWER_REGIONS),
        Size("c-4", 4, 8192, 50, 5, 84, 0.125, NEWER_REGIONS),
        Size("g-4vcpu-16gb", 4, 16384, 50, 5, 126, 0.1875, NEWER_REGIONS),
    )
}


@dataclass(frozen=True)
class Image:
    """A public image that a droplet can start from."""

    id: int
    slug: str
    name: str
    distribution: str


IMAGES = {
    image.slug: image
    for image in (
        Image(195932981, "debian-13-x64", "13 x64", "Debian"),
        Image(159651797, "debian-12-x64", "12 x64", "Debian"),
        Image(195926011, "debian-11-x64", "11 x64", "Debian"),
        Image(195932990, "ubuntu-24-04-x64", "24.04 (LTS) x64", "Ubuntu"),
    )
}
