"""Rows of a fleet's own catalogue take the place of ours, row by row, in every table; what is wrong is told at once."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from fleet.catalogue.claims import judged_claims
from fleet.catalogue.market import Market, load_market, load_specification_costs
from fleet.catalogue.overlay import FOLDER, KEYS
from fleet.catalogue.price_reading import load_prices
from fleet.catalogue.prices import PriceList
from fleet.catalogue.reading import FOLDER as SHIPPED
from fleet.catalogue.round_trips import Basis, RoundTrips
from fleet.configuration import Configuration, load
from fleet.model.problems import ConfigurationError

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
ORIGIN = "source: our own note, as_of: 2026-11-01"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for file in (ROOT / "fleet.yaml", ROOT / "images.yaml", *ROOT.glob("Pulumi.*.yaml")):
        shutil.copy(file, tmp_path)
    (tmp_path / FOLDER).mkdir()
    return tmp_path


@dataclass(frozen=True)
class Ours:
    """A fleet as it is with the rows of its own."""

    configuration: Configuration
    prices: PriceList


def with_rows(folder: Path, text: str) -> Ours:
    (folder / FOLDER / "ours.yaml").write_text(text)
    configuration = load(folder)
    return Ours(configuration, load_prices(configuration.catalogue, folder / FOLDER))


def problems(folder: Path, text: str) -> str:
    (folder / FOLDER / "ours.yaml").write_text(text)
    with pytest.raises(ConfigurationError) as told:
        load(folder)
    return str(told.value)


def test_every_table_of_the_package_can_be_written_over() -> None:
    assert set(KEYS) == {file.stem for file in SHIPPED.glob("*.yaml")}


def market(ours: Ours) -> Market:
    return load_market(ours.configuration.own_rows)


def trips(ours: Ours) -> RoundTrips:
    return ours.configuration.venues.trips


def specified(ours: Ours) -> dict[str, Decimal]:
    return {row.place: row.monthly_usd for row in load_specification_costs(ours.configuration.own_rows)}


def promised(ours: Ours) -> dict[tuple[str, str], float]:
    return {(row.site, row.place): row.high_ms for row in judged_claims(ours.configuration.venues) if row.rank}


# Table -> a row with what differs, what is read of it then, and of a row beside it that stays as it is with us.
ROWS: dict[str, tuple[str, Callable[[Ours], object], object, Callable[[Ours], object], object]] = {
    "places": (
        "{name: tokyo, title: Tokyo (Otemachi), latitude: 35.69}",
        lambda ours: (ours.configuration.catalogue.places["tokyo"].title, trips(ours).places["tokyo"].latitude),
        ("Tokyo (Otemachi)", 35.69),
        lambda ours: ours.configuration.catalogue.places["chicago"].title,
        "Chicago",
    ),
    "countries": (
        "{country: HK, places: [singapore]}",
        lambda ours: ours.configuration.venues.country_of("singapore"),
        "HK",
        lambda ours: ours.configuration.venues.country_of("hong-kong"),
        "HK",
    ),
    "round_trips": (
        "{place: singapore, to: {tokyo: 66}}",
        lambda ours: trips(ours).between("singapore", "tokyo").ms,
        66,
        lambda ours: trips(ours).between("singapore", "hong-kong").ms,
        36,
    ),
    "round_trip_detours": (
        "{place: new-jersey, plus_ms: 4}",
        lambda ours: trips(ours).between("new-jersey", "virginia").ms,
        4,
        lambda ours: trips(ours).between("new-york", "virginia").ms,
        6,
    ),
    "services": (
        "{name: lightsail, images: [debian-13, debian-12]}",
        lambda ours: ours.configuration.catalogue.services["lightsail"].images,
        ("debian-13", "debian-12"),
        lambda ours: ours.configuration.catalogue.services["vultr"].images,
        ("debian-13",),
    ),
    "locations": (
        "{service: vultr, name: ord, place: chicago, near: [ohio]}",
        lambda ours: [site.name for site in ours.configuration.catalogue.locations_for("vultr", "ohio")],
        ["ord"],
        lambda ours: [site.name for site in ours.configuration.catalogue.locations_for("vultr", "tokyo")],
        ["nrt"],
    ),
    "plans": (
        '{service: vultr, name: vhp-4c-8gb-amd, monthly_usd: "40"}',
        lambda ours: ours.configuration.catalogue.monthly_usd("vultr", "vhp-4c-8gb-amd", "ewr"),
        Decimal(40),
        lambda ours: ours.configuration.catalogue.monthly_usd("vultr", "vc2-4c-8gb", "ewr"),
        Decimal(40),
    ),
    "billing": (
        "{service: vultr, cap_hours: 672}",
        lambda ours: ours.prices.billing["vultr"].cap_hours,
        672,
        lambda ours: ours.prices.billing["linode"].cap_hours,
        730,
    ),
    "transfer": (
        '{service: linode, usd_per_gb: "0.004"}',
        lambda ours: ours.prices.transfer["linode"].usd_per_gb,
        Decimal("0.004"),
        lambda ours: ours.prices.transfer["vultr"].usd_per_gb,
        Decimal("0.01"),
    ),
    "charges": (
        '{service: linode, name: static address, usd: "2", per: month}',
        lambda ours: ours.prices.charges["linode", "static address"].usd,
        Decimal(2),
        lambda ours: ours.prices.charges["vultr", "static address"].usd,
        Decimal(3),
    ),
    "sellers": (
        "{name: hetzner, note: We are an old customer.}",
        lambda ours: market(ours).sellers["hetzner"].note,
        "We are an old customer.",
        lambda ours: market(ours).sellers["ovh"].title,
        "OVH",
    ),
    "market": (
        '{service: hetzner, name: cpx42, monthly_usd: "80"}',
        lambda ours: {row.name: row.monthly_usd for row in market(ours).plans}["cpx42"],
        Decimal(80),
        lambda ours: {row.name: row.monthly_usd for row in market(ours).plans}["cpx32"],
        Decimal("41.99"),
    ),
    "market_locations": (
        "{service: hetzner, name: fsn1, place: frankfurt}",
        lambda ours: {row.name: row.place for row in market(ours).locations}["fsn1"],
        "frankfurt",
        lambda ours: {row.name: row.place for row in market(ours).locations}["hil"],
        "oregon",
    ),
    "listed_charges": (
        "{service: hetzner, name: static address, list_price: EUR 0.60}",
        lambda ours: market(ours).listed("hetzner", "static address"),
        "EUR 0.60 a month",
        lambda ours: market(ours).listed("linode", "static address"),
        "",
    ),
    "specification_costs": (
        '{place: chicago, server_usd: "70"}',
        lambda ours: specified(ours)["chicago"],
        Decimal(90),
        lambda ours: specified(ours)["london"],
        Decimal(70),
    ),
    "venues": (
        "{name: kraken, status: active}",
        lambda ours: ours.configuration.venues.by_name["kraken"].status,
        "active",
        lambda ours: ours.configuration.venues.by_name["mexc"].status,
        "disabled",
    ),
    "venue_sites": (
        "{venue: tiingo, place: chicago}",
        lambda ours: [site.place for site in ours.configuration.venues.sites_of("tiingo")],
        ["chicago"],
        lambda ours: [site.place for site in ours.configuration.venues.sites_of("kraken")],
        ["london"],
    ),
    "claims": (
        "{venue: kraken, place: london, low_ms: 1, high_ms: 2}",
        lambda ours: promised(ours)["kraken", "london"],
        2,
        lambda ours: promised(ours)["kraken", "new-jersey"],
        60,
    ),
}  # fmt: skip


@pytest.mark.parametrize("table", KEYS)
def test_a_row_takes_the_place_of_ours_and_the_rows_beside_it_stay(folder: Path, table: str) -> None:
    row, changed, expected, beside, kept = ROWS[table]
    shipped = with_rows(folder, "plans: []")
    assert changed_or_missing(changed, shipped) != expected
    ours = with_rows(folder, f"{table}:\n  - {row[:-1]}, {ORIGIN}}}\n")
    assert changed(ours) == expected
    assert beside(ours) == kept == changed_or_missing(beside, shipped)


def changed_or_missing(read: Callable[[Ours], object], ours: Ours) -> object:
    try:
        return read(ours)
    except KeyError:
        return None


def test_a_place_of_ones_own_is_placed_for_with_its_country_and_its_round_trips(folder: Path) -> None:
    text = f"""
defaults: {{{ORIGIN}}}
places: [{{name: lima, title: Lima, latitude: -12.05, longitude: -77.04}}]
countries: [{{country: PE, places: [lima]}}]
round_trips: [{{place: lima, site: our own probe, to: {{virginia: 90, cdmx: 95}}}}]
locations: [{{service: ec2, name: us-east-1-lim-1a, place: lima}}]
"""
    venues = with_rows(folder, text).configuration.venues
    assert venues.country_of("lima") == "PE"
    assert (venues.trips.between("lima", "virginia").ms, venues.trips.between("lima", "virginia").basis) == (
        90, Basis.PUBLISHED
    )  # fmt: skip
    assert venues.trips.between("lima", "tokyo").basis is Basis.ESTIMATE
    assert all(site.refusal_at("lima") == "" for site in venues.sites)


BAD = """
defaults: {source: a note, as_of: 2026-11-01}
places:
  - {name: lima, title: Lima, latitude: -120, longitude: -77.04}
  - {name: quito, title: Quito, latitude: -0.18, longitude: -78.47}
countries:
  - {country: us, places: [tokyo]}
  - {country: US, places: [tokio]}
round_trips:
  - {place: singapore, to: {tokyo: 40, tokio: 80}}
round_trip_detours:
  - {place: new-jersey, via: virginai}
services:
  - {name: linode, provider: akamai, images: [debian-13]}
locations:
  - {service: linode, name: us-east, place: new-jersey}
  - {service: vultr, name: ord, near: [chicgo]}
plans:
  - {service: vultr, name: vc2-1c-1gb, locations: [ewr, nrtt]}
billing:
  - {service: linode, counted: days}
transfer:
  - {service: vultr, locations: {nrtt: "0.02"}}
charges:
  - {service: lindoe, name: static address, usd: "2", per: month}
sellers:
  - {name: hetzner, rentable: true}
market:
  - {service: hetzner, name: cpx32, monthly_usd: "-1"}
market_locations:
  - {service: hetzner, name: fsn1, place: falkenstein}
listed_charges:
  - {service: ovh, name: static address, list_price: EUR 2, per: fortnight}
specification_costs:
  - {place: mars, title: Mars, server_usd: "1", bandwidth_usd: "1", size: small}
claims:
  - {venue: krakn, place: london, rank: 1, low_ms: 1, high_ms: 2}
  - {venue: kraken, place: london, high_ms: 0}
venues: 7
venue_sites:
  - {venue: tiingo, place: chicgo}
platns: []
"""


def test_every_error_of_every_table_is_in_one_report(folder: Path) -> None:
    said = problems(folder, BAD)
    for problem in (
        r":4: places\[0\]\.latitude: is too small",
        r":5: places\[1\]: has no country, by which venues refuse addresses",
        r":7: countries\[0\]\.country: ",
        r":8: countries\[1\]\.places\[0\]: is not a place of the catalogue",
        r":10: round_trips\[0\]\.to\.tokyo: is faster than light in fibre: ",
        r":10: round_trips\[0\]\.to\.tokio: is not a place of the catalogue",
        r":12: round_trip_detours\[0\]\.via: is not a place of the catalogue",
        r":14: services\[0\]\.name: is not a service of this project",
        r":14: services\[0\]\.provider: is not a provider of this project",
        r":16: locations\[0\]\.service: is not a service",
        r":17: locations\[1\]\.near\[0\]: is not a place of the catalogue",
        r":19: plans\[0\]\.locations: is not a location of vultr",
        r":21: billing\[0\]\.counted: is not allowed",
        r":23: transfer\[0\]\.locations: is not a location of vultr",
        r":25: charges\[0\]\.service: is not a service or a seller",
        r":27: sellers\[0\]\.rentable: cannot be rented from by this project",
        r":29: market\[0\]\.monthly_usd: is too small",
        r":31: market_locations\[0\]\.place: is not a place of the catalogue",
        r":33: listed_charges\[0\]\.per: is not allowed",
        r":35: specification_costs\[0\]\.place: is not a place of the catalogue",
        r":37: claims\[0\]\.venue: is not a venue's site of the catalogue",
        r":38: claims\[1\]\.high_ms: ",
        r":39: venues: is not a list",
        r":41: venue_sites\[0\]\.place: is not a place of the catalogue",
        r":42: platns: is not a known key",
    ):
        assert re.search(rf"catalogue/ours\.yaml{problem}", said), f"{problem}\n{said}"
    assert "allowed: 52.0 ms or more" in said
    assert "did you mean 'tokyo'?" in said
    assert "did you mean 'linode'?" in said
    assert "Traceback" not in said
