"""Vultr FirewallGroup and FirewallRule: a group without rules lets nothing in; every change of a rule replaces it."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from lab.cloud.errors import Failure
from lab.cloud.kind import Cloud, Created, Kind, must_find, only, random_uuid
from lab.cloud.moment import now
from lab.cloud.schema import UNKNOWN
from lab.cloud.store import CloudState, Record, Values
from lab.cloud.vultr import api
from lab.server import OPEN, Rule

PROTOCOLS = ("icmp", "tcp", "udp", "gre", "esp", "ah")
MAXIMUM_RULES = 50


def rules_of(state: CloudState, group: str) -> tuple[Rule, ...]:
    """What a group lets in."""
    rules = [r.inputs for r in state.all(api.NAME, api.FIREWALL_RULE).values() if r.inputs["firewallGroupId"] == group]
    return tuple(
        Rule(
            rule["protocol"],
            (rule.get("port") or "").replace(":", "-"),
            (_source(rule),),
        )
        for rule in rules
        if rule["protocol"] in ("icmp", "tcp", "udp") and rule["ipType"] == "v4"
    )


def _source(rule: Values) -> str:
    return f"{rule['subnet']}/{rule['subnetSize']}"


def enforce(cloud: Cloud, group: str) -> None:
    """Bring every server of a group to its rules; a server without group is open."""
    state = cloud.store.snapshot()
    for id, server in state.all(api.NAME, api.INSTANCE).items():
        if server.inputs.get("firewallGroupId") == group and not server.hidden.get("pending"):
            rules = rules_of(state, group) if state.find(api.NAME, api.FIREWALL_GROUP, group) else OPEN
            cloud.machines.set_firewall(id, rules)


def create_group(cloud: Cloud, inputs: Values) -> Created:
    moment = now()
    return Created(
        random_uuid(),
        {"dateCreated": moment, "dateModified": moment, "maxRuleCount": MAXIMUM_RULES},
    )


def update_group(cloud: Cloud, id: str, record: Record, inputs: Values) -> Values:
    return {"dateModified": now()}


def delete_group(cloud: Cloud, id: str, record: Record) -> None:
    # As at the real API, the rules go with their group.
    with cloud.store.transaction() as state:
        for rule, entry in state.all(api.NAME, api.FIREWALL_RULE).items():
            if entry.inputs["firewallGroupId"] == id:
                state.remove(api.NAME, api.FIREWALL_RULE, rule)


def count_group(state: CloudState, id: str, record: Record) -> Values:
    servers = [s for s in state.all(api.NAME, api.INSTANCE).values() if s.inputs.get("firewallGroupId") == id]
    rules = [r for r in state.all(api.NAME, api.FIREWALL_RULE).values() if r.inputs["firewallGroupId"] == id]
    return {"instanceCount": len(servers), "ruleCount": len(rules)}


def check_rule(inputs: Values) -> list[Failure]:
    failures = []
    if inputs["ipType"] not in ("v4", "v6", UNKNOWN):
        failures.append(
            Failure(
                "ipType",
                f'expected ip_type to be one of ["v4" "v6"], got {inputs["ipType"]}',
            )
        )
    if inputs["protocol"] not in (*PROTOCOLS, UNKNOWN):
        allowed = " ".join(f'"{p}"' for p in PROTOCOLS)
        failures.append(
            Failure(
                "protocol",
                f"expected protocol to be one of [{allowed}], got {inputs['protocol']}",
            )
        )
    return failures


def create_rule(cloud: Cloud, inputs: Values) -> Created:
    wrong = _wrong_rule(inputs)
    if wrong:
        raise api.refused(api.FIREWALL_RULE, "create", wrong)
    state = cloud.store.snapshot()
    group = inputs["firewallGroupId"]
    gone = str(api.refused(api.FIREWALL_RULE, "create", "Firewall group does not exist.", 404))
    must_find(state, api.NAME, api.FIREWALL_GROUP, group, gone)
    others = [r.inputs for r in state.all(api.NAME, api.FIREWALL_RULE).values() if r.inputs["firewallGroupId"] == group]
    same = ("ipType", "protocol", "subnet", "subnetSize", "port", "source")
    if any(all(other.get(key) == inputs.get(key) for key in same) for other in others):
        raise api.refused(api.FIREWALL_RULE, "create", "This rule is already defined.")
    if len(others) >= MAXIMUM_RULES:
        raise api.refused(api.FIREWALL_RULE, "create", "Maximum number of rules reached.")
    return Created(random_uuid(), {})


def _wrong_rule(inputs: Values) -> str:
    version = 4 if inputs["ipType"] == "v4" else 6
    try:
        if ip_address(inputs["subnet"]).version != version:
            return f"Invalid subnet: {inputs['subnet']} is no {inputs['ipType']} address."
        ip_network(_source(inputs))
    except ValueError as wrong:
        return f"Invalid subnet: {wrong}."
    port = inputs.get("port")
    if inputs["protocol"] not in ("tcp", "udp"):
        return "Ports are only valid for TCP and UDP." if port else ""
    if not port:
        return "Port is required for TCP and UDP."
    bounds = port.split(":")
    if (
        len(bounds) > 2
        or not all(b.isdigit() and 1 <= int(b) <= 65535 for b in bounds)
        or int(bounds[0]) > int(bounds[-1])
    ):
        return f"Invalid port: {port}. Ranges are written as 8000:8080."
    return ""


def delete_rule(cloud: Cloud, id: str, record: Record) -> None:
    with cloud.store.transaction() as state:
        state.remove(api.NAME, api.FIREWALL_RULE, id)
    enforce(cloud, record.inputs["firewallGroupId"])


def after_rule(cloud: Cloud, id: str) -> None:
    record = cloud.store.snapshot().find(api.NAME, api.FIREWALL_RULE, id)
    if record:
        enforce(cloud, record.inputs["firewallGroupId"])


GROUP = Kind(
    api.FIREWALL_GROUP,
    create_group,
    update_group,
    delete_group,
    after=enforce,
    refresh=count_group,
)
RULE = Kind(
    api.FIREWALL_RULE,
    create_rule,
    delete=delete_rule,
    after=after_rule,
    check=check_rule,
    replaces=only("firewallGroupId ipType notes port protocol source subnet subnetSize"),
)
