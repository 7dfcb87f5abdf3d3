"""A probe: a server that stands for some minutes, to be measured from, in a stack of its own with its address.

It gets no mesh node, no bundles and no change over ssh: what is measured from it is what a bare server there reaches.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from fleet.configuration import Configuration
from fleet.model.fleet import Fleet
from fleet.model.stack import MAIN, PROVIDERS, DigitalOceanHost, Ec2Host, ExistingHost, LightsailHost, VultrHost
from fleet.secrets import Vault
from hosts import Target
from infra.addresses import declare_address
from infra.capacity import alternatives
from infra.firewall import openings
from infra.first_boot import first_contact_path, provider_key_path, user_data
from infra.servers import declare
from infra.servers.image import look_up_image
from infra.servers.server import DeclaredAddress, Server, ServerRequest

ProbeHost: TypeAlias = VultrHost | DigitalOceanHost | LightsailHost | Ec2Host

SSH_PORT = 22
EC2_NETWORK = "172.31.255.240/28"
"""Of a probe at EC2, in a network of its own that nothing else is connected with."""


def probe_host(values: Mapping[str, Any]) -> ProbeHost:
    """The server as the probe's stack file describes it.

    Args:
        values: provider, service (empty where the provider has none), location, plan, image, generation.

    Raises:
        pydantic.ValidationError: not such values (the file is written by ``fleet latency probe``).
    """
    given = {name: value for name, value in values.items() if name not in ("service", "place")}
    further = {"vpc_cidr": EC2_NETWORK} if values["service"] == "ec2" else {}
    kind = PROVIDERS[values["provider"]][values["service"]]
    host = kind.model_validate({**given, **further, "name": MAIN, "index": 0})
    assert not isinstance(host, ExistingHost)
    return host


def declare_probe(configuration: Configuration, vault: Vault, name: str, place: str, host: ProbeHost) -> Server:
    """Declare the server of a probe and what belongs to it. It answers to the operators' ssh and to nothing else."""
    fleet = configuration.fleet
    request = ServerRequest(
        id=name,
        fleet=fleet.name,
        host=host,
        image=look_up_image(host),
        user_data=user_data(fleet, host, name, vault),
        provider_key=vault.ed25519_public(*provider_key_path(name)),
        openings=tuple(opening for opening in openings(fleet, host) if opening.purpose == "ssh"),
        reserved=DeclaredAddress(**declare_address(fleet.name, name, host)),
        # Nothing of it is kept, so nothing protects it.
        rebuild=True,
        alternatives=alternatives(configuration.catalogue, host, place),
    )
    return declare(request)


def probe_target(fleet: Fleet, vault: Vault, name: str, host: ProbeHost, address: str) -> Target:
    """How to reach it: its first key is its only one. Each probe has another (its generation is the time of it)."""
    pin = vault.ed25519_public(*first_contact_path(name, host.generation))
    return Target(name, address, SSH_PORT, fleet.deploy_user, pins=(pin,))
