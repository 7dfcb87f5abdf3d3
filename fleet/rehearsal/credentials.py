"""Made-up credentials of a rehearsed fleet: the lab's stand-ins ask no venue, and no real key gets into a rehearsal."""

from __future__ import annotations

from fleet.catalogue.venues import credential_name
from fleet.configuration import Configuration
from fleet.secrets import SecretStore
from infra.bundles.venues import used_venues


def make_up_credentials(configuration: Configuration, store: SecretStore) -> int:
    """Set every credential that a region needs and that is not there; returns how many were set."""
    known = set(store.names())
    wanted = {
        credential_name(venue.name, region, credential)
        for region in configuration.stacks
        for _, venue in used_venues(configuration, region, "broker", "data", "feed")
        for credential in venue.all_credentials
    }
    for name in sorted(wanted - known):
        store.set(name, f"made-up-{name.replace('/', '-')}")
    return len(wanted - known)
