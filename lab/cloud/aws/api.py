"""AWS's APIs as its provider words them: error texts, names of the calls, regions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.cloud.aws.offers import EC2_REGIONS, LIGHTSAIL_REGIONS
from lab.cloud.errors import CloudError
from lab.cloud.kind import Cloud, random_hex, random_uuid
from lab.cloud.store import Values

NAME = "aws"
ACCESS_KEY = "AKIALABSTANDIN000000"
SECRET_KEY = "lab-stand-in-aws"  # noqa: S105
"""The keys that the lab's environment sets. A plugin of the lab refuses every other one."""
REGION = "us-east-1"
"""The region of resources that name none."""
ACCOUNT = "000000000000"

LIGHTSAIL_INSTANCE = "aws:lightsail/instance:Instance"
LIGHTSAIL_KEY = "aws:lightsail/keyPair:KeyPair"
STATIC_IP = "aws:lightsail/staticIp:StaticIp"
ATTACHMENT = "aws:lightsail/staticIpAttachment:StaticIpAttachment"
PUBLIC_PORTS = "aws:lightsail/instancePublicPorts:InstancePublicPorts"
VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
GATEWAY = "aws:ec2/internetGateway:InternetGateway"
ROUTE_TABLE = "aws:ec2/routeTable:RouteTable"
ROUTE = "aws:ec2/route:Route"
ROUTE_ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
SECURITY_GROUP = "aws:ec2/securityGroup:SecurityGroup"
GROUP_RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"
INGRESS_RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS_RULE = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
EC2_KEY = "aws:ec2/keyPair:KeyPair"
EC2_INSTANCE = "aws:ec2/instance:Instance"
EIP = "aws:ec2/eip:Eip"
EIP_ASSOCIATION = "aws:ec2/eipAssociation:EipAssociation"

_CALLS = {
    LIGHTSAIL_INSTANCE: (
        "CreateInstances",
        "GetInstance",
        "TagResource",
        "DeleteInstance",
    ),
    LIGHTSAIL_KEY: ("ImportKeyPair", "GetKeyPair", "TagResource", "DeleteKeyPair"),
    STATIC_IP: ("AllocateStaticIp", "GetStaticIp", "", "ReleaseStaticIp"),
    ATTACHMENT: ("AttachStaticIp", "GetStaticIp", "", "DetachStaticIp"),
    PUBLIC_PORTS: (
        "PutInstancePublicPorts",
        "GetInstancePortStates",
        "",
        "CloseInstancePublicPorts",
    ),
    VPC: ("CreateVpc", "DescribeVpcs", "ModifyVpcAttribute", "DeleteVpc"),
    SUBNET: (
        "CreateSubnet",
        "DescribeSubnets",
        "ModifySubnetAttribute",
        "DeleteSubnet",
    ),
    GATEWAY: (
        "CreateInternetGateway",
        "DescribeInternetGateways",
        "AttachInternetGateway",
        "DeleteInternetGateway",
    ),
    ROUTE_TABLE: (
        "CreateRouteTable",
        "DescribeRouteTables",
        "ReplaceRoute",
        "DeleteRouteTable",
    ),
    ROUTE: ("CreateRoute", "DescribeRouteTables", "ReplaceRoute", "DeleteRoute"),
    ROUTE_ASSOCIATION: (
        "AssociateRouteTable",
        "DescribeRouteTables",
        "ReplaceRouteTableAssociation",
        "DisassociateRouteTable",
    ),
    SECURITY_GROUP: (
        "CreateSecurityGroup",
        "DescribeSecurityGroups",
        "AuthorizeSecurityGroupIngress",
        "DeleteSecurityGroup",
    ),
    EC2_KEY: ("ImportKeyPair", "DescribeKeyPairs", "CreateTags", "DeleteKeyPair"),
    EC2_INSTANCE: (
        "RunInstances",
        "DescribeInstances",
        "ModifyInstanceAttribute",
        "TerminateInstances",
    ),
    EIP: ("AllocateAddress", "DescribeAddresses", "AssociateAddress", "ReleaseAddress"),
    EIP_ASSOCIATION: (
        "AssociateAddress",
        "DescribeAddresses",
        "AssociateAddress",
        "DisassociateAddress",
    ),
}
_RULE_CALLS = (
    "AuthorizeSecurityGroupIngress",
    "DescribeSecurityGroupRules",
    "ModifySecurityGroupRules",
    "RevokeSecurityGroupIngress",
)
_OPERATIONS = ("create", "read", "update", "delete")
_DOING = {
    "create": "creating",
    "read": "reading",
    "update": "updating",
    "delete": "deleting",
}


def service(token: str) -> str:
    """Name of the service as AWS's SDK writes it."""
    return "Lightsail" if ":lightsail/" in token else "EC2"


def refused(token: str, operation: str, code: str, message: str, status: int = 400) -> CloudError:
    """The provider's error around an answer of the API; ``code`` is AWS's name of the error."""
    return CloudError(f"{_head(token, operation)}, https response error StatusCode: {status}, {_answer(code, message)}")


def rate_limited(token: str, operation: str, attempts: int) -> str:
    # EC2 has a code of its own for this, with status 503.
    lightsail = service(token) == "Lightsail"
    status = 400 if lightsail else 503
    code = (
        ("ThrottlingException", "Rate exceeded") if lightsail else ("RequestLimitExceeded", "Request limit exceeded.")
    )
    return (
        f"{_head(token, operation)}, exceeded maximum number of attempts, {attempts}, "
        f"https response error StatusCode: {status}, {_answer(*code)}"
    )


def broken(token: str, operation: str) -> str:
    code = "ServiceException" if service(token) == "Lightsail" else "InternalError"
    return str(refused(token, operation, code, "An internal error has occurred", 500))


def lost(token: str, operation: str) -> str:
    host = f"{service(token).lower()}.amazonaws.com"
    failed = f'request send failed, Post "https://{host}/": read: connection reset by peer'
    return f"{_head(token, operation)}, https response error StatusCode: 0, {failed}"


def no_capacity(token: str, inputs: Values) -> str:
    if token == LIGHTSAIL_INSTANCE:
        message = (
            f"Lightsail has not enough capacity for bundle {inputs['bundleId']} in {inputs['availabilityZone']} "
            "at this time. Please try another Availability Zone or bundle."
        )
        return str(refused(token, "create", "OperationFailureException", message))
    zone = inputs.get("availabilityZone") or f"{inputs.get('region')}a"
    message = (
        f"We currently do not have sufficient {inputs.get('instanceType')} capacity in the Availability Zone you "
        f"requested ({zone}). Our system will be working on provisioning additional capacity."
    )
    return str(refused(token, "create", "InsufficientInstanceCapacity", message, 500))


def credentials(settings: Mapping[str, Any], environment: Mapping[str, str]) -> str:
    key = settings.get("accessKey") or environment.get("AWS_ACCESS_KEY_ID")
    if not key:
        return "No valid credential sources found"
    return "" if key == ACCESS_KEY else "invalid access key: this is the lab's aws, it takes the lab's own key only"


def default_region(cloud: Cloud) -> Values:
    """The region of a resource that names none: the provider's."""
    return {"region": cloud.settings.get("region") or REGION}


def check_region(token: str, inputs: Values) -> None:
    """Raises CloudError for a region that the service does not have."""
    known = LIGHTSAIL_REGIONS if service(token) == "Lightsail" else EC2_REGIONS
    if inputs["region"] not in known:
        host = f"{service(token).lower()}.{inputs['region']}.amazonaws.com"
        raise CloudError(
            f"{_head(token, 'create')}, https response error StatusCode: 0, request send failed, "
            f'Post "https://{host}/": dial tcp: lookup {host}: no such host'
        )


def arn(token: str, region: str, rest: str) -> str:
    return f"arn:aws:{service(token).lower()}:{region}:{ACCOUNT}:{rest}"


def new_id(prefix: str) -> str:
    """An id of EC2's form: 17 hexadecimal digits behind its type."""
    return f"{prefix}-{random_hex(17)}"


def tags_all(inputs: Values) -> Values:
    return {"tagsAll": dict(inputs.get("tags") or {})}


def _head(token: str, operation: str) -> str:
    call = _CALLS.get(token, _RULE_CALLS)[_OPERATIONS.index(operation)]
    noun = token.rpartition(":")[2]
    return f"{_DOING[operation]} {service(token)} {noun}: operation error {service(token)}: {call}"


def _answer(code: str, message: str) -> str:
    if code in (
        "InvalidInputException",
        "ThrottlingException",
        "OperationFailureException",
        "NotFoundException",
    ):
        return f"RequestID: {random_uuid()}, {code}: {message}"
    return f"RequestID: {random_uuid()}, api error {code}: {message}"
