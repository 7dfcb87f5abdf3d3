"""DigitalOcean's lists of droplets and reserved addresses (API v2): read page by page, and the deletes beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from lab.cloud import inventory
from lab.cloud.answer import Answer, Call, json_answer
from lab.cloud.digitalocean import api
from lab.cloud.errors import CloudError
from lab.cloud.inventory import Entry

PER_PAGE = 20
"""Entries of a page where the caller names no number (DigitalOcean's API reference)."""


def answer(home: Path, call: Call) -> Answer | None:
    """Answer a call; None: it is not one of DigitalOcean's."""
    _, version, collection, *rest = [*call.path.split("/"), "", ""][:4]
    if version != "v2" or collection not in ("droplets", "reserved_ips"):
        return None
    if call.headers.get("authorization") != f"Bearer {api.TOKEN}":
        return _error(401, "Unauthorized", "Unable to authenticate you")
    id = rest[0] if rest else ""
    entries = _entries(home, collection)
    if call.method == "GET" and not id:
        wanted = call.query.get("tag_name")
        rows = [_document(entry, home) for entry in entries if wanted is None or wanted in entry.tags]
        return _page(call, collection, rows)
    if call.method == "DELETE" and id:
        return _delete(home, entries, id)
    return _error(404, "not_found", "The resource you were accessing could not be found.")


def _entries(home: Path, collection: str) -> list[Entry]:
    listed = inventory.servers(home) if collection == "droplets" else inventory.addresses(home)
    return [entry for entry in listed if entry.provider == api.NAME]


def _page(call: Call, name: str, rows: list[dict[str, Any]]) -> Answer:
    size, page = call.number("per_page", PER_PAGE), call.number("page", 1)
    first = (page - 1) * size
    pages = {}
    if first + size < len(rows):
        query = urlencode({**call.query, "page": page + 1})
        # As at the real API: a whole URL, with the public name in it whatever the caller's own one was.
        pages["next"] = f"https://api.digitalocean.com{call.path}?{query}"
    links = {"pages": pages} if pages else {}
    return json_answer({name: rows[first : first + size], "links": links, "meta": {"total": len(rows)}})


def _delete(home: Path, entries: list[Entry], id: str) -> Answer:
    entry = next((entry for entry in entries if entry.id == id), None)
    if entry is None:
        return _error(404, "not_found", "The resource you were accessing could not be found.")
    try:
        inventory.remove(home, entry)
    except CloudError as refusal:
        return _error(422, "unprocessable_entity", str(refusal))
    return Answer(204)


def _document(entry: Entry, home: Path) -> dict[str, Any]:
    region = {"slug": entry.region, "name": entry.region}
    if entry.token == api.RESERVED_IP:
        holder = next((server for server in _entries(home, "droplets") if server.id == entry.holder), None)
        droplet = _document(holder, home) if holder else None
        return {"ip": entry.address, "droplet": droplet, "region": region, "locked": False}
    networks = [{"ip_address": entry.address, "netmask": "255.255.240.0", "type": "public"}] if entry.address else []
    return {
        "id": int(entry.id),
        "name": entry.name,
        "status": "active" if entry.complete else "new",
        "created_at": entry.created,
        "size_slug": entry.plan,
        "networks": {"v4": networks, "v6": []},
        "region": region,
        "tags": list(entry.tags),
    }


def _error(status: int, id: str, message: str) -> Answer:
    return json_answer({"id": id, "message": message}, status)
