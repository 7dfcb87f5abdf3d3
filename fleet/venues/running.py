"""A move's steps on the fleet that runs: the stack files say the modes, the trading bundle's release carries them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fleet.configuration import Configuration, load
from fleet.model.bundles import TRADING
from fleet.model.stack import MAIN
from fleet.model.venue import Mode
from fleet.operation.hosts_of import RunningHost
from fleet.operation.run import Progress, up_alone
from fleet.release.kept import kept_releases
from fleet.secrets import Vault
from fleet.venues.files import write_mode
from fleet.venues.move import MoveError
from fleet.workspace import Workspace
from hosts import HostError
from hosts.release import Release
from infra.bundles.trading import trading_release


@dataclass(frozen=True)
class RunningFleet:
    """The fleet of a workspace."""

    workspace: Workspace
    vault: Vault
    hosts: Sequence[RunningHost]
    progress: Progress

    def set_mode(self, region: str, venue: str, account: str, mode: Mode | None) -> None:
        """Write the mode (None: no word of the account) into the region's stack file and deploy its trading bundle.

        That one resource of the stack: whatever else the files say waits for the next ``fleet up``.

        Raises:
            MoveError: the deploy failed.
            EditRefused: the file is not of a form that can be edited.
            ConfigurationError: the files would be wrong with it; they stay as they were.
        """
        self.progress(region, f"account {account} of {venue}: {mode or 'let go of'}")
        write_mode(self.workspace.root, region, venue, account, mode)
        run = up_alone(self.workspace, region, f"BundleRelease::{region}-{TRADING}", self.progress)
        if not run.ok:
            raise MoveError(f"{region}: {' '.join(run.errors)} Put that right, then run the same command again")

    def has_stopped(self, region: str, venue: str, account: str) -> bool:
        """Whether the host runs exactly the release that its files now say, and they do not trade the account."""
        self.progress(region, f"account {account} of {venue}: asked whether it stopped")
        configuration = load(self.workspace.root)
        uses = configuration.stacks[region].venues
        if any((use.venue, use.account, use.mode) == (venue, account, "active") for use in uses):
            return False
        running = next((host for host in self.hosts if host.ref.id == region), None)
        if running is None:
            return False
        wanted = render(configuration, region, self.vault).digest
        try:
            kept = kept_releases(running, (TRADING,), self.vault)[TRADING]
        except HostError as error:
            raise MoveError(f"{region} cannot be asked whether it stopped: {error}") from None
        return any(release.current and release.digest == wanted for release in kept)


def render(configuration: Configuration, region: str, vault: Vault) -> Release:
    """A region's trading bundle as the configuration has it.

    Raises:
        SecretError: a credential is missing; names the command that sets it.
        ImageNotPinned: an image has no digest.
    """
    main = next(ref for ref in configuration.hosts_of(region) if ref.host.name == MAIN)
    return trading_release(configuration, main, vault)
