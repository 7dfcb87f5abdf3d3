"""What a region would measure, before anything is spent on it: a server there for some minutes, and nothing after."""

from __future__ import annotations

import time
from collections.abc import Mapping

from fleet.configuration import Configuration
from fleet.latency.measure import Spot, ends, measure_over
from fleet.latency.plan import Plan
from fleet.latency.probe_offer import ProbeOffer
from fleet.latency.probe_stack import (
    bring_up,
    forget,
    made_here,
    only_probe,
    stack_name,
    standing,
    take_away,
)
from fleet.latency.result import Run
from fleet.latency.simulated import is_lab
from fleet.operation.run import Progress
from fleet.orphans.deletion import delete
from fleet.orphans.search import search
from fleet.secrets import Vault
from fleet.workspace import Workspace
from hosts import connect
from infra.arrival import CONNECT_SECONDS
from infra.first_boot import DEPLOY_PATH, late_key_seconds
from infra.probe import probe_host, probe_target


def probe(
    configuration: Configuration,
    workspace: Workspace,
    vault: Vault,
    offer: ProbeOffer,
    plan: Plan,
    progress: Progress,
) -> Run:
    """Rent the server, measure from it, take it away: also when something fails, or somebody interrupts.

    Raises:
        ProbeRunning, ProbeFailed, HostError, NotMeasured: the text says what happened, and what is left if anything is.
    """
    name = stack_name(offer.place)
    with only_probe(workspace):
        for left in made_here(workspace):
            progress(left, "an earlier probe was ended before it could take this away")
            _remove(configuration, workspace, left, progress)
        values = offer.values(generation=int(time.time()))
        try:
            run = bring_up(workspace, name, values, progress)
        except BaseException:
            _remove(configuration, workspace, name, progress)
            raise
        try:
            return _measure(configuration, workspace, vault, name, values, str(run.outputs["address"]), plan, progress)
        finally:
            take_away(workspace, name, progress)


def clear(configuration: Configuration, workspace: Workspace, progress: Progress) -> tuple[str, ...]:
    """Take away every probe that stands, also one of another machine; returns their stacks.

    Raises:
        ProbeRunning: one goes on on this machine.
        ProbeFailed: one is not taken away.
    """
    with only_probe(workspace):
        names = standing(workspace)
        for name in names:
            _remove(configuration, workspace, name, progress)
        return names


def left_elsewhere(workspace: Workspace) -> tuple[str, ...]:
    """Stacks of probes that were made on other machines: left there, or in use."""
    here = made_here(workspace)
    return tuple(name for name in standing(workspace) if name not in here)


def _measure(
    configuration: Configuration,
    workspace: Workspace,
    vault: Vault,
    name: str,
    values: Mapping[str, object],
    address: str,
    plan: Plan,
    progress: Progress,
) -> Run:
    host = probe_host(values)
    progress(name, f"{address} is rented; waiting until ssh answers")
    target = probe_target(configuration.fleet, vault, name, host, address)
    with connect(
        target,
        vault.ed25519_private(*DEPLOY_PATH),
        deadline_seconds=CONNECT_SECONDS,
        progress=lambda waiting: progress(name, waiting),
        late_key_seconds=late_key_seconds(host),
    ) as connection:
        progress(name, ends(plan))
        spot = Spot(host=name, region=name, place=str(values["place"]))
        return measure_over(connection, spot, plan, simulated=is_lab(workspace))


def _remove(configuration: Configuration, workspace: Workspace, name: str, progress: Progress) -> None:
    """Take away a probe that did not come up as a whole, with what its state does not know of.

    A create that was cut off, or whose reply was lost, is in no state: only the provider can tell what came of it.
    """
    if name in standing(workspace):
        take_away(workspace, name, progress)
    forget(workspace, name)
    findings = search(configuration, workspace)
    for orphan in findings.orphans:
        if orphan.owned.host == name:
            progress(name, f"deleting {orphan.owned.what} {orphan.owned.id} at {orphan.owned.provider}")
            delete(findings, orphan)
        elif not orphan.owned.certain:
            progress(name, f"may be left of it: {orphan.owned.what} {orphan.owned.id} ({orphan.owned.address})")
    for place in findings.not_looked:
        progress(name, f"not looked at: {place.source}: {place.reason}; later: fleet orphans")
