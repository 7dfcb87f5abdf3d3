"""AWS's lists through boto3: Lightsail's bundles, and EC2's on-demand prices by AWS's price list service."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from fleet.catalogue.prices import MONTH_HOURS
from fleet.cost.money import cents
from fleet.cost.refresh.listed import ListedPlan, Price, PriceSource, plausible
from fleet.orphans.providers.aws import AwsAccount
from fleet.orphans.providers.listing import ListingFailed

PRICE_LIST_REGION = "us-east-1"
"""Where AWS answers questions about prices (also eu-central-1 and ap-south-1)."""

GB = 1024
NO_CREDENTIALS = "AWS: its prices need credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"

EC2_FILTERS = {
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
    "marketoption": "OnDemand",
}
"""One price for each type and region: plain Linux on shared machines, without a reservation."""


class LightsailPrices:
    """Lightsail's Linux bundles, whose prices are the same in every region."""

    source = PriceSource("lightsail", f"Lightsail API, GetBundles in {PRICE_LIST_REGION}")

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._account = AwsAccount(environment)

    def list_plans(self) -> tuple[ListedPlan, ...]:
        _refuse_without_credentials(self._account)
        with _own_shape("lightsail"), self._account.client("lightsail", PRICE_LIST_REGION) as client:
            rows = [row for page in client.get_paginator("get_bundles").paginate() for row in page["bundles"]]
            listed = tuple(_bundle(row) for row in rows if _is_ours(row))
        return plausible("AWS lightsail", listed)


def _is_ours(row: Mapping[str, Any]) -> bool:
    """An active Linux bundle with a public IPv4 address; those without one are cheaper, and no use to this fleet."""
    return bool(row["isActive"]) and "LINUX_UNIX" in row["supportedPlatforms"] and row.get("publicIpv4AddressCount", 1)


def _bundle(row: Mapping[str, Any]) -> ListedPlan:
    return ListedPlan(
        service="lightsail",
        name=row["bundleId"],
        vcpu=int(row["cpuCount"]),
        memory_gb=_exact(row["ramSizeInGb"]),
        disk_gb=int(row["diskSizeInGb"]),
        transfer_tb=_exact(row["transferPerMonthInGb"]) / GB,
        price=Price(monthly_usd=_exact(row["price"])),
    )


class Ec2Prices:
    """EC2's on-demand prices of some instance types, in every region that has them."""

    source = PriceSource("ec2", "AWS Price List, GetProducts of AmazonEC2, Linux on demand")

    def __init__(self, environment: Mapping[str, str], types: Iterable[str]) -> None:
        self._account = AwsAccount(environment)
        self._types = tuple(types)

    def list_plans(self) -> tuple[ListedPlan, ...]:
        _refuse_without_credentials(self._account)
        with _own_shape("ec2"), self._account.client("pricing", PRICE_LIST_REGION) as client:
            listed = tuple(_instance_type(name, _products(client, name)) for name in self._types)
        return plausible("AWS ec2", listed)


def _products(client: Any, name: str) -> list[Mapping[str, Any]]:
    wanted = {"instanceType": name, **EC2_FILTERS}
    filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in wanted.items()]
    asked = client.get_paginator("get_products").paginate(ServiceCode="AmazonEC2", Filters=filters)
    # Each entry of the list is a text that holds JSON.
    return [_document(text) for page in asked for text in page["PriceList"]]


def _document(text: str) -> Mapping[str, Any]:
    try:
        document = json.loads(text)
    except ValueError:
        raise ListingFailed("AWS ec2: an entry of its price list is cut short or no JSON") from None
    if not isinstance(document, dict):
        raise ListingFailed("AWS ec2: an entry of its price list has another shape")
    return document


def _instance_type(name: str, products: list[Mapping[str, Any]]) -> ListedPlan:
    prices: dict[str, Price] = {}
    for product in products:
        attributes = product["product"]["attributes"]
        hourly = _hourly(product)
        if hourly is not None:
            prices[attributes["regionCode"]] = Price(hourly, cents(hourly * MONTH_HOURS))
    if not prices:
        raise ListingFailed(f"AWS ec2: its price list has no {name}")
    attributes = products[0]["product"]["attributes"]
    return ListedPlan(
        service="ec2",
        name=name,
        vcpu=int(attributes["vcpu"]),
        memory_gb=Decimal(attributes["memory"].split()[0].replace(",", "")),
        disk_gb=None,
        transfer_tb=None,
        price=Price(),
        location_prices=prices,
        only_there=True,
    )


def _hourly(product: Mapping[str, Any]) -> Decimal | None:
    """The on-demand price of an hour; None for an entry without one (a zone that sells none)."""
    for usd in _dimensions(product):
        return usd
    return None


def _dimensions(product: Mapping[str, Any]) -> Iterator[Decimal]:
    for offer in product["terms"].get("OnDemand", {}).values():
        for dimension in offer["priceDimensions"].values():
            if dimension["unit"] == "Hrs" and Decimal(dimension["pricePerUnit"]["USD"]):
                yield Decimal(dimension["pricePerUnit"]["USD"]).normalize()


@contextmanager
def _own_shape(service: str) -> Iterator[None]:
    """What is read out of an answer in another shape than AWS documents, as one line."""
    try:
        yield
    except (ValueError, TypeError, ArithmeticError, AttributeError, IndexError) as wrong:
        raise ListingFailed(f"AWS {service}: its answer has another shape: {wrong}") from None


def _exact(value: float) -> Decimal:
    return Decimal(str(value))


def _refuse_without_credentials(account: AwsAccount) -> None:
    if not account.has_credentials():
        raise ListingFailed(NO_CREDENTIALS)
