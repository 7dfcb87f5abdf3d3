"""Vultr's lists: API v2, pages by cursor. Servers carry the fleet's tag, reserved addresses its label."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from fleet.orphans.owned import Mark, Owned
from fleet.orphans.providers.listing import ListingFailed
from fleet.orphans.providers.web import Page, WebApi

TOKEN_VARIABLE, URL_VARIABLE = "VULTR_API_KEY", "FLEET_VULTR_URL"
URL = "https://api.vultr.com"
PER_PAGE = "500"
"""The most that one page holds (Vultr's API reference)."""
INSTANCE = "vultr:index/instance:Instance"
RESERVED_IP = "vultr:index/reservedIp:ReservedIp"
NO_ADDRESS = "0.0.0.0"  # noqa: S104 - what Vultr writes for a server that has none yet


class _Links(BaseModel):
    next: str = ""


class _Meta(BaseModel):
    links: _Links = _Links()


class _Instance(BaseModel):
    id: str
    label: str = ""
    main_ip: str = ""
    plan: str
    region: str
    date_created: str = ""
    tags: list[str] = []


class _ReservedIp(BaseModel):
    id: str
    label: str = ""
    region: str
    subnet: str


class _Instances(BaseModel):
    instances: list[_Instance]
    meta: _Meta


class _ReservedIps(BaseModel):
    reserved_ips: list[_ReservedIp]
    meta: _Meta


class Vultr:
    """One Vultr account."""

    source = "vultr"

    def __init__(self, token: str, url: str = "") -> None:
        self._token, self._url = token, url or URL

    def _open(self) -> WebApi:
        return WebApi("Vultr", self._url, self._token, TOKEN_VARIABLE)

    def list_owned(self, mark: Mark) -> tuple[Owned, ...]:
        with self._open() as api:
            servers = [
                _server(row, mark)
                for page in pages(api, "/v2/instances", _Instances)
                for row in page.instances
                if mark.tag in row.tags
            ]
            addresses = [
                _address(row, host)
                for page in pages(api, "/v2/reserved-ips", _ReservedIps)
                for row in page.reserved_ips
                if (host := mark.host_of_label(row.label)) is not None
            ]
            return (*servers, *addresses)

    def delete(self, owned: Owned) -> None:
        collection = "instances" if owned.type == INSTANCE else "reserved-ips"
        with self._open() as api:
            api.delete(f"/v2/{collection}/{owned.id}")


def pages(api: WebApi, path: str, page: type[Page]) -> Iterator[Page]:
    """Every page of a list. ``page`` has Vultr's ``meta``.

    Raises:
        ListingFailed: a page cannot be read, or the list comes back to one.
    """
    cursors = [""]
    while True:
        cursor = {"cursor": cursors[-1]} if cursors[-1] else {}
        answer = api.get(path, {"per_page": PER_PAGE, **cursor}, page)
        yield answer
        following: str = answer.meta.links.next  # type: ignore[attr-defined]
        if not following:
            return
        if following in cursors:
            raise ListingFailed(f"Vultr: its list {path} comes back to a page that it gave before")
        cursors.append(following)


def _server(row: _Instance, mark: Mark) -> Owned:
    return Owned(
        provider="vultr",
        service="vultr",
        type=INSTANCE,
        id=row.id,
        host=mark.host_of_tags(row.tags) or row.label or None,
        name=row.label,
        address="" if row.main_ip == NO_ADDRESS else row.main_ip,
        location=row.region,
        plan=row.plan,
        created=row.date_created,
    )


def _address(row: _ReservedIp, host: str) -> Owned:
    return Owned(
        provider="vultr",
        service="vultr",
        type=RESERVED_IP,
        id=row.id,
        host=host or None,
        name=row.label,
        address=row.subnet,
        location=row.region,
    )
