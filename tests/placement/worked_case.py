"""The specification's own case: seven places, twenty venue rows of equal weight, hosting as it says and as published.

Interactive Brokers counts three times (US, futures, Europe); Twelve Data and yfinance are left out (served by a CDN).
Hosts in the US that nobody names are taken to be in Virginia. From the fact sheet on placement, sections 3.1
and 4.3.
"""

from __future__ import annotations

from decimal import Decimal

from fleet.catalogue.round_trips import load_round_trips
from fleet.placement.problem import Candidate, Demand, Problem, Reach

PLACES = ("cdmx", "new-jersey", "singapore", "london", "chicago", "tokyo", "frankfurt")
US = ("new-jersey", "chicago")
REFUSES_US = ("binance", "bybit")

SPECIFICATION = {
    "binance": "singapore",
    "binance-us": "virginia",
    "bybit": "hong-kong",
    "coinbase": "virginia",
    "alpaca": "new-jersey",
    "ibkr-us": "new-jersey",
    "ibkr-futures": "chicago",
    "ibkr-eu": "london",
    "tradestation": "virginia",
    "ninjatrader": "chicago",
    "kraken": "san-francisco",
    "mexc": "singapore",
    "massive": "new-jersey",
    "alpaca-data": "new-jersey",
    "tiingo": "virginia",
    "eodhd": "virginia",
    "alpha-vantage": "virginia",
    "fmp": "virginia",
    "finnhub": "virginia",
    "coingecko": "singapore",
}
PUBLISHED = {
    **SPECIFICATION,
    "binance": "tokyo",
    "mexc": "tokyo",
    "bybit": "singapore",
    "kraken": "london",
    "alpaca": "virginia",
}


def worked_case(hosting: dict[str, str], price_usd: Decimal = Decimal(50)) -> Problem:
    """The case with servers that all cost the same."""
    trips = load_round_trips()
    return Problem(
        candidates=tuple(Candidate(place, place, price_usd, always=place == "cdmx") for place in PLACES),
        demands=tuple(Demand(venue) for venue in hosting),
        reaches=tuple(
            tuple(
                Reach(
                    (trip := trips.between(place, host)).ms,
                    trip.basis,
                    "answers 451 or 403 to US addresses" if place in US and venue in REFUSES_US else "",
                )
                for venue, host in hosting.items()
            )
            for place in PLACES
        ),
    )


def numbers(*places: str) -> list[int]:
    """The candidates of these places."""
    return [PLACES.index(place) for place in places]
