"""Before a server is destroyed to be built anew: does its provider have another one?

The old server goes before the new one comes (two with one identity must never live at once), so a provider without
room would leave nothing. Vultr and DigitalOcean can be asked. AWS tells nobody about stock; a rebuild there says so.
"""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from fleet.configuration import Configuration, HostRef
from fleet.model.stack import DigitalOceanHost, RentedHost, VultrHost
from infra.capacity import alternatives, alternatives_text


async def refuse_rebuild_without_stock(
    configuration: Configuration, hosts: tuple[HostRef, ...], recorded: Mapping[str, int]
) -> None:
    """Refuse a rebuild whose server could not be rented again, in the preview already.

    Args:
        recorded: the generations of the stack's last successful run.

    Raises:
        pulumi.RunError: the provider has no room for the plan in that place now; nothing was destroyed.
    """
    for ref in hosts:
        if not isinstance(ref.host, RentedHost) or recorded.get(ref.id, ref.host.generation) == ref.host.generation:
            continue
        offered = await _offered(ref.host)
        if offered is None:
            pulumi.log.warn(f"{ref.id}: its provider does not tell whether it has another such server; look before up")
        elif not offered:
            place = configuration.fleet.regions[ref.region].place
            raise pulumi.RunError(
                f"{ref.id}: the provider has no room for plan {ref.host.plan} in {ref.host.location} "
                "now, so the server is not rebuilt: nothing was destroyed. "
                f"{alternatives_text(alternatives(configuration.catalogue, ref.host, place))} Or try again later."
            )


async def _offered(host: RentedHost) -> bool | None:
    """Whether the provider offers the host's plan in its place now; None where it cannot be asked."""
    match host:
        case VultrHost():
            import ediri_vultr as vultr

            plan = vultr.get_plan_output(filters=[{"name": "id", "values": [host.plan]}])
            return host.location in (await plan.locations.future() or ())
        case DigitalOceanHost():
            import pulumi_digitalocean as digitalocean

            found = digitalocean.get_sizes_output(filters=[{"key": "slug", "values": [host.plan]}])
            sizes = await found.sizes.future() or ()
            return any(size.available and host.location in size.regions for size in sizes)
        case _:
            return None
