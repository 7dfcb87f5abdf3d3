"""AWS's lists: Lightsail in JSON 1.1, EC2 in its query protocol, each for the region that the call is signed for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from lab.cloud import inventory
from lab.cloud.answer import Answer, Call, json_answer
from lab.cloud.aws import api
from lab.cloud.errors import CloudError
from lab.cloud.inventory import Entry
from lab.cloud.kind import random_uuid

_SIGNED = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
_REFUSAL = re.compile(r"(?:api error )?([A-Z][\w.]+): (?!operation error)(.*)$")
EC2_NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
LIGHTSAIL_TARGET = "Lightsail_20161128."


def answer(home: Path, call: Call) -> Answer | None:
    """Answer a call; None: it is not one of AWS's."""
    if call.method != "POST" or call.path not in ("", "/"):
        return None
    signed = _SIGNED.match(call.headers.get("authorization", ""))
    key, region, service = signed.groups() if signed else ("", "", "")
    target = call.headers.get("x-amz-target", "")
    refuse = _lightsail_error if target else _ec2_error
    if key != api.ACCESS_KEY:
        return refuse("UnrecognizedClientException", "The security token included in the request is invalid.", 403)
    try:
        if service == "lightsail" and target.startswith(LIGHTSAIL_TARGET):
            asked = json.loads(call.body or "{}")
            return _lightsail(home, region, target.removeprefix(LIGHTSAIL_TARGET), asked)
        return _ec2(home, region, dict(parse_qsl(call.body)))
    except CloudError as refusal:
        found = _REFUSAL.search(str(refusal))
        code, message = found.groups() if found else ("InvalidParameterValue", str(refusal))
        return refuse(code, message)


def _lightsail(home: Path, region: str, operation: str, asked: Mapping[str, Any]) -> Answer:
    match operation:
        case "GetInstances":
            rows = [_instance(entry) for entry in _of(home, api.LIGHTSAIL_INSTANCE, region)]
            return _lightsail_page("instances", rows, asked)
        case "GetStaticIps":
            rows = [_static_ip(entry) for entry in _of(home, api.STATIC_IP, region)]
            return _lightsail_page("staticIps", rows, asked)
        case "DeleteInstance":
            return _lightsail_removed(home, region, api.LIGHTSAIL_INSTANCE, asked["instanceName"])
        case "ReleaseStaticIp":
            return _lightsail_removed(home, region, api.STATIC_IP, asked["staticIpName"])
    return _lightsail_error("InvalidInputException", f"The lab's Lightsail has no call {operation}.")


LIGHTSAIL_PAGE = 20
"""Entries of one page; the real service does not say how many it gives."""


def _lightsail_page(name: str, rows: list[dict[str, Any]], asked: Mapping[str, Any]) -> Answer:
    first = int(asked.get("pageToken") or 0)
    following = first + LIGHTSAIL_PAGE
    more = {"nextPageToken": str(following)} if following < len(rows) else {}
    return json_answer({name: rows[first:following], **more}, content_type="application/x-amz-json-1.1")


def _lightsail_removed(home: Path, region: str, token: str, name: str) -> Answer:
    entry = next((entry for entry in _of(home, token, region) if entry.id == name), None)
    if entry is None:
        return _lightsail_error("NotFoundException", f"The {token.rpartition(':')[2]} does not exist: {name}")
    inventory.remove(home, entry)
    return json_answer({"operations": []}, content_type="application/x-amz-json-1.1")


def _instance(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "createdAt": _seconds(entry.created),
        "location": {"availabilityZone": f"{entry.region}a", "regionName": entry.region},
        "resourceType": "Instance",
        "tags": [{"key": key, "value": value} for key, value in _tags(entry)],
        "bundleId": entry.plan,
        "publicIpAddress": entry.address,
        "state": {"code": 16, "name": "running"} if entry.complete else {"code": 0, "name": "pending"},
    }


def _static_ip(entry: Entry) -> dict[str, Any]:
    attached = {"attachedTo": entry.holder} if entry.holder else {}
    return {
        "name": entry.name,
        "createdAt": _seconds(entry.created),
        "location": {"availabilityZone": "all", "regionName": entry.region},
        "resourceType": "StaticIp",
        "ipAddress": entry.address,
        "isAttached": bool(entry.holder),
        **attached,
    }


def _lightsail_error(code: str, message: str, status: int = 400) -> Answer:
    return json_answer({"__type": code, "message": message}, status, "application/x-amz-json-1.1")


def _ec2(home: Path, region: str, asked: Mapping[str, str]) -> Answer:
    operation = asked.get("Action", "")
    match operation:
        case "DescribeInstances":
            found = [entry for entry in _of(home, api.EC2_INSTANCE, region) if _wanted(entry, asked)]
            return _ec2_answer(operation, "<reservationSet>" + "".join(map(_reservation, found)) + "</reservationSet>")
        case "DescribeAddresses":
            found = [entry for entry in _of(home, api.EIP, region) if _wanted(entry, asked)]
            return _ec2_answer(operation, "<addressesSet>" + "".join(map(_address, found)) + "</addressesSet>")
        case "TerminateInstances":
            return _ec2_removed(home, region, operation, api.EC2_INSTANCE, asked["InstanceId.1"])
        case "ReleaseAddress":
            return _ec2_removed(home, region, operation, api.EIP, asked["AllocationId"])
    return _ec2_error("InvalidAction", f"The lab's EC2 has no call {operation}.")


def _wanted(entry: Entry, asked: Mapping[str, str]) -> bool:
    """True if the entry carries every tag that a filter names; filters of other kinds pass everything."""
    tags = dict(_tags(entry))
    for name, filter in asked.items():
        if (numbered := re.fullmatch(r"Filter\.(\d+)\.Name", name)) and filter.startswith("tag:"):
            head = f"Filter.{numbered.group(1)}.Value."
            if tags.get(filter.removeprefix("tag:")) not in {v for n, v in asked.items() if n.startswith(head)}:
                return False
    return True


def _ec2_removed(home: Path, region: str, operation: str, token: str, id: str) -> Answer:
    entry = next((entry for entry in _of(home, token, region) if entry.id == id), None)
    if entry is None:
        noun = "InstanceID" if token == api.EC2_INSTANCE else "AllocationID"
        return _ec2_error(f"Invalid{noun}.NotFound", f"The ID '{id}' does not exist")
    inventory.remove(home, entry)
    return _ec2_answer(operation, "<return>true</return>")


def _reservation(entry: Entry) -> str:
    state = "<code>16</code><name>running</name>" if entry.complete else "<code>0</code><name>pending</name>"
    return (
        "<item><reservationId>r-lab</reservationId><instancesSet><item>"
        f"<instanceId>{entry.id}</instanceId><instanceState>{state}</instanceState>"
        f"<instanceType>{escape(entry.plan)}</instanceType><launchTime>{_milliseconds(entry.created)}</launchTime>"
        f"<placement><availabilityZone>{entry.region}a</availabilityZone></placement>"
        f"<ipAddress>{entry.address}</ipAddress>{_tag_set(entry)}</item></instancesSet></item>"
    )


def _address(entry: Entry) -> str:
    held = f"<instanceId>{entry.holder}</instanceId>" if entry.holder else ""
    return (
        f"<item><publicIp>{entry.address}</publicIp><allocationId>{entry.id}</allocationId><domain>vpc</domain>"
        f"{held}{_tag_set(entry)}</item>"
    )


def _tag_set(entry: Entry) -> str:
    items = "".join(f"<item><key>{escape(k)}</key><value>{escape(v)}</value></item>" for k, v in _tags(entry))
    return f"<tagSet>{items}</tagSet>"


def _ec2_answer(operation: str, inside: str) -> Answer:
    text = f'<{operation}Response xmlns="{EC2_NAMESPACE}"><requestId>{random_uuid()}</requestId>{inside}'
    return Answer(200, f"{text}</{operation}Response>", "text/xml;charset=UTF-8")


def _ec2_error(code: str, message: str, status: int = 400) -> Answer:
    error = f"<Errors><Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error></Errors>"
    text = f"<Response>{error}<RequestID>{random_uuid()}</RequestID></Response>"
    return Answer(status, text, "text/xml;charset=UTF-8")


def _of(home: Path, token: str, region: str) -> list[Entry]:
    listed = (*inventory.servers(home), *inventory.addresses(home))
    return [entry for entry in listed if entry.token == token and entry.region == region]


def _tags(entry: Entry) -> list[tuple[str, str]]:
    parts = [tag.partition("=") for tag in entry.tags]
    return [(key, value) for key, _, value in parts]


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def _milliseconds(moment: str) -> str:
    return moment.replace("Z", ".000Z")
