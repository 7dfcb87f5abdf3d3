"""Reads the compact schemas in ``schemas/`` off the installed provider SDKs. Run when an SDK's version changes:

    python -m lab.cloud.sdk_schema

Never imported by a plugin: the SDKs are heavy. A test compares the files with the installed SDKs.
"""

from __future__ import annotations

import collections.abc
import enum
import importlib
import inspect
import json
import sys
import typing
from pathlib import Path
from typing import Any

MODULES = {
    "vultr": {"ediri_vultr": "Instance SSHKey FirewallGroup FirewallRule ReservedIp"},
    "digitalocean": {"pulumi_digitalocean": "Droplet SshKey Firewall ReservedIp ReservedIpAssignment Tag"},
    "aws": {
        "pulumi_aws.lightsail": "Instance KeyPair StaticIp StaticIpAttachment InstancePublicPorts",
        "pulumi_aws.ec2": "Vpc Subnet InternetGateway RouteTable Route RouteTableAssociation SecurityGroup "
        "SecurityGroupRule KeyPair Instance Eip EipAssociation",
        "pulumi_aws.vpc": "SecurityGroupIngressRule SecurityGroupEgressRule",
    },
}

_SCALARS = {str: "str", int: "int", bool: "bool", float: "float"}


def read_schema(provider: str) -> dict[str, Any]:
    """Token to inputs and outputs, as ``lab.cloud.schema`` describes them."""
    schema = {}
    for module_name, classes in MODULES[provider].items():
        module = importlib.import_module(module_name)
        for name in classes.split():
            resource = getattr(module, name)
            scope = vars(sys.modules[resource.__module__])
            inputs = _fields(scope[f"{name}Args"], scope)
            outputs = {
                getattr(member.fget, "_pulumi_name", field)
                for field, member in vars(resource).items()
                if isinstance(member, property)
            }
            schema[resource.pulumi_type] = {
                "inputs": dict(sorted(inputs.items())),
                "outputs": sorted(outputs - set(inputs)),
            }
    return schema


def _fields(arguments: type, scope: dict[str, Any]) -> dict[str, Any]:
    from pulumi._types import input_type_py_to_pulumi_names

    wire_names = input_type_py_to_pulumi_names(arguments)
    fields = {}
    for name, parameter in inspect.signature(arguments.__init__).parameters.items():  # type: ignore[misc]
        if name.startswith("__"):
            continue
        spec = _spec(parameter.annotation, scope)
        required = parameter.default is inspect.Parameter.empty
        fields[wire_names.get(name, name)] = _required(spec) if required else spec
    return fields


def _required(spec: Any) -> Any:
    return f"{spec}!" if isinstance(spec, str) else [spec, "!"]


def _spec(annotation: Any, scope: dict[str, Any]) -> Any:
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    if isinstance(annotation, typing.ForwardRef):
        target = scope[annotation.__forward_arg__]
        if issubclass(target, enum.Enum):
            return "str"
        return _fields(target, vars(sys.modules[target.__module__]) | scope)
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Union:
        specs = [_spec(part, scope) for part in parts if _is_value(part)]
        return specs[0]
    if origin is collections.abc.Sequence:
        return {"list": _spec(parts[0], scope)}
    if origin is collections.abc.Mapping:
        return {"map": _spec(parts[1], scope)}
    raise TypeError(f"no compact form for {annotation}")


def _is_value(part: Any) -> bool:
    """Of ``Input[T]``, the T: not the awaitable, not the Output, not the typed dictionary beside each class."""
    if part is type(None) or typing.get_origin(part) is collections.abc.Awaitable:
        return False
    name = part.__forward_arg__ if isinstance(part, typing.ForwardRef) else ""
    return not (name.startswith("Output") or name.endswith("ArgsDict"))


def main() -> None:
    """Write the schemas of all providers."""
    for provider in MODULES:
        schema = read_schema(provider)
        lines = [
            f" {json.dumps(token)}: {json.dumps(schema[token], separators=(',', ':'))}" for token in sorted(schema)
        ]
        target = Path(__file__).parent / "schemas" / f"{provider}.json"
        target.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
