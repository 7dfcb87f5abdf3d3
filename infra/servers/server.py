"""The small interface that every provider's server component keeps."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from fleet.model.stack import Host, RentedHost
from infra.address_book import ReservedAddress
from infra.capacity import capacity_hook
from infra.firewall import Opening
from infra.retry import rate_limit_hooks


@dataclass(frozen=True)
class DeclaredAddress:
    """A static address that the server's own stack declares."""

    handle: pulumi.Input[str]
    address: pulumi.Input[str]


@dataclass(frozen=True)
class ServerRequest:
    """What a provider's component is asked for."""

    id: str
    """The host's name in the fleet (``nj``); also its label at the provider."""
    fleet: str
    """The fleet's name: the tag by which ``fleet orphans`` knows what is ours."""
    host: Host
    image: pulumi.Output[str]
    """What its provider calls the image."""
    user_data: pulumi.Output[str]
    """The first-boot script, secret (it holds the one-use first-contact host key)."""
    provider_key: str
    """Public key to register at the provider: each host's own, since an account takes a key only once."""
    openings: tuple[Opening, ...]
    reserved: ReservedAddress | DeclaredAddress | None
    """Its static address; None only for a server that brings its own (``existing``)."""
    rebuild: bool
    """True in the one run that replaces the server because its ``generation`` was raised."""
    alternatives: tuple[str, ...] = ()
    """What could be rented instead, named when the provider has no room for the plan."""

    @property
    def tag(self) -> str:
        return fleet_tag(self.fleet)

    @property
    def rented(self) -> RentedHost:
        """The host as one that a provider rents out; only those become machines."""
        assert isinstance(self.host, RentedHost), f"{self.id}: not rented"
        return self.host

    @property
    def static(self) -> ReservedAddress | DeclaredAddress:
        """The static address of a rented server; its absence was refused before anything was declared."""
        assert self.reserved is not None, f"{self.id}: no static address"
        return self.reserved


@dataclass(frozen=True)
class Server:
    """What the rest of the stack needs to know of a declared server."""

    resource: pulumi.CustomResource | None
    """The machine itself; None for a server that somebody else owns."""
    address: pulumi.Output[str]
    """Where ssh and the mesh reach it: known only after everything that must be in place for that is."""
    egress: pulumi.Output[str]
    """The address a venue sees: the one to allow-list at brokers."""

    @property
    def id(self) -> pulumi.Input[str]:
        """The provider's id of the machine; empty for a server that somebody else owns."""
        return "" if self.resource is None else self.resource.id


def fleet_tag(fleet: str) -> str:
    """The tag carried by every resource of a fleet at providers that know tags."""
    return f"fleet:{fleet}"


def machine_options(
    request: ServerRequest, parent: pulumi.Resource, ignore_changes: list[str]
) -> pulumi.ResourceOptions:
    """Options of a machine: never replaced by accident, rebuilt on purpose by a raised ``generation`` (design 5.3).

    ``ignore_changes`` names the inputs on which this provider would replace (user data, keys, image, hostname).
    Two servers with one identity must never live at once, hence delete_before_replace.
    """
    host = request.rented
    full = capacity_hook(request.id, host.plan, host.location, request.alternatives)
    return pulumi.ResourceOptions(
        parent=parent,
        protect=not request.rebuild,
        ignore_changes=ignore_changes,
        delete_before_replace=True,
        replacement_trigger=host.generation,
        hooks=pulumi.ResourceHookBinding(on_error=[*(rate_limit_hooks().on_error or ()), full]),
    )


def part_options(parent: pulumi.Resource, **options: object) -> pulumi.ResourceOptions:
    """Options of everything else at a provider (keys, firewall rules, attachments)."""
    base = pulumi.ResourceOptions(parent=parent, hooks=rate_limit_hooks())
    return pulumi.ResourceOptions.merge(base, pulumi.ResourceOptions(**options))  # type: ignore[arg-type]


def registered_key_options(parent: pulumi.Resource, field: str) -> pulumi.ResourceOptions:
    """Options of the key that is registered for a host. It lets nobody in (see ``provider_key_path``), so a new master
    secret, from which another one follows, leaves the registered one (the input ``field``) and its server alone."""
    return part_options(parent, ignore_changes=[field])
