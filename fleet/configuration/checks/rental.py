"""What is rented: the location belongs to the region's place, and it offers the plan, the image and the market."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.catalogue import Catalogue
from fleet.configuration.draft import Draft, StackDraft, host_path
from fleet.model.nearest import nearest
from fleet.model.problems import Problem
from fleet.model.stack import MAIN, RentedHost, service_of
from fleet.model.validation import at


def check_rental(draft: Draft) -> Iterator[Problem]:
    """Everything that a rented host asks of its provider is in the catalogue."""
    for stack, host in draft.hosts():
        if not isinstance(host, RentedHost):
            continue
        region = draft.fleet.regions.get(stack.name) if draft.fleet else None
        yield from _location(stack, host, draft.catalogue, region.place if region else None)
        yield from _plan(stack, host, draft.catalogue)
        yield from _image(stack, host, draft.catalogue)
        yield from _spot(stack, host, draft.catalogue)


def _location(stack: StackDraft, host: RentedHost, catalogue: Catalogue, place: str | None) -> Iterator[Problem]:
    if not host.location:
        return
    service = service_of(host)
    path = host_path(host, "location")
    sites = {site.name: site for site in catalogue.locations_of(service)}
    known_place = place if place in catalogue.places else None
    fitting = [site.name for site in catalogue.locations_for(service, known_place)] if known_place else []
    allowed = f"for {place}: {', '.join(fitting)}" if fitting else ", ".join(sites)
    if host.location not in sites:
        near = nearest(host.location, fitting) or nearest(host.location, sites)
        yield at(stack.document, path, host.location, f"is not a location of {service}", allowed, near)
    elif known_place and host.location not in fitting:
        where = sites[host.location].place
        others = ", ".join(catalogue.services_for(known_place)) or "existing"
        allowed = allowed if fitting else f"{service} has no location in or near {place}; others for it: {others}"
        yield at(stack.document, path, host.location, f"is in {where}, the region in {place}", allowed)


def _plan(stack: StackDraft, host: RentedHost, catalogue: Catalogue) -> Iterator[Problem]:
    service = service_of(host)
    path = host_path(host, "plan")
    offered = [plan.name for plan in catalogue.offered(service, host.location)]
    if host.plan and catalogue.plan(service, host.plan) is None:
        owner = next((name for name in catalogue.services if catalogue.plan(name, host.plan)), None)
        hint = f"it is a plan of {owner}" if owner else nearest(host.plan, offered)
        yield at(stack.document, path, host.plan, f"is not a plan of {service}", ", ".join(offered), hint)
    elif host.plan and host.location and host.plan not in offered:
        message = f"is not offered in {host.location}"
        yield at(stack.document, path, host.plan, message, ", ".join(offered), nearest(host.plan, offered))


def _image(stack: StackDraft, host: RentedHost, catalogue: Catalogue) -> Iterator[Problem]:
    service = catalogue.services[service_of(host)]
    if host.image in service.images:
        return
    siblings = [
        other.name
        for other in catalogue.services.values()
        if other.provider == service.provider and other.name != service.name and host.image in other.images
    ]
    hint = f"{siblings[0]} has it: service: {siblings[0]}" if siblings else nearest(host.image, service.images)
    yield at(
        stack.document,
        host_path(host, "image"),
        host.image,
        f"is not an image of {service.name}",
        ", ".join(service.images),
        hint,
    )


def _spot(stack: StackDraft, host: RentedHost, catalogue: Catalogue) -> Iterator[Problem]:
    if not host.spot:
        return
    path = host_path(host, "spot")
    with_spot = [name for name, service in catalogue.services.items() if service.spot]
    if service_of(host) not in with_spot:
        message = f"is not possible at {service_of(host)}"
        yield at(stack.document, path, True, message, "false", f"spot servers are rented at: {', '.join(with_spot)}")
    if host.name == MAIN:
        message = "is not allowed for main: a spot server is taken away at two minutes' notice"
        yield at(stack.document, path, True, message, "false", "put non-critical work on a second host of the region")
