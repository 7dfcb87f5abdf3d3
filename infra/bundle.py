"""What runs on a host beside its base: each bundle's release as a resource, whose rendered files a preview shows."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi.dynamic import Resource

from fleet.configuration import Configuration, HostRef
from fleet.secrets import Vault
from infra.adapter import part_of
from infra.bundles.host_bundles import releases_of
from infra.host import host_target
from infra.parts_provider import PartsProvider
from infra.release_adapter import BundlePart, BundleReleaseProvider
from infra.servers.server import Server


class BundleRelease(Resource, module="infra", name="BundleRelease"):
    """A bundle's release on one host."""

    running: pulumi.Output[str]
    """Digest of the release that runs."""
    waiting: pulumi.Output[list[str]]
    """What of it waits for another host."""

    def __init__(self, name: str, part: BundlePart, server: Server, opts: pulumi.ResourceOptions) -> None:
        inputs = {**part.inputs(server.address), "server": server.id}
        inputs |= {"running": None, "waiting": None, "drift": None}
        super().__init__(BundleReleaseProvider(), name, inputs, opts)


def bundle_parts(configuration: Configuration, ref: HostRef, vault: Vault) -> tuple[BundlePart, ...]:
    """The bundles of one host as they shall run, in their order.

    Raises:
        ImageNotPinned: an image has no digest.
        SecretError: a venue's credential is missing.
    """
    target = host_target(configuration.fleet, ref, vault)
    held = configuration.stacks[ref.region].held
    return tuple(
        BundlePart(target, release, held.get(release.bundle, "")) for release in releases_of(configuration, ref, vault)
    )


def declare_bundles(
    parts: Sequence[BundlePart], server: Server, provider: PartsProvider, after: pulumi.Resource
) -> dict[str, pulumi.Output[str]]:
    """Declare every bundle of a host, one after the other: a bundle finds what it reads from already there.

    Returns the digest of what runs, by bundle.
    """
    running = {}
    for part in parts:
        name = f"{part.target.name}-{part.release.bundle}"
        made = BundleRelease(name, part, server, part_of(server.resource, provider, after))
        running[part.release.bundle] = made.running
        after = made
    return running
