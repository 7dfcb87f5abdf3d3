"""Vultr's API as its provider words it: error texts, paths of the calls."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lab.cloud.errors import CloudError
from lab.cloud.store import Values

NAME = "vultr"
TOKEN = "lab-stand-in-vultr"  # noqa: S105
"""The API key that the lab's environment sets. A plugin of the lab refuses every other one."""

INSTANCE = "vultr:index/instance:Instance"
SSH_KEY = "vultr:index/sSHKey:SSHKey"
FIREWALL_GROUP = "vultr:index/firewallGroup:FirewallGroup"
FIREWALL_RULE = "vultr:index/firewallRule:FirewallRule"
RESERVED_IP = "vultr:index/reservedIp:ReservedIp"

_PATHS = {
    INSTANCE: "instances",
    SSH_KEY: "ssh-keys",
    FIREWALL_GROUP: "firewalls",
    FIREWALL_RULE: "firewalls/rules",
    RESERVED_IP: "reserved-ips",
}
_NOUNS = {
    INSTANCE: "server",
    SSH_KEY: "SSH key",
    FIREWALL_GROUP: "firewall group",
    FIREWALL_RULE: "firewall rule",
    RESERVED_IP: "reserved IP",
}
_DOING = {
    "create": "creating",
    "read": "getting",
    "update": "updating",
    "delete": "deleting",
}
_METHODS = {"create": "Post", "read": "Get", "update": "Patch", "delete": "Delete"}

ALREADY_ATTACHED = "Server add failed: Floating IPv4 address is already attached to another server"
"""The text that the provider repeats its call on (vultr/terraform-provider-vultr #322)."""


def refused(token: str, operation: str, error: str, status: int = 400) -> CloudError:
    """The provider's error around an answer of the API."""
    answer = json.dumps({"error": error, "status": status}, separators=(",", ":"))
    return CloudError(f"error {_DOING[operation]} {_NOUNS[token]}: {answer}")


def rate_limited(token: str, operation: str, attempts: int) -> str:
    answer = '{"error":"Rate limit reached. Please try your request again later.","status":429}'
    return f"error {_DOING[operation]} {_NOUNS[token]}: gave up after {attempts} attempts, last error: {answer}"


def broken(token: str, operation: str) -> str:
    return str(refused(token, operation, "Internal server error.", 500))


def lost(token: str, operation: str) -> str:
    call = f'{_METHODS[operation]} "https://api.vultr.com/v2/{_PATHS[token]}"'
    return f"error {_DOING[operation]} {_NOUNS[token]}: {call}: read: connection reset by peer"


def no_capacity(token: str, inputs: Values) -> str:
    error = (
        f"Server add failed: Plan {inputs['plan']} is not available in the selected datacenter {inputs['region']}. "
        "This could mean you have chosen the wrong plan (for example, a storage plan in a location that does not "
        "offer them), or the location you have selected does not have any more capacity."
    )
    return str(refused(token, "create", error))


def credentials(settings: Mapping[str, Any], environment: Mapping[str, str]) -> str:
    token = settings.get("apiKey") or environment.get("VULTR_API_KEY")
    if not token:
        return 'Missing required configuration key "vultr:apiKey": The API Key that allows interaction with the API'
    return "" if token == TOKEN else "invalid API key: this is the lab's vultr, it takes the lab's own key only"
