"""Lightsail InstancePublicPorts: sets all ports of an instance; deleting it closes its ports by the instance's name."""

from __future__ import annotations

import hashlib
import json

from lab.cloud.aws import api
from lab.cloud.errors import Failure
from lab.cloud.kind import Cloud, Created, Kind, only
from lab.cloud.schema import UNKNOWN
from lab.cloud.store import CloudState, Record, Values
from lab.server import ANYWHERE, Rule

DEFAULT_RULES = (
    Rule("tcp", "22", ANYWHERE),
    Rule("tcp", "80", ANYWHERE),
    Rule("icmp", "", ANYWHERE),
)
"""What a new Linux instance lets in."""

PROTOCOLS = ("tcp", "all", "udp", "icmp", "icmpv6")


def check(inputs: Values) -> list[Failure]:
    failures = []
    for i, info in enumerate(inputs["portInfos"] if isinstance(inputs["portInfos"], list) else []):
        protocol = info["protocol"]
        if protocol not in (*PROTOCOLS, UNKNOWN):
            reason = f"expected protocol to be one of {list(PROTOCOLS)}, got {protocol}"
            failures.append(Failure(f"portInfos[{i}].protocol", reason))
        for end in ("fromPort", "toPort"):
            if isinstance(info[end], int) and not (-1 if protocol.startswith("icmp") else 0) <= info[end] <= 65535:
                failures.append(
                    Failure(
                        f"portInfos[{i}].{end}",
                        f"expected {end} in the range (0 - 65535)",
                    )
                )
    return failures


def create(cloud: Cloud, inputs: Values) -> Created:
    api.check_region(api.PUBLIC_PORTS, inputs)
    name = inputs["instanceName"]
    with cloud.store.transaction() as state:
        server = state.find(api.NAME, api.LIGHTSAIL_INSTANCE, name)
        if server is None:
            message = f"The Instance does not exist: {name}"
            raise api.refused(api.PUBLIC_PORTS, "create", "NotFoundException", message)
        for info in inputs["portInfos"]:
            if not info["protocol"].startswith("icmp") and info["fromPort"] > info["toPort"]:
                message = f"Port range is invalid: {info['fromPort']}-{info['toPort']}"
                raise api.refused(api.PUBLIC_PORTS, "create", "InvalidInputException", message)
        server.hidden["ports"] = inputs["portInfos"]
        state.put(api.NAME, api.LIGHTSAIL_INSTANCE, name, server)
    cloud.machines.set_firewall(name, rules_of(cloud.store.snapshot(), name) or ())
    digest = int(
        hashlib.sha256(json.dumps(inputs["portInfos"], sort_keys=True).encode()).hexdigest()[:8],
        16,
    )
    return Created(f"{name}-{digest}", {})


def delete(cloud: Cloud, id: str, record: Record) -> None:
    """Close what this object opened, on whichever instance has the name now."""
    name = record.inputs["instanceName"]
    with cloud.store.transaction() as state:
        server = state.find(api.NAME, api.LIGHTSAIL_INSTANCE, name)
        if server is None:
            return
        closed = record.inputs["portInfos"]
        server.hidden["ports"] = [info for info in server.hidden.get("ports") or [] if info not in closed]
        state.put(api.NAME, api.LIGHTSAIL_INSTANCE, name, server)
    cloud.machines.set_firewall(name, rules_of(cloud.store.snapshot(), name) or ())


def rules_of(state: CloudState, instance: str) -> tuple[Rule, ...] | None:
    """What an instance lets in, None if nobody ever said so."""
    server = state.find(api.NAME, api.LIGHTSAIL_INSTANCE, instance)
    if server is None or "ports" not in server.hidden:
        return None
    return tuple(rule for info in server.hidden["ports"] for rule in _rules(info))


def _rules(info: Values) -> list[Rule]:
    sources = tuple(info.get("cidrs") or ANYWHERE)
    match info["protocol"]:
        case "icmp":
            return [Rule("icmp", "", sources)]
        case "all":
            return [
                Rule("tcp", "1-65535", sources),
                Rule("udp", "1-65535", sources),
                Rule("icmp", "", sources),
            ]
        case "tcp" | "udp":
            ends = sorted({info["fromPort"], info["toPort"]})
            return [Rule(info["protocol"], "-".join(map(str, ends)), sources)]
        case _:
            return []


KIND = Kind(
    api.PUBLIC_PORTS,
    create,
    delete=delete,
    check=check,
    replaces=only("instanceName portInfos region"),
    unordered=only("portInfos"),
    defaults=api.default_region,
)
