"""The first-boot script of a server: the login user, its key, and a host key that we know beforehand.

It is minimal and constant on purpose: providers replace a server when its user data changes, so everything that may
ever change arrives later over ssh. The first-contact host key in it is readable at the provider and in the server's
metadata; the first connection replaces it (design 5.5).
"""

from __future__ import annotations

import pulumi

from fleet.model.fleet import Fleet
from fleet.model.stack import Host, LightsailHost
from fleet.secrets.reference import Vault
from templates.render import render


def first_contact_path(host_id: str, generation: int) -> tuple[str, ...]:
    """Derivation path of the one-use host key of one generation of a server."""
    return ("ssh", "host", host_id, "first-contact", str(generation))


def permanent_path(host_id: str, generation: int) -> tuple[str, ...]:
    """Derivation path of the host key that replaces it on the first connection."""
    return ("ssh", "host", host_id, "permanent", str(generation))


def provider_key_path(host_id: str) -> tuple[str, ...]:
    """Derivation path of the key that is registered at the provider for a host. It lets nobody in: the first-boot
    script brings the login key, and root's login is off. Without any key DigitalOcean mails a root password."""
    return ("ssh", "provider", host_id)


DEPLOY_PATH = ("ssh", "deploy")
"""Derivation path of the fleet's own login key."""


LATE_SCRIPT_SECONDS = 120.0
"""How long a Lightsail server may answer with its image's own host key: its launch script runs when sshd is up already
(cloud-init installs keys before sshd starts, but runs scripts at the very end)."""


def late_key_seconds(host: Host) -> float:
    """How long after sshd answers the first-contact key may still be missing, in seconds."""
    return LATE_SCRIPT_SECONDS if isinstance(host, LightsailHost) else 0.0


def user_data(fleet: Fleet, host: Host, host_id: str, vault: Vault) -> pulumi.Output[str]:
    """The script, as a secret. Lightsail runs a shell script; every other provider reads cloud-config."""
    template = "cloud-init/first-boot.sh.j2" if isinstance(host, LightsailHost) else "cloud-init/first-boot.yaml.j2"
    path = first_contact_path(host_id, host.generation)
    text = render(
        template,
        user=fleet.deploy_user,
        authorized_keys=[vault.ed25519_public(*DEPLOY_PATH)],
        host_key_private=vault.ed25519_private(*path),
        host_key_public=vault.ed25519_public(*path),
    )
    return pulumi.Output.secret(text)
