"""Looking for orphans: every stack's state and every provider's lists, at the same time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal

from fleet.configuration import Configuration
from fleet.model.stack import Ec2Host, LightsailHost
from fleet.orphans.comparison import Interrupted, Orphan, StackState, orphans
from fleet.orphans.owned import Mark, Owned
from fleet.orphans.providers import aws, digitalocean, vultr
from fleet.orphans.providers.listing import Listing, ListingFailed
from fleet.orphans.states import read_states
from fleet.workspace import Workspace

AT_ONCE = 8
"""Lists that are read at the same time; each of them only waits for its provider."""


@dataclass(frozen=True)
class NotLooked:
    """A place where orphans may be and that could not be looked at."""

    source: str
    reason: str
    failed: bool
    """True: it was asked and did not answer. False: there is nothing to ask it with."""


@dataclass(frozen=True)
class Findings:
    """What one look found."""

    orphans: tuple[Orphan, ...]
    interrupted: tuple[Interrupted, ...]
    """Every unfinished operation of every stack, those behind an orphan too."""
    looked: tuple[str, ...]
    not_looked: tuple[NotLooked, ...]
    states: tuple[StackState, ...]
    listings: Mapping[str, Listing]
    """The lists that were read, by their source."""
    source_of: Mapping[Owned, str]

    def find(self, id: str) -> tuple[Orphan, ...]:
        """The orphans with this id; several only where providers give out the same one."""
        return tuple(orphan for orphan in self.orphans if orphan.owned.id == id)


def search(configuration: Configuration, workspace: Workspace, aws_regions: Iterable[str] = ()) -> Findings:
    """Look for what is ours at the providers and in no stack.

    Args:
        aws_regions: further AWS regions to look into, beside those that the configuration and the states name.

    Raises:
        StateUnreadable: a stack's state could not be read, so nothing can be called an orphan.
        EngineError: there is no engine.
    """
    states = read_states(workspace)
    environment = {**os.environ, **workspace.environment}
    listings, without = sources(configuration, states, environment, aws_regions)
    mark = Mark(configuration.fleet.name, frozenset(configuration.host_ids()))
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        answers = list(pool.map(lambda listing: _ask(listing, mark), listings))
    source_of = {
        one: listing.source
        for listing, answer in zip(listings, answers, strict=True)
        if not isinstance(answer, NotLooked)
        for one in answer
    }
    failed = tuple(answer for answer in answers if isinstance(answer, NotLooked))
    silent = {answer.source for answer in failed}
    return Findings(
        orphans=orphans(source_of, states),
        interrupted=tuple(operation for state in states for operation in state.interrupted),
        looked=tuple(listing.source for listing in listings if listing.source not in silent),
        not_looked=(*failed, *without),
        states=states,
        listings={listing.source: listing for listing in listings},
        source_of=source_of,
    )


def sources(
    configuration: Configuration,
    states: Iterable[StackState],
    environment: Mapping[str, str],
    aws_regions: Iterable[str] = (),
) -> tuple[tuple[Listing, ...], tuple[NotLooked, ...]]:
    """Where to look, and where something may be but there are no credentials to look with.

    A provider without credentials is named only if the fleet uses it: in its configuration, or in a state.
    """
    used = _providers(configuration, states)
    listings: list[Listing] = []
    without: list[NotLooked] = []
    for name, variable, make in (
        ("vultr", vultr.TOKEN_VARIABLE, lambda token: vultr.Vultr(token, environment.get(vultr.URL_VARIABLE, ""))),
        (
            "digitalocean",
            digitalocean.TOKEN_VARIABLE,
            lambda token: digitalocean.DigitalOcean(token, environment.get(digitalocean.URL_VARIABLE, "")),
        ),
    ):
        if token := environment.get(variable):
            listings.append(make(token))
        elif name in used:
            without.append(NotLooked(name, f"no {variable} is set", failed=False))
    if regions := _aws_regions(configuration, states, environment, aws_regions):
        account = aws.AwsAccount(environment)
        if account.has_credentials():
            listings += [kind(account, region) for region in regions for kind in (aws.Lightsail, aws.Ec2)]
        elif "aws" in used or tuple(aws_regions):
            without.append(NotLooked("aws", f"no credentials: {aws.KEY_VARIABLE} is not set", failed=False))
    return tuple(listings), tuple(without)


def monthly_usd(configuration: Configuration, owned: Owned) -> Decimal | None:
    """What it costs a month by the price list; None where that is not known, as for addresses."""
    if not owned.plan:
        return None
    return configuration.catalogue.monthly_usd(owned.service, owned.plan, owned.location)


def _providers(configuration: Configuration, states: Iterable[StackState]) -> set[str]:
    used = {str(ref.host.provider) for ref in configuration.hosts()}
    return used | {resource.type.partition(":")[0] for state in states for resource in state.resources}


def _aws_regions(
    configuration: Configuration,
    states: Iterable[StackState],
    environment: Mapping[str, str],
    further: Iterable[str],
) -> tuple[str, ...]:
    stated = [ref.host.location for ref in configuration.hosts() if isinstance(ref.host, LightsailHost | Ec2Host)]
    kept = [resource.region for state in states for resource in state.resources if resource.region]
    default = [environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or ""]
    return tuple(sorted({region for region in (*stated, *kept, *default, *further) if region}))


def _ask(listing: Listing, mark: Mark) -> tuple[Owned, ...] | NotLooked:
    try:
        return listing.list_owned(mark)
    except ListingFailed as failure:
        return NotLooked(listing.source, str(failure), failed=True)
