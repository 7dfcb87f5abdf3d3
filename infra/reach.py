"""How the resources that stand for a part of a host record the way to it among their inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from hosts import Target

REACH_INPUTS = ("host", "address", "port", "user", "host_key")


def reach_inputs(target: Target, address: pulumi.Input[str]) -> dict[str, pulumi.Input[Any]]:
    """The way to a host as resource inputs; ``address`` may be known only once its server is there."""
    return {
        "host": target.name,
        "address": address,
        "port": str(target.port),
        "user": target.user,
        "host_key": target.pins[0],
    }


def reached(props: Mapping[str, Any]) -> Target:
    """The way that resource inputs describe.

    Raises:
        KeyError, ValueError: the inputs are not of this shape.
    """
    return Target(
        name=props["host"],
        address=props["address"],
        port=int(props["port"]),
        user=props["user"],
        pins=(props["host_key"],),
    )
