"""Taking an orphan into the state of the stack that it belongs to: by the engine's own import."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from pulumi import automation
from pulumi.automation._stack import ImportResource

from fleet.configuration import Configuration, HostRef
from fleet.model.stack import ADDRESSES, DigitalOceanHost, Ec2Host, ExistingHost, LightsailHost, VultrHost, service_of
from fleet.operation.locks import locks_of
from fleet.operation.run import selected
from fleet.orphans.comparison import Orphan, StackState
from fleet.orphans.engine_words import engine_words
from fleet.orphans.owned import Owned
from fleet.orphans.providers import aws, digitalocean, vultr
from fleet.orphans.states import new_stack
from fleet.workspace import Workspace

COMPONENTS = {
    vultr.INSTANCE: "fleet:servers:Vultr",
    digitalocean.DROPLET: "fleet:servers:DigitalOcean",
    aws.LIGHTSAIL_INSTANCE: "fleet:servers:Lightsail",
    aws.EC2_INSTANCE: "fleet:servers:Ec2",
}
"""The component that a server is part of in its stack (``infra.servers``)."""
ADDRESS_OF = {
    VultrHost: vultr.RESERVED_IP,
    DigitalOceanHost: digitalocean.RESERVED_IP,
    LightsailHost: aws.STATIC_IP,
    Ec2Host: aws.EIP,
}
"""What a host's static address is at its provider (``infra.addresses``)."""


PARENT = "server"
"""What the component is called in the import: any word but the resource's own name, by which it would be its own."""


class AdoptionRefused(Exception):
    """The orphan does not fit into a stack. Its text says why, and what can be done with it."""

    exit_code = 3


class AdoptionFailed(Exception):
    """The engine could not import it."""


@dataclass(frozen=True)
class Adoption:
    """One resource to import into one stack."""

    stack: str
    type: str
    name: str
    id: str
    """As the provider's import wants it."""
    parent: str = ""
    """URN of the component that it is part of; empty for an address, which is part of none."""
    new_stack: bool = False
    """True: the backend has no such stack (its state was lost), and the stack is made first."""

    @property
    def command(self) -> str:
        """The engine's command for it, to be run in the fleet's folder."""
        parent = ["--parent", f"{PARENT}={self.parent}"] if self.parent else []
        options = ["--stack", self.stack, *parent, "--protect=true", "--generate-code=false", "--yes"]
        made = f"pulumi stack init {self.stack} && " if self.new_stack else ""
        return made + shlex.join(["pulumi", "import", self.type, self.name, self.id, *options])


def plan_adoption(
    orphan: Orphan, configuration: Configuration, states: Iterable[StackState], host: str = ""
) -> Adoption:
    """Where an orphan belongs.

    Args:
        host: the host that it is to be for; by default the one that it says to be, or the only one that lacks it.

    Raises:
        AdoptionRefused: it fits nowhere; says why.
    """
    owned, every = orphan.owned, tuple(states)
    ref = _host(orphan, configuration, every, host)
    if _service(ref) != owned.service or ref.host.location != owned.location:  # type: ignore[union-attr]
        raise AdoptionRefused(
            f"{owned.id} is at {owned.service} in {owned.location}, but the configuration has {ref.id} at "
            f"{_where(ref)}: the next run would replace it. Change the configuration, or delete {owned.id}"
        )
    stack = ref.region if owned.type in COMPONENTS else ADDRESSES
    state = next((state for state in every if state.stack == stack), None)
    if state is None and stack == ADDRESSES:
        return Adoption(stack, owned.type, ref.id, import_id(owned), new_stack=True)
    if state is None:
        raise AdoptionRefused(
            f"the backend has no stack {stack} that {owned.id} could be taken into. If its state was lost, bring it "
            f"back from a backup (pulumi stack import); else delete {owned.id} and run: fleet up {stack}"
        )
    other = next((known for known in state.resources if (known.type, known.name) == (owned.type, ref.id)), None)
    if other is not None:
        raise AdoptionRefused(
            f"stack {stack} has a {owned.what} for {ref.id} already, {other.id}: {owned.id} is one too many. "
            f"Delete it: fleet orphans delete {owned.id}"
        )
    return Adoption(stack, owned.type, ref.id, import_id(owned), _parent(owned.type, ref.id, state))


def import_id(owned: Owned) -> str:
    """The id as the provider's import wants it: at AWS with the region (pulumi-aws 7, Enhanced Region Support)."""
    return f"{owned.id}@{owned.location}" if owned.provider == "aws" else owned.id


def adopt(workspace: Workspace, adoption: Adoption) -> None:
    """Import it. Its secrets and its protection are what the next run's would be.

    Raises:
        AdoptionFailed: who holds the stack, or the engine's own words; the state is as it was.
    """
    resource = ImportResource(type=adoption.type, name=adoption.name, id=adoption.id)
    if adoption.parent:
        resource["parent"] = PARENT
    try:
        stack = (new_stack if adoption.new_stack else selected)(workspace, adoption.stack)
        stack.import_resources(
            resources=[resource],
            name_table={PARENT: adoption.parent} if adoption.parent else {},
            protect=True,
            generate_code=False,
        )
    except automation.ConcurrentUpdateError as failure:
        held = "; ".join(map(str, locks_of(workspace, adoption.stack))) or engine_words(failure)
        raise AdoptionFailed(f"{adoption.id} was not taken into stack {adoption.stack}: {held}") from None
    except automation.CommandError as failure:
        raise AdoptionFailed(
            f"{adoption.id} was not taken into stack {adoption.stack}: {engine_words(failure)}"
        ) from None


def _host(orphan: Orphan, configuration: Configuration, states: tuple[StackState, ...], named: str) -> HostRef:
    wanted = named or orphan.owned.host
    if wanted is None:
        fitting = _lacking(orphan, configuration, states)
        if len(fitting) == 1:
            return fitting[0]
        listed = ", ".join(ref.id for ref in fitting) or "none lacks one there"
        raise AdoptionRefused(
            f"{orphan.owned.id} does not say which host it is for (hosts that lack one: {listed}): give --host"
        )
    found = next((ref for ref in configuration.hosts() if ref.id == wanted), None)
    if found is None:
        raise AdoptionRefused(
            f"{orphan.owned.id} says to be host {wanted}, which the configuration does not have "
            f"(hosts: {', '.join(configuration.host_ids())}). Put the host back, name another with --host, or delete it"
        )
    return found


def _lacking(orphan: Orphan, configuration: Configuration, states: tuple[StackState, ...]) -> tuple[HostRef, ...]:
    """The hosts for which an address of this kind, in this place, could have been made and is in no stack."""
    has = {known.name for state in states for known in state.resources if known.type == orphan.owned.type}
    return tuple(
        ref
        for ref in configuration.hosts()
        if ref.id not in has
        and ref.region in configuration.addresses.regions
        and ADDRESS_OF.get(type(ref.host)) == orphan.owned.type
        and ref.host.location == orphan.owned.location  # type: ignore[union-attr]
    )


def _service(ref: HostRef) -> str:
    return service_of(ref.host)


def _where(ref: HostRef) -> str:
    if isinstance(ref.host, ExistingHost):
        return "a server that stands already"
    return f"{_service(ref)} in {ref.host.location}"


def _parent(type: str, name: str, state: StackState) -> str:
    component = COMPONENTS.get(type)
    if component is None:
        return ""
    found = next((known.urn for known in state.resources if (known.type, known.name) == (component, name)), None)
    if found is None:
        raise AdoptionRefused(
            f"stack {state.stack} has nothing of {name} yet that the server could be part of: it was emptied or its "
            f"state was lost. Bring the state back from a backup (pulumi stack import), or delete the server"
        )
    return found
