"""What the provider's process does on a host for a bundle; secrets are filled in right before they are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hosts import Change, ReleaseReport, deploy, list_releases, observe_release, roll_back, withdraw
from infra.arrival import arrived, glance
from infra.vault import open_vault

if TYPE_CHECKING:
    from infra.release_adapter import BundlePart


def deliver(part: BundlePart) -> ReleaseReport:
    """Bring a bundle's release to its host, or back to the release that is held; raises as ``hosts.deploy`` does."""
    with arrived(part.target) as connection:
        if part.held:
            return roll_back(connection, part.release.bundle, part.held)
        return deploy(connection, part.release, open_vault().fill)


def look(part: BundlePart) -> ReleaseReport:
    """What differs between the host and the release that was brought there; raises as ``hosts`` does."""
    with glance(part.target) as connection:
        if not part.held:
            return observe_release(connection, part.release)
        bundle = part.release.bundle
        current = next((kept.digest for kept in list_releases(connection, bundle) if kept.current), "")
        moved = (Change("release", bundle, "update", f"{current or 'nothing'} -> {part.held}"),)
        return ReleaseReport(bundle, current=current, changes=() if current == part.held else moved)


def stop(part: BundlePart) -> None:
    """Stop the bundle's containers and forget its releases; volumes stay. Raises as ``hosts`` does."""
    with glance(part.target) as connection:
        withdraw(connection, part.release.bundle)
