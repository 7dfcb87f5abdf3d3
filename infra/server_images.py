"""Images under their providers' own names. Looking one up is the first question of a run to the server's provider.

The engine starts a provider at its first use, and that takes as long as reading a fleet's configuration. So the
question is put before: this module needs nothing but the SDKs, each only where a host uses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import pulumi

from fleet.model.image_name import DEFAULT_IMAGE

if TYPE_CHECKING:
    from ediri_vultr import GetOsResult
    from pulumi_digitalocean import GetImageResult

VULTR = {"debian-13": "Debian 13 x64 (trixie)"}
"""Vultr's names of the images that a stack file may ask for (get_os matches by name)."""
DIGITALOCEAN = {"debian-13": "debian-13-x64"}
"""DigitalOcean's slugs of the same."""


@cache
def vultr_image(image: str) -> pulumi.Output[GetOsResult]:
    """Vultr's image, looked up by its name: its number differs between accounts' histories."""
    import ediri_vultr as vultr

    found: pulumi.Output[GetOsResult] = vultr.get_os_output(filters=[{"name": "name", "values": [VULTR[image]]}])
    return found


@cache
def digitalocean_image(image: str) -> pulumi.Output[GetImageResult]:
    """DigitalOcean's image, looked up by its slug."""
    import pulumi_digitalocean as digitalocean

    found: pulumi.Output[GetImageResult] = digitalocean.get_image_output(slug=DIGITALOCEAN[image])
    return found


def look_up_early(hosts: object) -> None:
    """Begin the lookups for the hosts of a stack file. Nobody has checked it yet: what is unknown here is left alone.

    Those at AWS are not begun: they need more than the image's name.
    """
    for host in hosts.values() if isinstance(hosts, Mapping) else ():
        _begin(host if isinstance(host, Mapping) else {})


def _begin(host: Mapping[str, Any]) -> None:
    image = host.get("image", DEFAULT_IMAGE)
    match host.get("provider"):
        case "vultr" if image in VULTR:
            vultr_image(image)
        case "digitalocean" if image in DIGITALOCEAN:
            digitalocean_image(image)
