"""A move's steps on the fleet that runs: the stack files say the modes, the trading bundle's release carries them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fleet.configuration import HostRef, load
from fleet.configuration.draft import VENUES_KEY, stack_file
from fleet.model.bundles import TRADING
from fleet.model.document import parse_document
from fleet.model.edit import set_scalar
from fleet.model.stack import MAIN
from fleet.model.venue import DEFAULT_ACCOUNT, Mode
from fleet.operation.hosts_of import RunningHost
from fleet.operation.run import Progress, up_alone
from fleet.release.kept import kept_releases
from fleet.secrets import Vault
from fleet.venues.move import MoveError
from fleet.workspace import Workspace
from hosts import HostError
from infra.bundles.trading import trading_release


@dataclass(frozen=True)
class RunningFleet:
    """The fleet of a workspace."""

    workspace: Workspace
    vault: Vault
    hosts: Sequence[RunningHost]
    progress: Progress

    def set_mode(self, region: str, venue: str, account: str, mode: Mode) -> None:
        """Write the mode into the region's stack file and deploy its trading bundle, that one resource.

        Raises:
            MoveError: the deploy failed.
            EditRefused: the file is not of a form that can be edited.
            ConfigurationError: the files would be wrong with it; they stay as they were.
        """
        _write(self.workspace.root, region, lambda text: with_mode(text, venue, account, mode))
        run = up_alone(self.workspace, region, f"BundleRelease::{region}-{TRADING}", self.progress)
        if not run.ok:
            raise MoveError(f"{region}: {' '.join(run.errors)} Put that right, then run the same command again")

    def has_stopped(self, region: str, venue: str, account: str) -> bool:
        """Whether the host runs exactly the release that its files now say, and they do not trade the account."""
        configuration = load(self.workspace.root)
        uses = configuration.stacks[region].venues
        if any((use.venue, use.account, use.mode) == (venue, account, "active") for use in uses):
            return False
        running = next((host for host in self.hosts if host.ref.id == region), None)
        if running is None:
            return False
        wanted = trading_release(configuration, _main(configuration.hosts_of(region)), self.vault).digest
        try:
            kept = kept_releases(running, (TRADING,), self.vault)[TRADING]
        except HostError as error:
            raise MoveError(f"{region} cannot be asked whether it stopped: {error}") from None
        return any(release.current and release.digest == wanted for release in kept)


def with_mode(text: str, venue: str, account: str, mode: Mode) -> str:
    """A stack file's text with the mode of a venue's account.

    Raises:
        EditRefused: it is not of a form that can be edited.
    """
    document, _ = parse_document("the text", text)
    config = document.values.get("config") if document else None
    written = (config.get(VENUES_KEY) or {}).get(venue) if isinstance(config, dict) else None
    plain = written is None or isinstance(written, str)
    path = ("config", VENUES_KEY, venue)
    return set_scalar(text, path if plain and account == DEFAULT_ACCOUNT else (*path, account), mode)


def _main(hosts: tuple[HostRef, ...]) -> HostRef:
    return next(ref for ref in hosts if ref.host.name == MAIN)


def _write(root: Path, region: str, change: Callable[[str], str]) -> None:
    path = root / stack_file(region)
    before = path.read_text()
    path.write_text(change(before))
    try:
        load(root)
    except Exception:
        path.write_text(before)
        raise
