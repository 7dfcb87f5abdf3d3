"""EC2's network around a server: Vpc, Subnet, InternetGateway, RouteTable, Route and their association."""

from __future__ import annotations

from ipaddress import IPv4Network

from lab.cloud.aws import api
from lab.cloud.aws.offers import zones
from lab.cloud.errors import CloudError, Failure
from lab.cloud.kind import Cloud, Created, Kind, only
from lab.cloud.schema import UNKNOWN
from lab.cloud.store import CloudState, Record, Values


def check_cidr(inputs: Values) -> list[Failure]:
    cidr = inputs.get("cidrBlock")
    if not isinstance(cidr, str) or cidr == UNKNOWN:
        return []
    try:
        IPv4Network(cidr)
    except ValueError:
        return [Failure("cidrBlock", f'"{cidr}" is not a valid IPv4 CIDR block')]
    return []


def create_vpc(cloud: Cloud, inputs: Values) -> Created:
    api.check_region(api.VPC, inputs)
    network = IPv4Network(inputs.get("cidrBlock") or "0.0.0.0/0")
    if not 16 <= network.prefixlen <= 28:
        raise api.refused(api.VPC, "create", "InvalidVpc.Range", f"The CIDR '{network}' is invalid.")
    id = api.new_id("vpc")
    outputs = {
        "arn": api.arn(api.VPC, inputs["region"], f"vpc/{id}"),
        "ownerId": api.ACCOUNT,
        "mainRouteTableId": api.new_id("rtb"),
        "defaultRouteTableId": api.new_id("rtb"),
        "defaultNetworkAclId": api.new_id("acl"),
        "defaultSecurityGroupId": api.new_id("sg"),
        "dhcpOptionsId": api.new_id("dopt"),
        **api.tags_all(inputs),
    }
    return Created(id, outputs)


def delete_vpc(cloud: Cloud, id: str, record: Record) -> None:
    state = cloud.store.snapshot()
    inside = (api.SUBNET, api.GATEWAY, api.SECURITY_GROUP, api.ROUTE_TABLE)
    if any(r.inputs.get("vpcId") == id for token in inside for r in state.all(api.NAME, token).values()):
        message = f"The vpc '{id}' has dependencies and cannot be deleted."
        raise api.refused(api.VPC, "delete", "DependencyViolation", message)


def vpc_of(state: CloudState, token: str, inputs: Values) -> Record:
    """The Vpc that an object names, in the object's region."""
    vpc = state.find(api.NAME, api.VPC, inputs.get("vpcId") or "")
    if vpc is None or vpc.inputs["region"] != inputs["region"]:
        message = f"The vpc ID '{inputs.get('vpcId')}' does not exist"
        raise api.refused(token, "create", "InvalidVpcID.NotFound", message)
    return vpc


def create_subnet(cloud: Cloud, inputs: Values) -> Created:
    state = cloud.store.snapshot()
    vpc = vpc_of(state, api.SUBNET, inputs)
    zone = inputs.get("availabilityZone")
    if zone and zone not in zones(inputs["region"]):
        message = f"Value ({zone}) for parameter availabilityZone is invalid."
        raise api.refused(api.SUBNET, "create", "InvalidParameterValue", message)
    block, whole = (
        IPv4Network(inputs.get("cidrBlock") or "0.0.0.0/0"),
        IPv4Network(vpc.inputs["cidrBlock"]),
    )
    if not block.subnet_of(whole) or not 16 <= block.prefixlen <= 28:
        raise api.refused(
            api.SUBNET,
            "create",
            "InvalidSubnet.Range",
            f"The CIDR '{block}' is invalid.",
        )
    for other in state.all(api.NAME, api.SUBNET).values():
        if other.inputs["vpcId"] == inputs["vpcId"] and block.overlaps(IPv4Network(other.inputs["cidrBlock"])):
            message = f"The CIDR '{block}' conflicts with another subnet"
            raise api.refused(api.SUBNET, "create", "InvalidSubnet.Conflict", message)
    id = api.new_id("subnet")
    outputs = {
        "arn": api.arn(api.SUBNET, inputs["region"], f"subnet/{id}"),
        "ownerId": api.ACCOUNT,
    }
    outputs |= {} if zone else {"availabilityZone": zones(inputs["region"])[0]}
    return Created(id, outputs | api.tags_all(inputs))


def delete_subnet(cloud: Cloud, id: str, record: Record) -> None:
    servers = cloud.store.snapshot().all(api.NAME, api.EC2_INSTANCE).values()
    if any(server.inputs.get("subnetId") == id for server in servers):
        message = f"The subnet '{id}' has dependencies and cannot be deleted."
        raise api.refused(api.SUBNET, "delete", "DependencyViolation", message)


def create_gateway(cloud: Cloud, inputs: Values) -> Created:
    state = cloud.store.snapshot()
    if inputs.get("vpcId"):
        vpc_of(state, api.GATEWAY, inputs)
        if gateway_of(state, inputs["vpcId"]):
            message = f"Network {inputs['vpcId']} already has an internet gateway attached"
            raise api.refused(api.GATEWAY, "create", "InvalidParameterValue", message)
    id = api.new_id("igw")
    arn = api.arn(api.GATEWAY, inputs["region"], f"internet-gateway/{id}")
    return Created(id, {"arn": arn, "ownerId": api.ACCOUNT, **api.tags_all(inputs)})


def gateway_of(state: CloudState, vpc: str) -> str:
    """The internet gateway of a Vpc, empty if it has none."""
    for id, gateway in state.all(api.NAME, api.GATEWAY).items():
        if gateway.inputs.get("vpcId") == vpc:
            return id
    return ""


def create_route_table(cloud: Cloud, inputs: Values) -> Created:
    state = cloud.store.snapshot()
    vpc_of(state, api.ROUTE_TABLE, inputs)
    for route in inputs.get("routes") or []:
        _check_route(state, api.ROUTE_TABLE, route, route.get("cidrBlock"))
    id = api.new_id("rtb")
    arn = api.arn(api.ROUTE_TABLE, inputs["region"], f"route-table/{id}")
    return Created(id, {"arn": arn, "ownerId": api.ACCOUNT, **api.tags_all(inputs)})


def update_route_table(cloud: Cloud, id: str, record: Record, inputs: Values) -> Values:
    for route in inputs.get("routes") or []:
        _check_route(cloud.store.snapshot(), api.ROUTE_TABLE, route, route.get("cidrBlock"))
    return api.tags_all(inputs)


def create_route(cloud: Cloud, inputs: Values) -> Created:
    state = cloud.store.snapshot()
    table = inputs["routeTableId"]
    if state.find(api.NAME, api.ROUTE_TABLE, table) is None:
        message = f"The routeTable ID '{table}' does not exist"
        raise api.refused(api.ROUTE, "create", "InvalidRouteTableID.NotFound", message)
    cidr = inputs.get("destinationCidrBlock")
    _check_route(state, api.ROUTE, inputs, cidr)
    return Created(f"r-{table}-{cidr}", {"origin": "CreateRoute", "state": "active"})


def _check_route(state: CloudState, token: str, route: Values, cidr: str | None) -> None:
    gateway = route.get("gatewayId")
    if not cidr or not gateway:
        raise CloudError("the lab's routes lead from an IPv4 block to an internet gateway, nowhere else")
    if state.find(api.NAME, api.GATEWAY, gateway) is None:
        message = f"The gateway ID '{gateway}' does not exist"
        raise api.refused(token, "create", "InvalidGatewayID.NotFound", message)


def create_association(cloud: Cloud, inputs: Values) -> Created:
    state = cloud.store.snapshot()
    for token, id, code in (
        (api.ROUTE_TABLE, inputs["routeTableId"], "InvalidRouteTableID.NotFound"),
        (api.SUBNET, inputs.get("subnetId"), "InvalidSubnetID.NotFound"),
    ):
        if state.find(api.NAME, token, id or "") is None:
            raise api.refused(api.ROUTE_ASSOCIATION, "create", code, f"The ID '{id}' does not exist")
    others = state.all(api.NAME, api.ROUTE_ASSOCIATION).values()
    if any(other.inputs.get("subnetId") == inputs["subnetId"] for other in others):
        message = f"the specified association for subnet {inputs['subnetId']} conflicts with an existing association"
        raise api.refused(api.ROUTE_ASSOCIATION, "create", "Resource.AlreadyAssociated", message)
    return Created(api.new_id("rtbassoc"), {})


def update_tags(cloud: Cloud, id: str, record: Record, inputs: Values) -> Values:
    return api.tags_all(inputs)


_DEFAULTS = api.default_region
KINDS = (
    Kind(
        api.VPC,
        create_vpc,
        update_tags,
        delete_vpc,
        check=check_cidr,
        replaces=only("cidrBlock region"),
        defaults=_DEFAULTS,
    ),
    Kind(
        api.SUBNET,
        create_subnet,
        update_tags,
        delete_subnet,
        check=check_cidr,
        replaces=only("availabilityZone availabilityZoneId cidrBlock vpcId region"),
        defaults=_DEFAULTS,
    ),
    Kind(
        api.GATEWAY,
        create_gateway,
        update_tags,
        replaces=only("region"),
        defaults=_DEFAULTS,
    ),
    Kind(
        api.ROUTE_TABLE,
        create_route_table,
        update_route_table,
        replaces=only("vpcId region"),
        unordered=only("routes"),
        defaults=_DEFAULTS,
    ),
    Kind(
        api.ROUTE,
        create_route,
        replaces=only("routeTableId destinationCidrBlock destinationIpv6CidrBlock destinationPrefixListId region"),
        defaults=_DEFAULTS,
    ),
    Kind(
        api.ROUTE_ASSOCIATION,
        create_association,
        replaces=only("subnetId gatewayId region"),
        defaults=_DEFAULTS,
    ),
)
