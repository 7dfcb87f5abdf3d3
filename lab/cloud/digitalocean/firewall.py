"""DigitalOcean Firewall: applies to the droplets it names and to those that carry its tags."""

from __future__ import annotations

import re
from ipaddress import ip_network

from lab.cloud.digitalocean import api
from lab.cloud.errors import Failure
from lab.cloud.kind import Cloud, Created, Kind, only, random_uuid
from lab.cloud.moment import now
from lab.cloud.schema import UNKNOWN
from lab.cloud.store import CloudState, Record, Values
from lab.server import OPEN, Rule

_PORTS = re.compile(r"all|0|\d{1,5}(-\d{1,5})?")


def check(inputs: Values) -> list[Failure]:
    failures = []
    for name in ("inboundRules", "outboundRules"):
        rules = inputs.get(name)
        for i, rule in enumerate(rules if isinstance(rules, list) else []):
            if isinstance(rule, dict):
                failures += [Failure(f"{name}[{i}].{f.property}", f.reason) for f in _check_rule(rule)]
    if not inputs.get("inboundRules") and not inputs.get("outboundRules"):
        failures.append(Failure("inboundRules", "At least one rule must be specified"))
    return failures


def _check_rule(rule: Values) -> list[Failure]:
    protocol, ports = rule["protocol"], rule.get("portRange")
    failures = []
    if protocol not in ("tcp", "udp", "icmp", UNKNOWN):
        failures.append(
            Failure(
                "protocol",
                f'expected protocol to be one of ["tcp" "udp" "icmp"], got {protocol}',
            )
        )
    if protocol in ("tcp", "udp") and not ports:
        failures.append(Failure("portRange", "`port_range` is required when the protocol is tcp or udp"))
    if protocol == "icmp" and ports:
        failures.append(Failure("portRange", "`port_range` is not allowed when the protocol is icmp"))
    return failures


def _check_api(inputs: Values, operation: str) -> None:
    for name in ("inboundRules", "outboundRules"):
        for rule in inputs.get(name) or []:
            ports = rule.get("portRange") or ""
            if ports and (not _PORTS.fullmatch(ports) or any(int(p) > 65535 for p in ports.split("-") if p.isdigit())):
                raise api.refused(api.FIREWALL, operation, f"invalid ports range: {ports}", 400)
            for source in (rule.get("sourceAddresses") or []) + (rule.get("destinationAddresses") or []):
                try:
                    ip_network(source, strict=False)
                except ValueError:
                    raise api.refused(api.FIREWALL, operation, f"invalid address: {source}", 400) from None


def _check_targets(state: CloudState, id: str, inputs: Values, operation: str) -> None:
    others = state.all(api.NAME, api.FIREWALL)
    if any(other.inputs["name"] == inputs["name"] for name, other in others.items() if name != id):
        raise api.refused(api.FIREWALL, operation, "duplicate name", 409)
    for droplet in inputs.get("dropletIds") or []:
        if state.find(api.NAME, api.DROPLET, str(droplet)) is None:
            raise api.refused(api.FIREWALL, operation, f"droplet not found: {droplet}", 404)


def create(cloud: Cloud, inputs: Values) -> Created:
    _check_api(inputs, "create")
    _check_targets(cloud.store.snapshot(), "", inputs, "create")
    return Created(random_uuid(), {"createdAt": now(), "status": "succeeded", "pendingChanges": []})


def update(cloud: Cloud, id: str, record: Record, inputs: Values) -> Values:
    _check_api(inputs, "update")
    _check_targets(cloud.store.snapshot(), id, inputs, "update")
    return {}


def after(cloud: Cloud, id: str) -> None:
    """Every droplet, not only this firewall's: an update may have let some go."""
    for droplet in cloud.store.snapshot().all(api.NAME, api.DROPLET):
        enforce(cloud, droplet)


def enforce(cloud: Cloud, droplet: str) -> None:
    """Bring one droplet to the sum of its firewalls; without any it is open."""
    with cloud.store.transaction() as state:
        record = state.find(api.NAME, api.DROPLET, droplet)
        if record is None or record.hidden.get("pending"):
            return
        rules = _rules_of(state, droplet, record)
        written = [[r.protocol, r.ports, list(r.sources)] for r in rules]
        if record.hidden.get("enforced") == written:
            return
        record.hidden["enforced"] = written
        state.put(api.NAME, api.DROPLET, droplet, record)
    cloud.machines.set_firewall(droplet, rules)


def _rules_of(state: CloudState, id: str, droplet: Record) -> tuple[Rule, ...]:
    tags = set(droplet.inputs.get("tags") or [])
    ours = [
        firewall.inputs
        for firewall in state.all(api.NAME, api.FIREWALL).values()
        if int(id) in (firewall.inputs.get("dropletIds") or []) or tags & set(firewall.inputs.get("tags") or [])
    ]
    if not ours:
        return OPEN
    return tuple(
        Rule(rule["protocol"], _ports(rule), tuple(rule.get("sourceAddresses") or ()))
        for firewall in ours
        for rule in firewall.get("inboundRules") or []
        if rule.get("sourceAddresses")
    )


def _ports(rule: Values) -> str:
    ports = rule.get("portRange") or ""
    return "1-65535" if ports in ("all", "0") else ports


KIND = Kind(
    api.FIREWALL,
    create,
    update,
    after=after,
    check=check,
    unordered=only("inboundRules outboundRules dropletIds tags"),
    auto_name="name",
)
