"""What AWS sells in the lab: regions, zones, Lightsail bundles and blueprints, EC2 instance types and images.

Bundles and Lightsail's regions as read in October 2026. Lightsail has no Debian 13 blueprint. The two Debian images
of each EC2 region carry numbers of the lab's own; owner and names are Debian's.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

LIGHTSAIL_REGIONS = [
    "ap-east-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-5",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-2",
]
EC2_REGIONS = sorted(
    {
        *LIGHTSAIL_REGIONS,
        "mx-central-1",
        "us-west-1",
        "eu-central-2",
        "ap-northeast-3",
        "il-central-1",
    }
)

_ZONES = {
    "us-east-1": "abcdef",
    "us-west-2": "abcd",
    "ap-northeast-1": "acd",
    "ca-central-1": "abd",
    "us-west-1": "ac",
}


def zones(region: str) -> list[str]:
    """Availability zones of a region; three where the lab knows nothing else."""
    return [region + letter for letter in _ZONES.get(region, "abc")]


@dataclass(frozen=True)
class Bundle:
    """Size of a Lightsail instance: memory in GiB, disk in GB, transfer in TB, price in USD a month."""

    id: str
    cpu: int
    ram: float
    disk: int
    transfer: int
    price: float


BUNDLES = {
    bundle.id: bundle
    for bundle in (
        Bundle("nano_3_0", 2, 0.5, 20, 1, 5),
        Bundle("micro_3_0", 2, 1, 40, 2, 7),
        Bundle("small_3_0", 2, 2, 60, 3, 12),
        Bundle("medium_3_0", 2, 4, 80, 4, 24),
        Bundle("large_3_0", 2, 8, 160, 5, 44),
        Bundle("xlarge_3_0", 4, 16, 320, 6, 84),
        Bundle("2xlarge_3_0", 8, 32, 640, 7, 164),
    )
}

BLUEPRINTS = {
    "debian_11": "admin",
    "debian_12": "admin",
    "ubuntu_22_04": "ubuntu",
    "ubuntu_24_04": "ubuntu",
}
"""Blueprint to the user name that it comes with."""

INSTANCE_TYPES = {
    "t3.micro": (2, 1024),
    "t3.small": (2, 2048),
    "t3.medium": (2, 4096),
    "t3.large": (2, 8192),
    "t3.xlarge": (4, 16384),
    "t3a.medium": (2, 4096),
    "c6i.large": (2, 4096),
    "c6i.xlarge": (4, 8192),
    "c7i.large": (2, 4096),
    "c7i.xlarge": (4, 8192),
    "c7i.2xlarge": (8, 16384),
    "m7i.large": (2, 8192),
    "m7i.xlarge": (4, 16384),
    "c7g.large": (2, 4096),
    "c6g.xlarge": (4, 8192),
    "c7g.xlarge": (4, 8192),
    "c8g.xlarge": (4, 8192),
    "m7g.xlarge": (4, 16384),
    "t4g.medium": (2, 4096),
    "t4g.xlarge": (4, 16384),
}
"""Type to vCPUs and memory in MiB."""

OLD_REGIONS_ONLY = {"c8g.xlarge": ("us-east-1", "us-east-2", "us-west-2", "eu-central-1")}
"""Types that only some regions offer."""

DEBIAN = "136693071363"
"""AWS account of the Debian cloud team."""


@dataclass(frozen=True)
class Ami:
    """A public image of one region."""

    id: str
    name: str
    owner: str
    architecture: str
    created: str


_RELEASES = (
    ("debian-13", "20251006-2257"),
    ("debian-13", "20250814-2204"),
    ("debian-12", "20250814-2204"),
)


def amis(region: str) -> list[Ami]:
    """The images of a region: an image's id is valid in its region only."""
    found = []
    for release, build in _RELEASES:
        for debian, architecture in (("amd64", "x86_64"), ("arm64", "arm64")):
            name = f"{release}-{debian}-{build}"
            number = hashlib.sha256(f"{region}/{name}".encode()).hexdigest()[:17]
            date = f"{build[:4]}-{build[4:6]}-{build[6:8]}T00:00:00.000Z"
            found.append(Ami(f"ami-{number}", name, DEBIAN, architecture, date))
    return found


def architecture_of(instance_type: str) -> str:
    """Processor family of a type: AWS's own processors carry a ``g`` behind the generation."""
    return "arm64" if "g" in instance_type.split(".")[0][1:] else "x86_64"
