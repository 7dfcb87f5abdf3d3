"""What runs on a host beside its base: each bundle's release as a resource, whose rendered files a preview shows."""

from __future__ import annotations

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


def declare_bundles(
    configuration: Configuration,
    ref: HostRef,
    server: Server,
    vault: Vault,
    provider: PartsProvider,
    after: pulumi.Resource,
) -> dict[str, pulumi.Output[str]]:
    """Declare every bundle of a host, one after the other: a bundle finds what it reads from already there.

    Returns the digest of what runs, by bundle.

    Raises:
        ImageNotPinned: an image has no digest.
    """
    target = host_target(configuration.fleet, ref, vault)
    running = {}
    for release in releases_of(configuration, ref, vault):
        part = BundlePart(target, release, configuration.stacks[ref.region].held.get(release.bundle, ""))
        options = part_of(server.resource, provider, after)
        made = BundleRelease(f"{ref.id}-{release.bundle}", part, server, options)
        running[release.bundle] = made.running
        after = made
    return running
