"""The venues of a rehearsed fleet: the lab's internet answers under their names, as far away as the catalogue says.

How long packets take there is the catalogue's round trip between the places, so what a change of place buys is known
beforehand. A venue behind a content network has its edge in the caller's own metro; the answer comes from the venue.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from fleet.catalogue.catalogue import Catalogue
from fleet.catalogue.physics import SAME_METRO_MS
from fleet.catalogue.round_trips import RoundTrips
from fleet.catalogue.venue_sites import Site as VenueSite
from fleet.configuration import Configuration
from fleet.model.stack import ExistingHost
from lab.internet.table import Internet, Site, Way

EDGE_HEADERS = {"Server": "cloudflare", "CF-Ray": "0000000000000000-LAB"}
"""What tells an edge from an origin. Which content network a venue uses the catalogue does not say; this one stands for
all of them."""
HTTPS = 443
OK, FORBIDDEN = 200, 403


def venues_internet(configuration: Configuration) -> Internet:
    """Every endpoint of every venue whose place is known, seen from wherever the fleet's providers have servers."""
    origins = {f"{service}/{location}": place for service, location, place in _locations(configuration.catalogue)}
    for ref in configuration.hosts():
        if isinstance(ref.host, ExistingHost):
            origins[ref.id] = configuration.fleet.regions[ref.region].place
    places = sorted(set(origins.values()))
    sites: dict[str, Site] = {}
    for site in configuration.venues.sites:
        for name, found in _sites_of(site, places, configuration.venues.trips).items():
            # Of a venue that is in several places, the first one counts for a name of which no row says where it is.
            sites.setdefault(name, found)
    return Internet(tuple(sites.values()), origins)


def _locations(catalogue: Catalogue) -> Iterable[tuple[str, str, str]]:
    for location in catalogue.locations:
        yield catalogue.services[location.service].provider, location.name, location.place


def _sites_of(site: VenueSite, places: Iterable[str], round_trips: RoundTrips) -> dict[str, Site]:
    tls: dict[str, set[int]] = {}
    tcp: dict[str, set[int]] = {}
    for endpoint in site.venue.endpoints:
        if endpoint.site not in ("", site.name.partition("/")[2]):
            continue
        parts = urlsplit(endpoint.url if "//" in endpoint.url else f"//{endpoint.url}")
        ports = tcp if endpoint.transport == "tcp" else tls
        ports.setdefault(parts.hostname or "", set()).add(parts.port or HTTPS)
    ways = {place: _way(site, place, round_trips) for place in places}
    behind = site.edge or site.venue.fronted_by_cdn
    return {
        name: Site(
            name=name,
            ways=ways,
            tls_ports=tuple(sorted(tls.get(name, ()))),
            tcp_ports=tuple(sorted(tcp.get(name, ()))),
            headers=EDGE_HEADERS if behind else {},
        )
        for name in (*tls, *(name for name in tcp if name not in tls))
    }


def _way(site: VenueSite, place: str, round_trips: RoundTrips) -> Way:
    status = _status(site.refusal_at(place))
    if site.edge:
        return Way(SAME_METRO_MS, status=status)
    whole = round_trips.between(place, site.place).ms
    if site.venue.fronted_by_cdn:
        return Way(SAME_METRO_MS, answer_ms=whole - SAME_METRO_MS, status=status)
    return Way(whole, status=status)


def _status(refusal: str) -> int:
    """The HTTP status in the words that say how a venue refuses; 403 where they name none."""
    if not refusal:
        return OK
    named = re.search(r"HTTP (\d{3})", refusal)
    return int(named[1]) if named else FORBIDDEN
