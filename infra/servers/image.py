"""The image of a server, looked up by its name with its provider: its number differs between accounts' histories."""

from __future__ import annotations

import pulumi

from fleet.model.stack import DigitalOceanHost, Ec2Host, ExistingHost, Host, LightsailHost, VultrHost

VULTR_NAMES = {"debian-13": "Debian 13 x64 (trixie)"}
"""Vultr's names of the images that a stack file may ask for (get_os matches by name)."""

DIGITALOCEAN_SLUGS = {"debian-13": "debian-13-x64"}
"""DigitalOcean's slugs of the images that a stack file may ask for."""

LIGHTSAIL_BLUEPRINTS = {"debian-12": "debian_12"}
"""Lightsail's blueprints of the images that a stack file may ask for. It has no Debian 13: EC2 is the way there."""

EC2_IMAGES = {"debian-13": ("136693071363", "debian-13-amd64-*"), "debian-12": ("136693071363", "debian-12-amd64-*")}
"""Owner (Debian's AWS account, as published by the Debian cloud team) and name pattern of each image."""


def look_up_image(host: Host) -> pulumi.Output[str]:
    """What the provider calls the host's image; empty for a server that stands already.

    The provider is asked at once, and an answer takes it at least its own start: ask before other work.
    """
    match host:
        case VultrHost():
            import ediri_vultr as vultr

            image: pulumi.Output[str] = vultr.get_os_output(
                filters=[{"name": "name", "values": [VULTR_NAMES[host.image]]}]
            ).id
            return image
        case DigitalOceanHost():
            import pulumi_digitalocean as digitalocean

            slug: pulumi.Output[str] = digitalocean.get_image_output(slug=DIGITALOCEAN_SLUGS[host.image]).slug
            return slug
        case Ec2Host():
            import pulumi_aws as aws

            owner, pattern = EC2_IMAGES[host.image]
            return aws.ec2.get_ami_output(
                owners=[owner],
                most_recent=True,
                region=host.location,
                filters=[{"name": "name", "values": [pattern]}, {"name": "architecture", "values": ["x86_64"]}],
            ).id
        case LightsailHost():
            return pulumi.Output.from_input(LIGHTSAIL_BLUEPRINTS[host.image])
        case ExistingHost():
            return pulumi.Output.from_input("")
