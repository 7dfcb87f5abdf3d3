"""Names that refer to something: regions, hosts, places, and the file of each stack."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import TypeAdapter, ValidationError

from fleet.configuration.draft import FLEET_FILE, HOSTS_KEY, REGIONS_KEY, Draft, FleetDraft, StackDraft, stack_file
from fleet.configuration.reading import OTHER_STACKS
from fleet.model.document import Document, KeyPath
from fleet.model.nearest import nearest
from fleet.model.problems import Problem
from fleet.model.stack import ADDRESSES, MAIN
from fleet.model.types import Label
from fleet.model.validation import at

_LABEL: TypeAdapter[str] = TypeAdapter(Label)


def check_references(draft: Draft) -> Iterator[Problem]:
    """Every name that is used exists, and every stack has its file."""
    for stack in draft.stacks.values():
        yield from _hosts(stack)
    if draft.fleet is None or not draft.fleet.says_regions:
        return
    yield from _files(draft, draft.fleet)
    yield from _regions(draft, draft.fleet)
    yield from _reserved(draft, draft.fleet)
    yield from _ids(draft, draft.fleet)


def _hosts(stack: StackDraft) -> Iterator[Problem]:
    path = ("config", HOSTS_KEY)
    if stack.says_hosts and MAIN not in stack.names:
        yield at(stack.document, path, None, "has no host main", "a host named main, which every region has")
    for name in stack.names:
        try:
            _LABEL.validate_python(name)
        except ValidationError as wrong:
            if name not in stack.hosts:
                message = str(wrong.errors()[0].get("ctx", {}).get("error", "is not a name"))
                allowed = _LABEL.json_schema().get("description", "")
                yield at(stack.document, (*path, name), name, message, allowed)


def _files(draft: Draft, fleet: FleetDraft) -> Iterator[Problem]:
    known = (*fleet.names, ADDRESSES, *OTHER_STACKS)
    for name in sorted(draft.files):
        if name not in known:
            yield Problem(
                stack_file(name),
                "",
                None,
                f"is the file of a stack '{name}', but {FLEET_FILE} has no region '{name}'",
                ", ".join(known),
                nearest(name, (*fleet.names, ADDRESSES)) or f"add the region to {FLEET_FILE}, or remove the file",
            )
    for name in (*fleet.names, ADDRESSES):
        if name not in draft.files:
            what = "of the static addresses" if name == ADDRESSES else f"of region '{name}'"
            yield Problem(
                stack_file(name),
                "",
                None,
                f"does not exist: it is the file of the stack {what}",
                "",
                f"write it, or remove the region from {FLEET_FILE}" if name != ADDRESSES else "write it",
            )


def _regions(draft: Draft, fleet: FleetDraft) -> Iterator[Problem]:
    document = fleet.document
    for name in fleet.names:
        if name in (ADDRESSES, *OTHER_STACKS):
            allowed = f"any other name than {', '.join((ADDRESSES, *OTHER_STACKS))}"
            yield at(document, ("regions", name), name, "is the name of a stack that is not a region's", allowed)
    for name, region in fleet.regions.items():
        places = draft.catalogue.places
        if region.place not in places:
            yield at(
                document,
                ("regions", name, "place"),
                region.place,
                "is not a place of the catalogue",
                ", ".join(places),
                nearest(region.place, places),
            )
    hub = document.values.get("hub")
    if isinstance(hub, str) and hub not in fleet.names:
        yield _unknown_region(document, ("hub",), hub, fleet)
    budgets = document.values.get("budgets")
    regions = budgets.get("regions") if isinstance(budgets, dict) else None
    known_names = frozenset(fleet.names)
    for name in regions if isinstance(regions, dict) else ():
        if name not in known_names:
            yield _unknown_region(document, ("budgets", "regions", name), None, fleet, name)
    phases = budgets.get("phases") if isinstance(budgets, dict) else None
    known = sorted({str(region.phase) for region in fleet.regions.values()})
    for phase in phases if isinstance(phases, dict) else ():
        if phase not in known:
            where = ("budgets", "phases", phase)
            yield at(document, where, None, f"'{phase}' is the phase of no region", ", ".join(known))
    if fleet.mesh and draft.files >= set(fleet.names) and len(draft.stacks) >= len(fleet.names):
        ids = draft.host_ids()
        for node in fleet.mesh.epoch.nodes:
            if node not in ids:
                path = ("mesh", "epoch", "nodes", node)
                yield at(
                    document, path, None, f"'{node}' is not a host of this fleet", ", ".join(ids), nearest(node, ids)
                )


def _reserved(draft: Draft, fleet: FleetDraft) -> Iterator[Problem]:
    if draft.addresses is None or draft.addresses_document is None:
        return
    known = frozenset(fleet.names)
    seen: set[str] = set()
    for number, name in enumerate(draft.addresses.regions):
        path = ("config", REGIONS_KEY, number)
        if name not in known:
            yield _unknown_region(draft.addresses_document, path, name, fleet)
        elif name in seen:
            yield at(draft.addresses_document, path, name, "stands twice", "each region once")
        seen.add(name)


def _unknown_region(
    document: Document, path: KeyPath, value: object, fleet: FleetDraft, name: str | None = None
) -> Problem:
    word = name if name is not None else value
    names = fleet.names
    return at(
        document, path, value, f"'{word}' is not a region of {FLEET_FILE}", ", ".join(names), nearest(word, names)
    )


def _ids(draft: Draft, fleet: FleetDraft) -> Iterator[Problem]:
    """``nj-spot`` may be a host of nj or a region, not both."""
    owners: dict[str, str] = {}
    known = frozenset(fleet.names)
    for stack, host in draft.hosts():
        if stack.name not in known:
            continue
        own = stack.name if host.name == MAIN else f"{stack.name}-{host.name}"
        if own in owners:
            path = ("config", HOSTS_KEY, host.name)
            message = f"would be '{own}' in the fleet, which is {owners[own]} already"
            yield at(stack.document, path, host.name, message, "another name for the host or the region")
        owners[own] = f"host {host.name} of {stack.name}"
