"""EC2 SecurityGroup, with its rules inside or as resources of their own; what is not let in is kept out."""

from __future__ import annotations

from lab.cloud.aws import api
from lab.cloud.aws.network import vpc_of
from lab.cloud.errors import Failure
from lab.cloud.kind import Cloud, Created, Kind, only
from lab.cloud.store import CloudState, Record, Values
from lab.server import Rule

_RULE_TOKENS = (api.INGRESS_RULE, api.EGRESS_RULE, api.GROUP_RULE)


def check_group(inputs: Values) -> list[Failure]:
    failures = []
    for name in ("ingress", "egress"):
        rules = inputs.get(name)
        for i, rule in enumerate(rules if isinstance(rules, list) else []):
            if not isinstance(rule, dict):
                continue
            low, high = rule["fromPort"], rule["toPort"]
            if rule["protocol"] in ("-1", "all") and (low, high) != (0, 0):
                reason = f"from_port ({low}) and to_port ({high}) must both be 0 to use the 'ALL' \"-1\" protocol!"
                failures.append(Failure(f"{name}[{i}].fromPort", reason))
            elif rule["protocol"] in ("tcp", "udp") and not (0 <= low <= high <= 65535):
                failures.append(
                    Failure(
                        f"{name}[{i}].fromPort",
                        f"invalid range of ports: {low} to {high}",
                    )
                )
    description = inputs.get("description")
    if isinstance(description, str) and len(description) > 255:
        reason = f"expected length of description to be in the range (0 - 255), got {description}"
        failures.append(Failure("description", reason))
    return failures


def create_group(cloud: Cloud, inputs: Values) -> Created:
    api.check_region(api.SECURITY_GROUP, inputs)
    state = cloud.store.snapshot()
    if inputs.get("vpcId"):
        vpc_of(state, api.SECURITY_GROUP, inputs)
    for other in state.all(api.NAME, api.SECURITY_GROUP).values():
        if all(other.inputs.get(key) == inputs.get(key) for key in ("name", "vpcId", "region")):
            message = f"The security group '{inputs['name']}' already exists for VPC '{inputs.get('vpcId')}'"
            raise api.refused(api.SECURITY_GROUP, "create", "InvalidGroup.Duplicate", message)
    id = api.new_id("sg")
    arn = api.arn(api.SECURITY_GROUP, inputs["region"], f"security-group/{id}")
    return Created(id, {"arn": arn, "ownerId": api.ACCOUNT, **api.tags_all(inputs)})


def update_group(cloud: Cloud, id: str, record: Record, inputs: Values) -> Values:
    return api.tags_all(inputs)


def delete_group(cloud: Cloud, id: str, record: Record) -> None:
    servers = cloud.store.snapshot().all(api.NAME, api.EC2_INSTANCE).values()
    if any(id in (server.inputs.get("vpcSecurityGroupIds") or []) for server in servers):
        message = f"resource {id} has a dependent object"
        raise api.refused(api.SECURITY_GROUP, "delete", "DependencyViolation", message)
    with cloud.store.transaction() as state:
        for token in _RULE_TOKENS:
            for rule, entry in state.all(api.NAME, token).items():
                if entry.inputs["securityGroupId"] == id:
                    state.remove(api.NAME, token, rule)


def create_rule(token: str) -> Kind:
    """A rule as a resource of its own."""

    def create(cloud: Cloud, inputs: Values) -> Created:
        group = inputs["securityGroupId"]
        state = cloud.store.snapshot()
        if state.find(api.NAME, api.SECURITY_GROUP, group) is None:
            message = f"The security group '{group}' does not exist"
            raise api.refused(token, "create", "InvalidGroup.NotFound", message)
        for other in state.all(api.NAME, token).values():
            if all(other.inputs.get(k) == v for k, v in inputs.items() if k not in ("description", "tags")):
                message = "the specified rule already exists"
                raise api.refused(token, "create", "InvalidPermission.Duplicate", message)
        id = api.new_id("sgr")
        outputs = {"securityGroupRuleId": id}
        if token != api.GROUP_RULE:
            outputs |= {
                "arn": api.arn(token, inputs["region"], f"security-group-rule/{id}"),
                **api.tags_all(inputs),
            }
        return Created(id, outputs)

    def delete(cloud: Cloud, id: str, record: Record) -> None:
        with cloud.store.transaction() as state:
            state.remove(api.NAME, token, id)
        enforce(cloud, record.inputs["securityGroupId"])

    def after(cloud: Cloud, id: str) -> None:
        record = cloud.store.snapshot().find(api.NAME, token, id)
        if record:
            enforce(cloud, record.inputs["securityGroupId"])

    old = only("cidrBlocks fromPort toPort protocol type self sourceSecurityGroupId ipv6CidrBlocks prefixListIds")
    return Kind(
        token,
        create,
        delete=delete,
        after=after,
        replaces=only("securityGroupId region") | (old if token == api.GROUP_RULE else frozenset()),
        defaults=api.default_region,
    )


def enforce(cloud: Cloud, group: str) -> None:
    """Bring every server of a group to the sum of its groups."""
    state = cloud.store.snapshot()
    for id, server in state.all(api.NAME, api.EC2_INSTANCE).items():
        groups = server.inputs.get("vpcSecurityGroupIds") or []
        if group in groups and not server.hidden.get("pending"):
            cloud.machines.set_firewall(id, rules_of(state, groups))


def rules_of(state: CloudState, groups: list[str]) -> tuple[Rule, ...]:
    """What a server of these groups lets in."""
    rules: list[Rule] = []
    for id in groups:
        group = state.find(api.NAME, api.SECURITY_GROUP, id)
        for rule in (group.inputs.get("ingress") if group else None) or []:
            rules += _rules(
                rule["protocol"],
                rule["fromPort"],
                rule["toPort"],
                rule.get("cidrBlocks"),
            )
        for entry in state.all(api.NAME, api.INGRESS_RULE).values():
            if entry.inputs["securityGroupId"] == id and entry.inputs.get("cidrIpv4"):
                one = entry.inputs
                rules += _rules(
                    one["ipProtocol"],
                    one.get("fromPort"),
                    one.get("toPort"),
                    [one["cidrIpv4"]],
                )
        for entry in state.all(api.NAME, api.GROUP_RULE).values():
            if entry.inputs["securityGroupId"] == id and entry.inputs["type"] == "ingress":
                one = entry.inputs
                rules += _rules(
                    one["protocol"],
                    one["fromPort"],
                    one["toPort"],
                    one.get("cidrBlocks"),
                )
    return tuple(rules)


def _rules(protocol: str, low: int | None, high: int | None, blocks: list[str] | None) -> list[Rule]:
    sources = tuple(blocks or ())
    if not sources:
        return []
    match protocol:
        case "-1" | "all":
            return [
                Rule("tcp", "1-65535", sources),
                Rule("udp", "1-65535", sources),
                Rule("icmp", "", sources),
            ]
        case "icmp":
            return [Rule("icmp", "", sources)]
        case "tcp" | "udp":
            ports = f"{low}" if low == high else f"{max(low or 1, 1)}-{high}"
            return [Rule(protocol, ports, sources)]
        case _:
            return []


GROUP = Kind(
    api.SECURITY_GROUP,
    create_group,
    update_group,
    delete_group,
    after=enforce,
    check=check_group,
    replaces=only("name namePrefix description vpcId region"),
    unordered=only("ingress egress"),
    auto_name="name",
    defaults=api.default_region,
)
KINDS = (GROUP, *(create_rule(token) for token in _RULE_TOKENS))
