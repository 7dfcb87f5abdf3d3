"""DigitalOcean's lists: API v2, numbered pages. Droplets carry the fleet's tag; reserved addresses can carry none.

A reserved address is ours for certain while a droplet of ours has it. One that nobody has may be ours: it is listed as
such. One that another's droplet has is not ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel

from fleet.orphans.owned import Mark, Owned
from fleet.orphans.providers.listing import ListingFailed
from fleet.orphans.providers.web import Page, WebApi

TOKEN_VARIABLE, URL_VARIABLE = "DIGITALOCEAN_TOKEN", "DIGITALOCEAN_API_URL"
URL = "https://api.digitalocean.com"
PER_PAGE = "200"
"""The most that one page holds (DigitalOcean's API reference)."""
DROPLET = "digitalocean:index/droplet:Droplet"
RESERVED_IP = "digitalocean:index/reservedIp:ReservedIp"


class _Pages(BaseModel):
    next: str = ""


class _Links(BaseModel):
    pages: _Pages = _Pages()


class _Region(BaseModel):
    slug: str


class _Network(BaseModel):
    ip_address: str
    type: str


class _Networks(BaseModel):
    v4: list[_Network] = []


class _Droplet(BaseModel):
    id: int
    name: str
    size_slug: str
    created_at: str = ""
    region: _Region
    networks: _Networks = _Networks()
    tags: list[str] = []


class _ReservedIp(BaseModel):
    ip: str
    region: _Region
    droplet: _Droplet | None = None


class _Droplets(BaseModel):
    droplets: list[_Droplet]
    links: _Links = _Links()


class _ReservedIps(BaseModel):
    reserved_ips: list[_ReservedIp]
    links: _Links = _Links()


class DigitalOcean:
    """One DigitalOcean account."""

    source = "digitalocean"

    def __init__(self, token: str, url: str = "") -> None:
        self._token, self._url = token, url or URL

    def _open(self) -> WebApi:
        return WebApi("DigitalOcean", self._url, self._token, TOKEN_VARIABLE)

    def list_owned(self, mark: Mark) -> tuple[Owned, ...]:
        with self._open() as api:
            droplets = [
                _server(row, mark)
                for page in pages(api, "/v2/droplets", {"tag_name": mark.tag}, _Droplets)
                for row in page.droplets
                if mark.tag in row.tags
            ]
            addresses = [
                _address(row, mark)
                for page in pages(api, "/v2/reserved_ips", {}, _ReservedIps)
                for row in page.reserved_ips
                if row.droplet is None or mark.tag in row.droplet.tags
            ]
            return (*droplets, *addresses)

    def delete(self, owned: Owned) -> None:
        collection = "droplets" if owned.type == DROPLET else "reserved_ips"
        with self._open() as api:
            api.delete(f"/v2/{collection}/{owned.id}")


def pages(api: WebApi, path: str, parameters: Mapping[str, str], page: type[Page]) -> Iterator[Page]:
    asked = {**parameters, "per_page": PER_PAGE}
    seen = [asked]
    while True:
        answer = api.get(path, asked, page)
        yield answer
        following: str = answer.links.pages.next  # type: ignore[attr-defined]
        if not following:
            return
        # Only what it asks for is taken over: the token goes to no other host than the configured one.
        asked = dict(parse_qsl(urlsplit(following).query))
        if asked in seen:
            raise ListingFailed(f"DigitalOcean: its list {path} comes back to a page that it gave before")
        seen.append(asked)


def _server(row: _Droplet, mark: Mark) -> Owned:
    public = next((network.ip_address for network in row.networks.v4 if network.type == "public"), "")
    return Owned(
        provider="digitalocean",
        service="digitalocean",
        type=DROPLET,
        id=str(row.id),
        host=mark.host_of_tags(row.tags) or row.name,
        name=row.name,
        address=public,
        location=row.region.slug,
        plan=row.size_slug,
        created=row.created_at,
    )


def _address(row: _ReservedIp, mark: Mark) -> Owned:
    return Owned(
        provider="digitalocean",
        service="digitalocean",
        type=RESERVED_IP,
        id=row.ip,
        host=mark.host_of_tags(row.droplet.tags) if row.droplet else None,
        name="",
        address=row.ip,
        location=row.region.slug,
        certain=row.droplet is not None,
    )
