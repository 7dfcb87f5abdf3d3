"""``fleet catalogue refresh`` against servers that answer as the providers do: what is read, shown, written and used.

``test_live_price_faults.py`` has what happens when they do not.
"""

from __future__ import annotations

import io
import re
from decimal import Decimal

import pytest

from fleet.configuration import load
from tests.cost.conftest import Folder
from tests.cost.price_lists import (
    BUNDLES,
    EC2_TYPES,
    OCEAN,
    PRODUCTS,
    VULTR,
    bundle,
    bundles,
    ocean_page,
    plan,
    price_list,
    product,
    size,
    vultr_page,
)
from tests.orphans.conftest import Provider

pytestmark = pytest.mark.usefixtures("lists")


def test_a_new_price_is_shown_written_and_used(fleet, folder: Folder, provider: Provider) -> None:
    provider.answers(
        VULTR,
        vultr_page(plan(location_cost={"sao": {"monthly_cost": 72, "hourly_cost": 0.107}}), plan("vhp-unheard-of")),
    )
    said = fleet("catalogue", "refresh", "--yes")
    assert said.code == 0, said.err
    assert re.search(r"vhp-4c-8gb-amd +everywhere else +48\.00 +52\.00 +\+8\.3 %", said.out)
    assert re.search(r"vhp-4c-8gb-amd +sao +unpriced +72\.00", said.out)
    assert "vultr: 1 plans read, 2 prices changed, 1 further plans on its list" in said.out
    # Its list of plans needs no token, and gets none.
    assert "authorization" not in provider.asked[0].headers

    shown = folder.answer("nj").shown
    line = next(line for line in shown.lines if line.row == "nj/server")
    assert line.monthly_usd == Decimal("52.00")
    assert line.origin is not None
    assert line.origin.source == "Vultr API, GET /v2/plans"
    catalogue = load(folder.root).catalogue
    assert catalogue.monthly_usd("vultr", "vhp-4c-8gb-amd", "sao") == Decimal(72)
    assert catalogue.monthly_usd("vultr", "vhp-2c-4gb-amd", "ewr") == Decimal(24)

    # Again: nothing is new.
    provider.answers(VULTR, vultr_page(plan(location_cost={"sao": {"monthly_cost": 72, "hourly_cost": 0.107}})))
    assert "1 plans read, 0 prices changed" in fleet("catalogue", "refresh", "--yes").out


def test_every_page_is_read(fleet, folder: Folder, provider: Provider) -> None:
    provider.answers(VULTR, vultr_page(plan(), total=2, following="bmV4dF9f"))
    provider.answers(VULTR, vultr_page(plan("vc2-4c-8gb", 44), total=2))
    provider.answers(OCEAN, ocean_page(size(), total=2, following=f"{provider.url}/v2/sizes?page=2&per_page=200"))
    provider.answers(OCEAN, ocean_page(size("s-2vcpu-4gb", 26.0), total=2))
    assert fleet("catalogue", "refresh", "vultr", "digitalocean", "--yes").code == 0
    assert [asked.query.get("cursor") or asked.query.get("page") for asked in provider.asked] == [
        None,
        "bmV4dF9f",
        None,
        "2",
    ]
    catalogue = load(folder.root).catalogue
    assert catalogue.monthly_usd("vultr", "vc2-4c-8gb", "ewr") == Decimal(44)
    assert catalogue.monthly_usd("digitalocean", "s-2vcpu-4gb", "fra1") == Decimal(26)
    assert provider.asked[-1].headers["authorization"] == "Bearer dop-secret"


def test_a_missing_token_is_named(fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DIGITALOCEAN_TOKEN")
    said = fleet("catalogue", "refresh", "digitalocean", "--yes")
    assert said.code == 1
    assert "set DIGITALOCEAN_TOKEN" in said.err


def test_a_mistyped_provider_names_those_that_there_are(fleet) -> None:
    said = fleet("catalogue", "refresh", "vulture", "--yes")
    assert said.code == 1
    assert "no live prices of 'vulture'. Allowed: vultr, digitalocean, lightsail, ec2" in said.err


def test_without_a_yes_nothing_is_written(fleet, folder: Folder, provider: Provider, monkeypatch) -> None:
    provider.answers(VULTR, vultr_page(plan()))
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    said = fleet("catalogue", "refresh")
    assert said.code == 3
    assert "not confirmed: nothing was written" in said.err
    assert not (folder.root / "catalogue").exists()


def test_a_row_of_the_users_own_is_not_written_over(fleet, folder: Folder, provider: Provider) -> None:
    row = '{service: vultr, name: vhp-4c-8gb-amd, monthly_usd: "40", source: a contract, as_of: 2026-11-01}'
    folder.write("catalogue/contract.yaml", f"plans: [{row}]\n")
    provider.answers(VULTR, vultr_page(plan(), plan("vc2-4c-8gb", 44)))
    said = fleet("catalogue", "refresh", "--yes")
    assert said.code == 0, said.err
    assert "vultr vhp-4c-8gb-amd: your own row in catalogue/contract.yaml stays" in said.out
    catalogue = load(folder.root).catalogue
    assert catalogue.monthly_usd("vultr", "vhp-4c-8gb-amd", "ewr") == Decimal(40)
    assert catalogue.monthly_usd("vultr", "vc2-4c-8gb", "ewr") == Decimal(44)


def test_lightsails_bundles(fleet, folder: Folder, provider: Provider) -> None:
    provider.answers(BUNDLES, bundles(bundle(), bundle("small_3_0", 13.0), following="2"))
    windows = bundle("medium_3_0", 99.0, supportedPlatforms=["WINDOWS"])
    # Its last page may name none, or an empty one.
    provider.answers(BUNDLES, bundles(windows, bundle("nano_3_0", 1, isActive=False), following=""))
    said = fleet("catalogue", "refresh", "lightsail", "--yes")
    assert said.code == 0, said.err
    catalogue = load(folder.root).catalogue
    assert catalogue.monthly_usd("lightsail", "large_3_0", "ap-northeast-1") == Decimal(46)
    assert catalogue.monthly_usd("lightsail", "small_3_0", "eu-west-2") == Decimal(13)
    # Neither Windows nor what is sold no more.
    assert catalogue.monthly_usd("lightsail", "medium_3_0", "eu-west-2") == Decimal(24)
    assert "listed no more, rows stay as they are: nano_3_0" in said.out


def ec2_answers(provider: Provider, *products: str) -> None:
    """A page for each product, the last of each type with an empty token."""
    for kind in EC2_TYPES:
        rows = [row for row in products if f'"{kind}"' in row] or [product(kind, "us-east-1", "0.0416000000")]
        for number, row in enumerate(rows, 1):
            provider.answers(PRODUCTS, price_list(row, following="" if number == len(rows) else str(number)))


def test_ec2s_prices_by_region(fleet, folder: Folder, provider: Provider) -> None:
    tokyo = product("c7i.xlarge", "ap-northeast-1", "0.2247000000")
    ec2_answers(provider, product("c7i.xlarge", "us-east-1", "0.1785000000"), tokyo)
    said = fleet("catalogue", "refresh", "ec2", "--yes")
    assert said.code == 0, said.err
    assert ['"NextToken": "1"' in asked.body for asked in provider.asked].count(True) == 1
    catalogue = load(folder.root).catalogue
    # 0.2247 x 730 = 164.031
    assert catalogue.monthly_usd("ec2", "c7i.xlarge", "ap-northeast-1") == Decimal("164.03")
    assert catalogue.monthly_usd("ec2", "c7i.xlarge", "eu-west-2") is None
    # The spot market is another list.
    kept = catalogue.plan("ec2", "c7i.xlarge")
    assert kept is not None
    assert kept.spot_hourly_usd == Decimal("0.0513")


def test_without_credentials_aws_is_not_asked(fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for service in ("lightsail", "ec2"):
        said = fleet("catalogue", "refresh", service, "--yes")
        assert said.code == 1
        assert "its prices need credentials" in said.err
