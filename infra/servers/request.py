"""What a host asks of its provider, put together from the configuration."""

from __future__ import annotations

import pulumi

from fleet.configuration import Configuration, HostRef
from fleet.model.stack import RentedHost
from fleet.secrets import Vault
from infra.address_book import AddressBook
from infra.capacity import alternatives
from infra.firewall import openings
from infra.first_boot import provider_key_path, user_data
from infra.servers.image import look_up_image
from infra.servers.server import ServerRequest


def server_request(
    configuration: Configuration, ref: HostRef, addresses: AddressBook, vault: Vault, recorded: int | None
) -> ServerRequest:
    """The request for one host.

    Args:
        recorded: the generation that the stack's last successful run exported, None before the first.

    Raises:
        pulumi.RunError: no static address is reserved for the host, or its generation was lowered.
    """
    wanted = ref.host.generation
    if recorded is not None and wanted < recorded:
        raise pulumi.RunError(
            f"{ref.id}: its server is of generation {recorded}, and the files say {wanted}: a generation is never "
            f"lowered. Nothing was changed. Write generation: {recorded} to keep the server, or {recorded + 1} to have "
            "it built anew"
        )
    rebuild = recorded is not None and wanted > recorded
    if rebuild:
        pulumi.log.warn(
            f"{ref.id}: generation {recorded} -> {wanted}: this server is destroyed and built anew; "
            "what only its disk holds is lost. Its address stays."
        )
    rented = isinstance(ref.host, RentedHost)
    place = configuration.fleet.regions[ref.region].place
    return ServerRequest(
        id=ref.id,
        fleet=configuration.fleet.name,
        host=ref.host,
        image=look_up_image(ref.host),
        user_data=user_data(configuration.fleet, ref.host, ref.id, vault),
        provider_key=vault.ed25519_public(*provider_key_path(ref.id)),
        openings=openings(configuration.fleet, ref.host),
        reserved=addresses.reserved(ref.id, ref.region) if rented else None,
        rebuild=rebuild,
        alternatives=alternatives(configuration.catalogue, ref.host, place) if isinstance(ref.host, RentedHost) else (),
    )
