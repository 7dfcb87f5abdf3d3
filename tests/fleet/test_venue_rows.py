"""What the catalogue says of each venue: the specification's tables as claims, and what is not known as unknown."""

from __future__ import annotations

from fleet.catalogue.reading import rows
from fleet.catalogue.venue_sites import load_venue_list
from fleet.catalogue.venues import load_venues

VENUES = load_venues()

# Asset classes by the specification's table of brokers and its recommendations, its data centres as claims, and its
# latency from CDMX (None: "Unknown").
BROKERS = {
    "binance": ("crypto-spot crypto-futures crypto-margin crypto-options", "Tokyo, Singapore; US East, Ireland", 236.8),
    "binance-us": ("crypto-spot", "US East (AWS)", 276.7),
    "bybit": (
        "crypto-spot crypto-futures crypto-options crypto-leveraged-tokens", "Hong Kong; US West, Amsterdam", 491.5
    ),
    "coinbase": ("crypto-spot crypto-custody institutional", "US East (AWS Virginia)", 116.5),
    "alpaca": ("us-stocks etfs", "US East (NYSE colocation)", 201.0),
    "interactive-brokers": (
        "stocks options futures forex bonds", "US East, Chicago; London, Tokyo, Hong Kong, Sydney", None
    ),
    "tradestation": ("us-stocks options futures", "US East (Florida)", None),
    "ninjatrader": ("futures forex", "Chicago (near CME)", None),
    "kraken": ("crypto-spot crypto-futures crypto-staking crypto-defi", "San Francisco; Frankfurt, Canada", None),
    "mexc": ("crypto-spot crypto-futures", "Singapore", None),
}  # fmt: skip
DATA = {
    "polygon": ("us-stocks", "US East", 206.3),
    "alpaca-data": ("us-stocks", "US East", 209.7),
    "tiingo": ("us-stocks crypto", "US East", 247.8),
    "eodhd": ("stocks forex", "US East", 343.7),
    "alpha-vantage": ("stocks forex crypto", "US East (AWS)", None),
    "fmp": ("us-stocks", "US East", None),
    "finnhub": ("stocks", "US East", None),
    "twelve-data": ("stocks forex", "CDN (global)", 152.8),
    "coingecko": ("crypto", "Singapore", 29.8),
    "yfinance": ("stocks", "Yahoo Cloud (multi-region)", None),
}


def test_asset_classes_hosting_and_latency_are_the_specifications_as_claims() -> None:
    found = {
        name: (" ".join(venue.assets), venue.claimed_hosting, venue.claimed_ms_from_cdmx)
        for name, venue in VENUES.items()
        if venue.kind != "feed"
    }
    assert found == BROKERS | DATA


def test_every_venue_says_whether_an_edge_answers_or_that_nobody_knows() -> None:
    said = {row["name"]: row["fronted_by_cdn"] for row in rows("venues") if row["kind"] != "feed"}
    assert {name for name, edge in said.items() if edge} == {
        "binance", "coinbase", "twelve-data", "coingecko", "yfinance"
    }  # fmt: skip
    # Of the other fifteen no source says that there is one, and none that there is not.
    assert [edge for edge in said.values() if not edge] == [None] * 15


def test_every_broker_and_data_provider_with_a_recommended_region_has_its_claim() -> None:
    """The specification recommends no region for the two that a content network answers for ("any")."""
    claimed = {claim.venue for claim in load_venue_list().claims}
    assert claimed == {name for name, venue in VENUES.items() if venue.kind != "feed"} - {"twelve-data", "yfinance"}
    ranks = {(claim.venue, claim.place): claim.rank for claim in load_venue_list().claims}
    assert [ranks["binance", place] for place in ("singapore", "new-jersey", "london")] == [1, 2, 3]
