"""Indexes: they are the hosts' addresses in the mesh, so each is unique and fits into the mesh's network."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.configuration.draft import Draft, host_path
from fleet.model.addressing import room
from fleet.model.problems import Problem
from fleet.model.stack import MAIN
from fleet.model.validation import at


def check_indexes(draft: Draft) -> Iterator[Problem]:
    """Regions have different indexes, hosts of one region too, and the mesh has room for all of them."""
    mesh = draft.fleet.mesh if draft.fleet else None
    space = room(mesh.cidr) if mesh else None
    if draft.fleet:
        taken: dict[int, str] = {}
        for name, region in draft.fleet.regions.items():
            path = ("regions", name, "index")
            if region.index in taken:
                message = f"is the index of region {taken[region.index]} already"
                yield at(
                    draft.fleet.document,
                    path,
                    region.index,
                    message,
                    _free(_taken(draft), space.regions if space else None),
                )
            elif space and mesh and region.index >= space.regions:
                yield at(
                    draft.fleet.document,
                    path,
                    region.index,
                    f"does not fit into mesh.cidr {mesh.cidr}",
                    f"0..{space.regions - 1}",
                    "a larger mesh.cidr has room for more",
                )
            taken.setdefault(region.index, name)
    for stack in draft.stacks.values():
        taken = {}
        for host in stack.hosts.values():
            own = host_path(host, "index")
            if host.name == MAIN and host.index != 0:
                yield at(stack.document, own, host.index, "is not the index of main", "0, or no index at all")
            elif host.index in taken:
                message = f"is the index of host {taken[host.index]} already"
                yield at(stack.document, own, host.index, message, "each index once in a region; main is 0")
            elif space and mesh and host.index >= space.hosts:
                message = f"does not fit into mesh.cidr {mesh.cidr}"
                yield at(stack.document, own, host.index, message, f"0..{space.hosts - 1}")
            taken.setdefault(host.index, host.name)


def _taken(draft: Draft) -> set[int]:
    """The region indexes in use."""
    return {region.index for region in draft.fleet.regions.values()} if draft.fleet else set()


def _free(taken: set[int], limit: int | None) -> str:
    free = next(index for index in range(len(taken) + 1) if index not in taken)
    return f"each index once; the lowest free one is {free}" if limit is None or free < limit else "each index once"
