"""Vultr's lists of servers and reserved addresses (API v2): read page by page, and the deletes beside them."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from lab.cloud import inventory
from lab.cloud.answer import Answer, Call, json_answer
from lab.cloud.errors import CloudError
from lab.cloud.inventory import Entry
from lab.cloud.vultr import api

PER_PAGE = 100
"""Entries of a page where the caller names no number (Vultr's API reference)."""


def answer(home: Path, call: Call) -> Answer | None:
    """Answer a call; None: it is not one of Vultr's."""
    _, version, collection, *rest = [*call.path.split("/"), "", ""][:4]
    if version != "v2" or collection not in ("instances", "reserved-ips"):
        return None
    if call.headers.get("authorization") != f"Bearer {api.TOKEN}":
        return _error(401, "Invalid API token.")
    id = rest[0] if rest else ""
    entries = _entries(home, collection)
    if call.method == "GET" and not id:
        return _page(call, collection.replace("-", "_"), [_document(entry) for entry in entries])
    if call.method == "DELETE" and id:
        return _delete(home, entries, id)
    return _error(404, "Not found.")


def _entries(home: Path, collection: str) -> list[Entry]:
    listed = inventory.servers(home) if collection == "instances" else inventory.addresses(home)
    return [entry for entry in listed if entry.provider == api.NAME]


def _page(call: Call, name: str, rows: list[dict[str, Any]]) -> Answer:
    size = call.number("per_page", PER_PAGE)
    cursor = call.query.get("cursor", "")
    first = int(base64.b64decode(cursor)) if cursor else 0
    following = first + size
    more = base64.b64encode(str(following).encode()).decode() if following < len(rows) else ""
    meta = {"total": len(rows), "links": {"next": more, "prev": ""}}
    return json_answer({name: rows[first:following], "meta": meta})


def _delete(home: Path, entries: list[Entry], id: str) -> Answer:
    entry = next((entry for entry in entries if entry.id == id), None)
    if entry is None:
        return _error(404, "Invalid instance ID.")
    try:
        inventory.remove(home, entry)
    except CloudError as refusal:
        return _error(400, str(refusal))
    return Answer(204)


def _document(entry: Entry) -> dict[str, Any]:
    if entry.token == api.RESERVED_IP:
        return {
            "id": entry.id,
            "region": entry.region,
            "ip_type": "v4",
            "subnet": entry.address,
            "subnet_size": 32,
            "label": entry.name,
            "instance_id": entry.holder,
        }
    return {
        "id": entry.id,
        "label": entry.name,
        "hostname": entry.name,
        "tag": entry.tags[0] if entry.tags else "",
        "tags": list(entry.tags),
        # A server that is still being made has no address yet.
        "main_ip": entry.address or "0.0.0.0",  # noqa: S104
        "plan": entry.plan,
        "region": entry.region,
        "date_created": entry.created.replace("Z", "+00:00"),
        "status": "active" if entry.complete else "pending",
        "power_status": "running",
        "server_status": "ok" if entry.complete else "none",
        "internal_ip": "",
        "features": [],
    }


def _error(status: int, text: str) -> Answer:
    return json_answer({"error": text, "status": status}, status)
