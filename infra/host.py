"""The base of a host: login, hardening, firewall, time, upgrades, logs, Docker - everything but the mesh and bundles.

A rented server gets all of it. On a server that somebody else runs (``existing``) we are guests (design 5.8): only our
own files, units and nftables table are added; Docker, sshd's own settings and foreign firewall tables stay.
"""

from __future__ import annotations

import pulumi

from fleet.configuration import Configuration, HostRef
from fleet.model.fleet import Fleet
from fleet.model.stack import DigitalOceanHost, ExistingHost, Host
from fleet.secrets import Vault
from hosts import Directory, File, Handler, HostState, Package, PackageSet, Revert, Sysctl, Target, Unit, User
from infra.adapter import HostPart, HostPartResource, part_of
from infra.first_boot import DEPLOY_PATH, first_contact_path, permanent_path
from infra.servers.server import Server
from templates.render import render

SSH_PORT = 22


class BaseHost(HostPartResource, module="infra", name="BaseHost"):
    """The base of one host, as a resource."""


def declare_base(configuration: Configuration, ref: HostRef, server: Server, vault: Vault) -> BaseHost:
    """Declare the base of one host on its server."""
    return BaseHost(
        ref.id,
        HostPart(
            host=ref.id,
            target=host_target(configuration.fleet, ref, vault),
            first_contact_key="" if isinstance(ref.host, ExistingHost) else _first_contact_key(ref, vault),
            state=base_state(configuration, ref, vault),
        ),
        server.address,
        part_of(server.resource),
    )


def host_target(fleet: Fleet, ref: HostRef, vault: Vault, address: str = "") -> Target:
    """How to reach a host: its login, and the one key that it may answer with."""
    host = ref.host
    existing = isinstance(host, ExistingHost)
    return Target(
        name=ref.id,
        address=address,
        port=host.ssh_port if existing else SSH_PORT,
        user=host.ssh_user if existing else fleet.deploy_user,
        pins=(pinned_host_key(host, ref.id, vault),),
    )


def pinned_host_key(host: Host, host_id: str, vault: Vault) -> str:
    """The public host key that a host must show: its own where it stood before us, else the derived permanent one."""
    if isinstance(host, ExistingHost):
        return " ".join(host.host_key.split()[:2])
    return vault.ed25519_public(*permanent_path(host_id, host.generation))


def _first_contact_key(ref: HostRef, vault: Vault) -> str:
    return vault.ed25519_public(*first_contact_path(ref.id, ref.host.generation))


def base_state(configuration: Configuration, ref: HostRef, vault: Vault) -> HostState:
    """What the base of a host consists of."""
    raise NotImplementedError
