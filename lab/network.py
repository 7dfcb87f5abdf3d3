"""The lab's networks: one Docker network for each kind of provider, and the clouds' packet rules between them."""

from __future__ import annotations

import json
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from lab import firewall, namespace, state
from lab.files import locked
from lab.run import run
from lab.settings import LabHome

if TYPE_CHECKING:
    from docker import DockerClient

PROVIDERS = ("vultr", "digitalocean", "existing", "venue", "aws")


def network_name(home: LabHome, provider: str) -> str:
    """The Docker network of a provider's servers."""
    return f"fl{home.id}-{provider}"


def bridge_name(home: LabHome, provider: str) -> str:
    """Its bridge in the lab's namespace (15 characters at most)."""
    return f"fl{home.id}-{provider[:3]}"


def make_networks(home: LabHome, client: DockerClient) -> None:
    """Make whatever is missing of the Docker networks and the routers' addresses on them."""
    from docker.types import IPAMConfig, IPAMPool

    present = {network.name for network in client.networks.list()}
    for provider in PROVIDERS:
        if network_name(home, provider) in present:
            continue
        subnet = state.network_of(home.ranges, provider)
        pool = IPAMPool(subnet=str(subnet), gateway=str(subnet[1]))
        client.networks.create(
            network_name(home, provider),
            driver="bridge",
            ipam=IPAMConfig(pool_configs=[pool]),
            options={"com.docker.network.bridge.name": bridge_name(home, provider)},
            labels={"fleet-lab": home.id},
        )
    # The router of the anchor addresses is reached over the droplets' one interface.
    _add_address(home, bridge_name(home, "digitalocean"), home.ranges.anchor)


def _add_address(home: LabHome, bridge: str, network: IPv4Network) -> None:
    argv = ["ip", "-n", home.namespace, "address", "replace", f"{network[1]}/{network.prefixlen}", "dev", bridge]
    run(argv)


def apply_rules(home: LabHome) -> None:
    """Bring translations and firewalls to what the state says, in one transaction.

    Raises:
        LabError: nft refused; the message has its own words.
    """
    with locked(home.path / "network.lock"):
        # Read inside the lock: whoever is last renders the newest state.
        text = firewall.render(state.load(home), home.ranges, namespace.link_names(home)[1])
        run([*namespace.inside(home), "nft", "-f", "-"], input=text)


def counters(home: LabHome) -> dict[str, int]:
    """Packets stopped so far, by the name of their counter."""
    listing = run([*namespace.inside(home), "nft", "-j", "list", "counters", "table", *firewall.TABLE.split()])
    entries = (entry.get("counter") for entry in json.loads(listing)["nftables"])
    return {entry["name"]: int(entry["packets"]) for entry in entries if entry}
