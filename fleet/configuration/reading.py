"""From files to a draft: what each file says on its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from fleet.catalogue import Catalogue
from fleet.catalogue.venue_sites import VenueList
from fleet.configuration.draft import (
    BUNDLES_KEY,
    FLEET_FILE,
    HELD_KEY,
    HOSTS_KEY,
    REGIONS_KEY,
    VENUES_KEY,
    Draft,
    FleetDraft,
    StackDraft,
)
from fleet.configuration.placeholders import how_to_get_host_key
from fleet.configuration.uses import read_bundles, read_venues
from fleet.model.document import Document, KeyPath, read_document
from fleet.model.fleet import FORMAT_VERSION, Fleet, Mesh, Region
from fleet.model.nearest import nearest
from fleet.model.problems import ConfigurationError, Problem
from fleet.model.stack import ADDRESSES, MAIN, PROVIDERS, AddressesStack, Ec2Host, ExistingHost, Host
from fleet.model.types import Network
from fleet.model.validation import at, salvage, unsayable, validate

ENGINE_KEYS = ("config", "encryptionsalt", "secretsprovider", "encryptedkey", "environment")
"""What the engine itself knows in a stack file (pulumi's ProjectStack)."""

OTHER_STACKS = ("dns",)
"""Stacks of this project that are neither a region's nor the addresses'."""

VPC_SPACE = IPv4Network("10.80.0.0/16")
"""Where EC2 networks lie unless a stack file says another: one /28 (EC2's smallest) per region and host index."""

_DIGEST = re.compile(r"[0-9a-f]{16}")

_NETWORK: TypeAdapter[IPv4Network] = TypeAdapter(Network)


def read_draft(root: Path, catalogue: Catalogue, venues: VenueList) -> tuple[Draft, tuple[Problem, ...]]:
    """Read every file of a fleet's folder.

    Raises:
        ConfigurationError: fleet.yaml has a format that this package does not know; nothing else is looked at then.
    """
    fleet, problems = _read_fleet(root)
    found = list(problems)
    files = {match[1]: path for path in sorted(root.glob("Pulumi.*.yaml")) if (match := _stack_name(path))}
    stacks: dict[str, StackDraft] = {}
    addresses, addresses_document = None, None
    for name, path in files.items():
        document, problems = read_document(path)
        found += problems
        if document is None:
            continue
        found += _engine_keys(document)
        if name == ADDRESSES:
            addresses_document = document
            addresses, problems = _read_addresses(document)
            found += problems
        elif name not in OTHER_STACKS:
            stacks[name], problems = _read_stack(name, document, fleet, catalogue)
            found += problems
    draft = Draft(catalogue, venues, fleet, stacks, frozenset(files), addresses, addresses_document)
    return draft, tuple(found)


def _stack_name(path: Path) -> re.Match[str] | None:
    return re.fullmatch(r"Pulumi\.(.+)\.yaml", path.name)


def _read_fleet(root: Path) -> tuple[FleetDraft | None, tuple[Problem, ...]]:
    document, problems = read_document(root / FLEET_FILE)
    if document is None:
        return None, problems
    _refuse_newer(document)
    values = dict(document.values)
    regions = values.get("regions")
    misplaced: tuple[Problem, ...] = ()
    if isinstance(regions, Mapping):
        for name, region in regions.items():
            if isinstance(region, Mapping):
                misplaced += unsayable(Region, document, ("regions", name), region)
        values["regions"] = {name: _with_name(region, name) for name, region in regions.items()}
    fleet, found = validate(Fleet, document, (), values)
    operators = values.get("operators")
    draft = FleetDraft(
        document=document,
        fleet=fleet,
        mesh=salvage(Mesh, values.get("mesh")),
        docker_pool=_network(values.get("docker_pool")),
        operators=_networks(operators.get("addresses") if isinstance(operators, Mapping) else None),
        regions=_regions(regions),
        names=tuple(regions) if isinstance(regions, Mapping) else (),
        says_regions=isinstance(regions, Mapping),
    )
    return draft, (*problems, *misplaced, *found)


def _refuse_newer(document: Document) -> None:
    version = document.values.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        message = f"is newer than this package, which knows up to {FORMAT_VERSION}: upgrade the package"
        raise ConfigurationError([at(document, ("format_version",), version, message)])


def _with_name(region: object, name: str) -> object:
    return {**region, "name": name} if isinstance(region, Mapping) else region


def _regions(regions: object) -> dict[str, Region]:
    if not isinstance(regions, Mapping):
        return {}
    made = {name: salvage(Region, value, {"name": name}) for name, value in regions.items()}
    return {name: region for name, region in made.items() if region is not None}


def _network(value: object) -> IPv4Network | None:
    try:
        return _NETWORK.validate_python(value)
    except ValidationError:
        return None


def _networks(values: object) -> tuple[IPv4Network, ...]:
    """The well-formed ones of a list; all or none, so that their numbers are those in the file."""
    networks = [_network(value) for value in values] if isinstance(values, list) else []
    return tuple(network for network in networks if network is not None) if None not in networks else ()


def _engine_keys(document: Document) -> tuple[Problem, ...]:
    """Keys at the top of a stack file are the engine's; ours stand under ``config`` and begin with ``fleet:``."""
    allowed = ", ".join(ENGINE_KEYS)
    found = [
        at(document, (key,), None, "is not a known key", allowed, nearest(key, ENGINE_KEYS))
        for key in document.values
        if key not in ENGINE_KEYS
    ]
    return tuple(found)


def _config(document: Document, *known: str) -> tuple[Mapping[str, Any], tuple[Problem, ...]]:
    """The ``config`` of a stack file; ``known`` are the keys of ours that may stand there, the first one must."""
    config = document.values.get("config")
    if config is None:
        return {}, (at(document, ("config",), None, "is missing", f"a mapping with {known[0]}"),)
    if not isinstance(config, Mapping):
        return {}, (at(document, ("config",), config, "is not a mapping", f"a mapping with {known[0]}"),)
    allowed = ", ".join(known)
    found = []
    for key, value in config.items():
        namespace, colon, _ = key.partition(":")
        if not colon:
            near = nearest(f"fleet:{key}", known)
            found.append(
                at(document, ("config", key), None, "has no namespace", f"{allowed}, or <provider>:<key>", near)
            )
        elif namespace == "fleet" and key not in known and not _encrypted(value):
            # An encrypted value is a secret that the user keeps in the engine's configuration: not ours to judge.
            found.append(at(document, ("config", key), None, "is not a known key", allowed, nearest(key, known)))
    return config, tuple(found)


def _encrypted(value: object) -> bool:
    return isinstance(value, Mapping) and set(value) == {"secure"}


def _read_addresses(document: Document) -> tuple[AddressesStack | None, tuple[Problem, ...]]:
    config, found = _config(document, REGIONS_KEY)
    path: KeyPath = ("config", REGIONS_KEY)
    allowed = "a list of regions of fleet.yaml"
    if REGIONS_KEY not in config:
        missing = () if found else (at(document, path, None, "is missing", allowed),)
        return None, (*found, *missing)
    regions = config[REGIONS_KEY]
    if not isinstance(regions, list):
        return None, (*found, at(document, path, regions, "is not a list", allowed))
    wrong = [
        at(document, (*path, number), item, "is not text", "a region of fleet.yaml")
        for number, item in enumerate(regions)
        if not isinstance(item, str)
    ]
    return (None if wrong else AddressesStack(regions=tuple(regions))), (*found, *wrong)


def _read_stack(
    name: str, document: Document, fleet: FleetDraft | None, catalogue: Catalogue
) -> tuple[StackDraft, tuple[Problem, ...]]:
    config, problems = _config(document, HOSTS_KEY, HELD_KEY, VENUES_KEY, BUNDLES_KEY)
    held, wrong_held = _held(document, config.get(HELD_KEY))
    venues, wrong_venues = read_venues(document, config.get(VENUES_KEY))
    is_hub = fleet is not None and fleet.document.values.get("hub") == name
    bundles, wrong_bundles = read_bundles(document, config.get(BUNDLES_KEY), is_hub)
    found = [*problems, *wrong_held, *wrong_venues, *wrong_bundles]
    path: KeyPath = ("config", HOSTS_KEY)
    written = config.get(HOSTS_KEY)
    hosts: dict[str, Host] = {}
    names: tuple[str, ...] = ()
    if isinstance(written, Mapping):
        names = tuple(written)
        for host, values in written.items():
            made, problems = _read_host(document, host, values, fleet.regions.get(name) if fleet else None, catalogue)
            found += problems
            if made is not None:
                hosts[host] = made
    elif HOSTS_KEY in config:
        found.append(at(document, path, written, "is not a mapping", "a mapping of hosts; one is named main"))
    elif not found:
        found.append(at(document, path, None, "is missing", "a mapping of hosts; one is named main"))
    stack = StackDraft(name, document, hosts, names, isinstance(written, Mapping), held, venues, bundles)
    return stack, tuple(found)


def _held(document: Document, written: object) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """The releases that a roll-back holds, by bundle."""
    path: KeyPath = ("config", HELD_KEY)
    allowed = "a mapping of bundles to the digest of an earlier release (fleet release rollback writes it)"
    if written is None:
        return {}, ()
    if not isinstance(written, Mapping):
        return {}, (at(document, path, written, "is not a mapping", allowed),)
    wrong = tuple(
        at(document, (*path, bundle), digest, "is not the digest of a release", "16 hex digits in quotes")
        for bundle, digest in written.items()
        if not isinstance(digest, str) or not _DIGEST.fullmatch(digest)
    )
    return ({} if wrong else dict(written)), wrong


def _read_host(
    document: Document, name: str, values: object, region: Region | None, catalogue: Catalogue
) -> tuple[Host | None, tuple[Problem, ...]]:
    path: KeyPath = ("config", HOSTS_KEY, name)
    if not isinstance(values, Mapping):
        return None, (at(document, path, values, "is not a mapping", "a mapping with provider, plan, ..."),)
    kind, problems = _kind(document, path, values)
    if kind is None:
        return None, problems
    given: dict[str, object] = {"name": name}
    if name == MAIN and "index" not in values:
        given["index"] = 0
    if kind is not ExistingHost and "location" not in values:
        location, problems = _location(document, path, values, region, catalogue)
        given["location"] = location
    if kind is Ec2Host and "vpc_cidr" not in values:
        given |= _vpc(region, {**values, **given}.get("index"))
    hints = {"host_key": how_to_get_host_key(_address(values))} if kind is ExistingHost else {}
    host, wrong = validate(kind, document, path, values, given, hints)
    if host is None:
        host = salvage(kind, values, given, stand_ins={"location": "", "plan": ""})
    return host, (*problems, *wrong)


def _address(values: Mapping[str, Any]) -> str:
    address = values.get("address")
    return address if isinstance(address, str) else "ADDRESS"


def _kind(
    document: Document, path: KeyPath, values: Mapping[str, Any]
) -> tuple[type[Host] | None, tuple[Problem, ...]]:
    """The model of a host, chosen by its provider and service."""
    found, problem = _choice(document, (*path, "provider"), values.get("provider"), PROVIDERS)
    if problem:
        return None, (problem,)
    services = PROVIDERS[found]
    if "" in services:
        return services[""], ()
    found, problem = _choice(document, (*path, "service"), values.get("service"), services)
    return (None, (problem,)) if problem else (services[found], ())


def _choice(
    document: Document, path: KeyPath, value: object, known: Mapping[str, object]
) -> tuple[str, Problem | None]:
    allowed = ", ".join(known)
    if value is None:
        return "", at(document, path, None, "is missing", allowed)
    if not isinstance(value, str) or value not in known:
        return "", at(document, path, value, "is not allowed", allowed, nearest(value, known))
    return value, None


def _location(
    document: Document, path: KeyPath, values: Mapping[str, Any], region: Region | None, catalogue: Catalogue
) -> tuple[str, tuple[Problem, ...]]:
    """The first location for the region's place; empty where the region says none, which is a problem elsewhere."""
    if region is None or region.place not in catalogue.places:
        return "", ()
    service = str(values.get("service", values["provider"]))
    locations = catalogue.locations_for(service, region.place)
    if locations:
        return locations[0].name, ()
    others = ", ".join(catalogue.services_for(region.place)) or "existing"
    key = "service" if "service" in values else "provider"
    message = f"has no location in or near {region.place}"
    return "", (at(document, (*path, key), service, message, f"for {region.place}: {others}"),)


def _vpc(region: Region | None, host_index: object) -> dict[str, object]:
    """The default network of an EC2 host; nothing where the indexes are beyond it: the file must name one then."""
    if region is None or not isinstance(host_index, int) or region.index > 255 or not 0 <= host_index <= 15:
        return {}
    start = VPC_SPACE.network_address + (region.index << 8) + (host_index << 4)
    return {"vpc_cidr": IPv4Network((start, 28))}
