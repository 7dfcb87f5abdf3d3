"""``fleet cost --alternatives``: for each server the next cheapest of every seller, as large, in the same metro."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

from fleet.catalogue.market import load_market
from fleet.catalogue.prices import PriceList
from fleet.catalogue.round_trips import load_round_trips
from fleet.configuration import Configuration
from fleet.cost.alternatives import DISK_TOLERANCE, alternatives
from fleet.cost.answer import places_of, venue_places_of
from fleet.cost.declared import declared_things
from fleet.cost.usage import Usage
from tests.cost.conftest import Folder

# What each seller asks for a month of 4 vCPU, 8 GB (nj, sg, chi, tyo) or 2 vCPU, 4 GB (ldn, fra), with an address:
# Vultr        40.00 vc2-4c-8gb, 20.00 vc2-2c-4gb, and 3.00 for the address;
# DigitalOcean 48.00 s-4vcpu-8gb, the address free. In Singapore, London and Frankfurt the region itself has the smaller
#              one, so the next one up is: s-8vcpu-16gb 96.00, s-4vcpu-8gb 48.00;
# Lightsail    has no 4 vCPU below xlarge_3_0 84.00; medium_3_0 24.00; the address free;
# EC2          t3.xlarge 0.1664 x 730 = 121.47, a disk as large as the present one (180 GB x 0.08 = 14.40), the
#              address 0.005 x 730 = 3.65: 139.52 in us-east-1. c7i.xlarge is dearer (130.31). Elsewhere not known.
# None of Linode, Hetzner and OVH has a known price in dollars for an address that outlives the server.
EXPECTED = {
    "nj": {
        "Vultr": ("vc2-4c-8gb", "ewr", "43.00", "-8.00"),
        "DigitalOcean": ("s-4vcpu-8gb", "nyc3", "48.00", "-3.00"),
        "AWS Lightsail": ("xlarge_3_0", "us-east-1", "84.00", "33.00"),
        "AWS EC2": ("t3.xlarge", "us-east-1", "139.52", "88.52"),
        "Hetzner": ("cpx32", "ash", "41.99 + ?", None),
        "Linode (Akamai)": ("g6-standard-4", "us-east", "48.00 + ?", None),
        "Equinix": ("by quote", "NY5", None, None),
    },
    "sg": {
        "Vultr": ("vc2-4c-8gb", "sgp", "43.00", "-5.00"),
        "AWS Lightsail": ("xlarge_3_0", "ap-southeast-1", "84.00", "36.00"),
        "DigitalOcean": ("s-8vcpu-16gb", "sgp1", "96.00", "48.00"),
        "Hetzner": ("cpx32", "sin", "41.99 + ?", None),
        "Linode (Akamai)": ("g6-standard-4", "ap-south", "48.00 + ?", None),
        "AWS EC2": ("c7i.xlarge", "ap-southeast-1", None, None),
        "Equinix": ("by quote", "SG1", None, None),
    },
    "ldn": {
        "Vultr": ("vc2-2c-4gb", "lhr", "23.00", "-1.00"),
        "AWS Lightsail": ("medium_3_0", "eu-west-2", "24.00", "0.00"),
        "DigitalOcean": ("s-4vcpu-8gb", "lon1", "48.00", "24.00"),
        "OVH": ("vps-2025-model1", "UK1", "7.60 + ?", None),
        "Linode (Akamai)": ("g6-standard-2", "eu-west", "24.00 + ?", None),
        "AWS EC2": ("t3.medium", "eu-west-2", None, None),
        "Equinix": ("by quote", "LD5", None, None),
    },
    "chi": {
        "Vultr": ("vc2-4c-8gb", "ord", "43.00", "-8.00"),
        "Linode (Akamai)": ("g6-standard-4", "us-ord", "48.00 + ?", None),
        "Equinix": ("by quote", "CH1", None, None),
    },
    "tyo": {
        "Vultr": ("vc2-4c-8gb", "nrt", "43.00", "-8.00"),
        "AWS Lightsail": ("xlarge_3_0", "ap-northeast-1", "84.00", "33.00"),
        "Linode (Akamai)": ("g6-standard-4", "ap-northeast", "48.00 + ?", None),
        "AWS EC2": ("c7i.xlarge", "ap-northeast-1", None, None),
        "Equinix": ("by quote", "TY2", None, None),
    },
    "fra": {
        "Vultr": ("vc2-2c-4gb", "fra", "23.00", "-1.00"),
        "AWS Lightsail": ("medium_3_0", "eu-central-1", "24.00", "0.00"),
        "DigitalOcean": ("s-4vcpu-8gb", "fra1", "48.00", "24.00"),
        "OVH": ("vps-2025-model1", "DE1", "7.60 + ?", None),
        "Linode (Akamai)": ("g6-standard-2", "eu-central", "24.00 + ?", None),
        "AWS EC2": ("t3.medium", "eu-central-1", None, None),
        "Equinix": ("by quote", "FR5", None, None),
    },
}


def usd(row: dict[str, Any]) -> str | None:
    """What is asked for it; a part without a known price as a question mark."""
    known: str | None = row["known_usd"]
    return f"{known} + ?" if row["monthly_usd"] is None and known is not None else row["monthly_usd"]


def test_every_alternative_of_the_default_fleet_by_hand(fleet) -> None:
    rows = fleet("cost", "--alternatives", "--json").facts
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        found.setdefault(row["server"], {})[row["seller"]] = (
            row["plan"], row["location"], usd(row), row["difference_usd"]
        )  # fmt: skip
    assert found == EXPECTED
    # In the order of the table: cheapest first, and what is not known as a whole after all that is.
    assert {server: list(sellers) for server, sellers in found.items()} == {
        server: list(sellers) for server, sellers in EXPECTED.items()
    }


def test_the_rule_holds_for_every_row(fleet, prices: PriceList, default: Configuration) -> None:
    """As large or larger, in the region's metro or a site that may stand for it, the cheapest of its seller there."""
    market, trips = load_market(), load_round_trips()
    places, venues = places_of(default), venue_places_of(default)
    servers = {ref.id: ref for ref in default.hosts()}
    sizes = {(plan.service, plan.name): plan for plan in (*prices.catalogue.plans, *market.plans)}
    sites = {(site.service, site.name): site for site in (*prices.catalogue.locations, *market.locations)}
    titles = {seller.title: name for name, seller in market.sellers.items()}
    rows = fleet("cost", "--alternatives", "--json").facts
    assert {row["server"] for row in rows} == set(places) - {"hub"}
    for row in rows:
        host, seller = servers[row["server"]].host, titles[row["seller"]]
        present = sizes[host.provider, host.plan]
        site, place = sites[seller, row["location"]], places[row["server"]]
        assert place in (site.place, *site.near), row
        mean = [trips.between(site.place, venue).ms - trips.between(place, venue).ms for venue in venues[row["server"]]]
        assert row["venues_ms"] == str(Decimal(str(round(sum(mean) / len(mean), 1)))), row
        if row["plan"] == "by quote":
            continue
        taken = sizes[seller, row["plan"]]
        fitting = [
            plan
            for plan in sizes.values()
            if plan.service == seller
            and (plan.service, plan.name) != (present.service, present.name)
            and plan.vcpu >= present.vcpu
            and plan.memory_gb >= present.memory_gb
            and (plan.disk_gb is None or plan.disk_gb >= present.disk_gb * DISK_TOLERANCE)
            and (plan.locations is None or site.name in plan.locations)
        ]
        assert taken in fitting, row
        asked = [price.monthly_usd for plan in fitting if (price := plan.price_at(site.name)) is not None]
        if known := [amount for amount in asked if amount is not None]:
            assert taken.price_at(site.name).monthly_usd == min(known), row


def test_a_part_without_a_known_price_is_told_and_never_taken_for_free(fleet) -> None:
    said = fleet("cost", "nj", "--alternatives").out
    assert re.search(r"Linode \(Akamai\) .* 48\.00 \+ \? .* UNPRICED: static address\.", said)
    # What is listed in another currency is shown, and not converted.
    assert "UNPRICED: static address (listed at EUR 0.50 a month). Listed at EUR 35.49." in said
    assert said.splitlines()[-1] == (
        "UNPRICED in part or as a whole: 3, ranked after those whose whole price is known: "
        "Hetzner (static address), Linode (Akamai) (static address), Equinix (server)"
    )
    rows = fleet("cost", "nj", "--alternatives", "--json").facts
    linode = next(row for row in rows if row["seller"] == "Linode (Akamai)")
    assert (linode["monthly_usd"], linode["known_usd"], linode["unpriced"]) == (None, "48.00", ["static address"])
    assert linode["difference_usd"] is None


def test_without_a_price_of_its_own_address_nothing_is_said_of_a_difference(
    prices: PriceList, default: Configuration
) -> None:
    charges = {key: row for key, row in prices.charges.items() if key != ("vultr", "static address")}
    poorer = replace(prices, charges=charges)
    things = declared_things(default)
    rows = alternatives(
        things, places_of(default), venue_places_of(default), poorer, load_market(), Usage(), load_round_trips()
    )
    assert {row.difference_usd for row in rows if row.server == "nj"} == {None}
    assert all(row.monthly_usd is None for row in rows if row.seller == "Vultr")


def test_a_price_of_ones_own_makes_an_alternative_whole(fleet, folder: Folder) -> None:
    row = '{service: vultr, name: static address, usd: "0", per: month, source: our contract, as_of: 2026-11-01}'
    folder.write("catalogue/ours.yaml", f"charges: [{row}]\n")
    rows = fleet("cost", "nj", "--alternatives", "--json").facts
    assert next(row["monthly_usd"] for row in rows if row["seller"] == "Vultr") == "40.00"


def test_virginia_is_nearer_to_most_of_what_new_jersey_serves(fleet) -> None:
    rows = {row["seller"]: row for row in fleet("cost", "nj", "--alternatives", "--json").facts}
    assert 330 <= rows["AWS Lightsail"]["distance_km"] <= 360
    assert Decimal(rows["AWS Lightsail"]["venues_ms"]) < 0
    assert (rows["Vultr"]["distance_km"], rows["Vultr"]["venues_ms"]) == (0, "0.0")


def test_old_rows_of_the_market_and_old_round_trips_are_told(fleet, folder: Folder) -> None:
    row = '{service: linode, name: g6-standard-4, monthly_usd: "48", source: an old list, as_of: 2025-01-01}'
    folder.write("catalogue/old.yaml", f"market: [{row}]\n")
    said = fleet("cost", "nj", "--alternatives")
    assert re.search(r"stale: prices of alternatives: 1 is \d+ days old \(an old list, 2025-01-01\)", said.err)
    assert re.search(r"stale: round trips: \d+ are \d+ days old", said.err)
    rows = fleet("cost", "nj", "--alternatives", "--json").facts
    linode = next(row for row in rows if row["seller"] == "Linode (Akamai)")
    assert linode["origin"] == {"source": "an old list", "as_of": "2025-01-01", "confidence": "documentation"}
