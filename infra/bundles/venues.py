"""The venues of a region as its services see them: which, in which mode, with which credentials."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from fleet.catalogue.venues import Credential, Kind, Venue, credential_name
from fleet.configuration import Configuration
from fleet.model.venue import VenueUse
from fleet.secrets import SecretError, Vault

Used = tuple[VenueUse, Venue]
Account = tuple[str, str]
"""A venue, and the name of an account there."""

_LISTED = re.compile(r"^FLEET_VENUES='([^']*)'$", re.MULTILINE)
_ACTIVE = re.compile(r"([^,:=]+):([^,:=]+)=active")


def used_venues(configuration: Configuration, region: str, *kinds: Kind) -> tuple[Used, ...]:
    """What a region uses of some kinds, without the venues that are not run yet."""
    venues = configuration.venues.by_name
    uses = ((use, venues[use.venue]) for use in configuration.stacks[region].venues)
    return tuple((use, venue) for use, venue in uses if venue.kind in kinds and venue.status == "active")


def venue_list(used: Iterable[Used]) -> str:
    """``FLEET_VENUES``: ``binance:main=active,bybit:main=standby``."""
    return ",".join(f"{use.venue}:{use.account}={use.mode}" for use, _ in used)


def traded_accounts(files: Mapping[str, str]) -> frozenset[Account]:
    """The accounts that a release of the bundle ``trading`` trades, by the contents of its files."""
    lists = (listed for content in files.values() for listed in _LISTED.findall(content))
    return frozenset(_ACTIVE.findall(",".join(lists)))


def venue_environments(used: Iterable[Used], region: str, vault: Vault) -> dict[str, dict[str, str]]:
    """An env file for each venue, by its name. Of one that stands by it switches trading off.

    Raises:
        SecretError: a credential is missing; says of which venue, and the command that sets it.
    """
    return {
        f"venue-{use.venue}": {
            **_switch(use, venue),
            **venue.settings,
            **_gateway(use, venue),
            **credentials(venue, venue.credentials, region, vault),
        }
        for use, venue in used
    }


def sidecar_name(use: VenueUse, venue: Venue) -> str:
    """The service of a venue's own process, one for each account."""
    assert venue.sidecar is not None, f"{venue.name} has no sidecar"
    return f"{venue.sidecar.name}-{use.account}"


def credentials(venue: Venue, wanted: Iterable[Credential], region: str, vault: Vault) -> Mapping[str, str]:
    """References to credentials, by the variable that the platform reads.

    Raises:
        SecretError: one is missing.
    """
    found = {}
    for credential in wanted:
        name = credential_name(venue.name, region, credential)
        try:
            found[credential.variable] = vault.reference("named", *name.split("/"))
        except SecretError as error:
            raise SecretError(f"{region} uses {venue.title}, which needs its {credential.name}: {error}") from None
    return found


def _switch(use: VenueUse, venue: Venue) -> dict[str, str]:
    if venue.kind != "broker":
        return {}
    return {_switch_of(venue): "true" if use.mode == "active" else "false"}


def trading_off(brokers: tuple[Used, ...]) -> dict[str, str]:
    """The variables by which a service stands by for all of these brokers."""
    standby = tuple((use.model_copy(update={"mode": "standby"}), venue) for use, venue in brokers)
    return {"FLEET_VENUES": venue_list(standby), **{_switch_of(venue): "false" for _, venue in brokers}}


def _switch_of(venue: Venue) -> str:
    return f"{venue.prefix}__TradingEnabled"


def _gateway(use: VenueUse, venue: Venue) -> dict[str, str]:
    if venue.sidecar is None:
        return {}
    return {venue.sidecar.address_variable: f"{sidecar_name(use, venue)}:{venue.sidecar.port}"}
