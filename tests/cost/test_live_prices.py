"""``fleet catalogue refresh`` against servers that answer as the providers do; on any fault nothing is written."""

from __future__ import annotations

import io
import json
import os
import re
from decimal import Decimal
from typing import Any

import pytest

from fleet.configuration import load
from tests.cost.conftest import Folder
from tests.orphans.conftest import Provider, provider  # noqa: F401 - a fixture

VULTR, OCEAN = "GET /v2/plans", "GET /v2/sizes"


def plan(name: str = "vhp-4c-8gb-amd", monthly: float = 52, **more: Any) -> dict[str, Any]:
    """As Vultr writes one."""
    return {
        "id": name, "vcpu_count": 4, "ram": 8192, "disk": 180, "disk_type": "NVMe", "disk_count": 1, "bandwidth": 6144,
        "monthly_cost": monthly, "hourly_cost": 0.077, "monthly_cost_preemptible": monthly,
        "hourly_cost_preemptible": 0.077, "invoice_type": "monthly", "type": "vhp", "locations": ["ewr", "ord", "sao"],
        "cpu_vendor": "AMD", "storage_type": "local_storage", "vcpu_type": "thread", "deploy_ondemand": True,
        "deploy_preemptible": False, "location_cost": {}, "gpu_brand": "none", **more,
    }  # fmt: skip


def vultr_page(*plans: dict[str, Any], total: int | None = None, following: str = "") -> dict[str, Any]:
    links = {"next": following, "prev": ""}
    return {"plans": list(plans), "meta": {"total": len(plans) if total is None else total, "links": links}}


def size(slug: str = "s-4vcpu-8gb", monthly: float = 50.0, **more: Any) -> dict[str, Any]:
    """As DigitalOcean writes one."""
    return {
        "slug": slug, "memory": 8192, "vcpus": 4, "disk": 160, "transfer": 5.0, "price_monthly": monthly,
        "price_hourly": 0.0744, "regions": ["sgp1", "nyc3"], "available": True, "description": "Basic", **more,
    }  # fmt: skip


def ocean_page(*sizes: dict[str, Any], total: int | None = None, following: str = "") -> dict[str, Any]:
    pages = {"pages": {"next": following}} if following else {}
    return {"sizes": list(sizes), "links": pages, "meta": {"total": len(sizes) if total is None else total}}


@pytest.fixture(autouse=True)
def local(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """Every provider is the one on the loopback."""
    for name in ("FLEET_VULTR_URL", "DIGITALOCEAN_API_URL", "AWS_ENDPOINT_URL"):
        monkeypatch.setenv(name, provider.url)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "DIGITALOCEAN_TOKEN", "VULTR_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", "dop-secret")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)


def test_a_new_price_is_shown_written_and_used(fleet, folder: Folder, provider: Provider) -> None:  # noqa: F811
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


def test_every_page_is_read(fleet, folder: Folder, provider: Provider) -> None:  # noqa: F811
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


WHOLE = json.dumps(vultr_page(plan()))

FAULTS = [
    pytest.param({"document": WHOLE[: len(WHOLE) // 2]}, "is cut short or no JSON", id="cut short"),
    pytest.param({"document": "<html>maintenance</html>"}, "is cut short or no JSON", id="a page for people"),
    pytest.param({"document": {"plans": [{"id": "x"}], "meta": {"total": 1}}}, "has another shape", id="other shape"),
    pytest.param({"document": vultr_page(plan(), total=151)}, "has 151 plans, 1 arrived", id="a page is missing"),
    pytest.param({"document": vultr_page()}, "its list of plans is empty", id="empty"),
    pytest.param({"document": vultr_page(plan(monthly=0))}, "says that vhp-4c-8gb-amd costs nothing", id="free"),
    pytest.param({"document": {"error": "Invalid API token.", "status": 401}, "status": 401}, "401: ", id="401"),
    pytest.param({"document": {"error": "Server error", "status": 500}, "status": 500}, "fault of its own", id="500"),
    pytest.param(
        {"document": {"error": "Rate limit exceeded", "status": 429}, "status": 429, "Retry_After": "3600"},
        "too many requests (429); it asks to wait 3600 s more",
        id="429",
    ),
]


@pytest.mark.parametrize(("answer", "told"), FAULTS)
def test_on_any_fault_the_catalogue_stays_as_it_is(
    fleet,
    folder: Folder,
    provider: Provider,  # noqa: F811
    answer: dict[str, Any],
    told: str,
) -> None:
    kept = folder.write("catalogue/vultr.yaml", "plans: []\n")
    provider.answers(OCEAN, ocean_page(size()))
    provider.answers(VULTR, **answer)
    said = fleet("catalogue", "refresh", "digitalocean", "vultr", "--yes")
    assert said.code == 1
    assert said.err.startswith("error: the catalogue stays as it is:\n  Vultr: ")
    assert told in said.err
    assert "Traceback" not in said.err
    # Also what arrived well is not written: all that was asked for, or nothing.
    assert kept.read_text() == "plans: []\n"
    assert [path.name for path in kept.parent.iterdir()] == ["vultr.yaml"]


def test_a_short_rate_limit_is_waited_out(fleet, provider: Provider) -> None:  # noqa: F811
    provider.answers(VULTR, {"error": "Rate limit exceeded", "status": 429}, status=429, Retry_After="0")
    provider.answers(VULTR, vultr_page(plan()))
    assert fleet("catalogue", "refresh", "--yes").code == 0
    assert len(provider.asked) == 2


def test_an_unreachable_provider_is_one_line(fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    # Port 9 of the loopback: nobody listens there.
    monkeypatch.setenv("FLEET_VULTR_URL", "http://127.0.0.1:9")
    said = fleet("catalogue", "refresh", "--yes")
    assert said.code == 1
    assert "Vultr: no answer from 127.0.0.1" in said.err


def test_a_missing_token_is_named(fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DIGITALOCEAN_TOKEN")
    said = fleet("catalogue", "refresh", "digitalocean", "--yes")
    assert said.code == 1
    assert "set DIGITALOCEAN_TOKEN" in said.err


def test_a_mistyped_provider_names_those_that_there_are(fleet) -> None:
    said = fleet("catalogue", "refresh", "vulture", "--yes")
    assert said.code == 1
    assert "no live prices of 'vulture'. Allowed: vultr, digitalocean, lightsail, ec2" in said.err


def test_without_a_yes_nothing_is_written(fleet, folder: Folder, provider: Provider, monkeypatch) -> None:  # noqa: F811
    provider.answers(VULTR, vultr_page(plan()))
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    said = fleet("catalogue", "refresh")
    assert said.code == 3
    assert "not confirmed: nothing was written" in said.err
    assert not (folder.root / "catalogue").exists()


def test_a_row_of_the_users_own_is_not_written_over(fleet, folder: Folder, provider: Provider) -> None:  # noqa: F811
    row = '{service: vultr, name: vhp-4c-8gb-amd, monthly_usd: "40", source: a contract, as_of: 2026-11-01}'
    folder.write("catalogue/contract.yaml", f"plans: [{row}]\n")
    provider.answers(VULTR, vultr_page(plan(), plan("vc2-4c-8gb", 44)))
    said = fleet("catalogue", "refresh", "--yes")
    assert said.code == 0, said.err
    assert "vultr vhp-4c-8gb-amd: your own row in catalogue/contract.yaml stays" in said.out
    catalogue = load(folder.root).catalogue
    assert catalogue.monthly_usd("vultr", "vhp-4c-8gb-amd", "ewr") == Decimal(40)
    assert catalogue.monthly_usd("vultr", "vc2-4c-8gb", "ewr") == Decimal(44)


def bundle(name: str = "large_3_0", price: float = 46.0, **more: Any) -> dict[str, Any]:
    """As Lightsail writes one."""
    return {
        "price": price, "cpuCount": 2, "diskSizeInGb": 160, "bundleId": name, "instanceType": "large", "isActive": True,
        "name": "Large", "power": 3000, "ramSizeInGb": 8.0, "transferPerMonthInGb": 5120,
        "supportedPlatforms": ["LINUX_UNIX"], "publicIpv4AddressCount": 1, **more,
    }  # fmt: skip


def test_lightsails_bundles(fleet, folder: Folder, provider: Provider) -> None:  # noqa: F811
    provider.answers("GetBundles", {"bundles": [bundle(), bundle("small_3_0", 13.0)], "nextPageToken": "2"})
    provider.answers(
        "GetBundles",
        {
            "bundles": [
                bundle("medium_3_0", 99.0, supportedPlatforms=["WINDOWS"]),
                bundle("nano_3_0", 1, isActive=False),
            ]
        },
    )
    said = fleet("catalogue", "refresh", "lightsail", "--yes")
    assert said.code == 0, said.err
    catalogue = load(folder.root).catalogue
    assert catalogue.monthly_usd("lightsail", "large_3_0", "ap-northeast-1") == Decimal(46)
    assert catalogue.monthly_usd("lightsail", "small_3_0", "eu-west-2") == Decimal(13)
    # Neither Windows nor what is sold no more.
    assert catalogue.monthly_usd("lightsail", "medium_3_0", "eu-west-2") == Decimal(24)
    assert "listed no more, rows stay as they are: nano_3_0" in said.out


def product(kind: str, region: str, hourly: str) -> str:
    """As AWS's price list writes one: a text that holds JSON."""
    return json.dumps(
        {
            "product": {
                "productFamily": "Compute Instance",
                "attributes": {"instanceType": kind, "regionCode": region, "vcpu": "4", "memory": "8 GiB"},
            },
            "serviceCode": "AmazonEC2",
            "terms": {
                "OnDemand": {
                    "X.JRTC": {"priceDimensions": {"X.JRTC.6YS6": {"unit": "Hrs", "pricePerUnit": {"USD": hourly}}}}
                }
            },
        }
    )


def ec2_answers(provider: Provider, *products: str) -> None:  # noqa: F811
    for kind in ("t3.medium", "c7i.large", "c7i.xlarge", "t3.large", "t3.xlarge"):
        rows = [row for row in products if f'"{kind}"' in row] or [product(kind, "us-east-1", "0.0416000000")]
        provider.answers("GetProducts", {"FormatVersion": "aws_v1", "PriceList": rows})


def test_ec2s_prices_by_region(fleet, folder: Folder, provider: Provider) -> None:  # noqa: F811
    tokyo = product("c7i.xlarge", "ap-northeast-1", "0.2247000000")
    ec2_answers(provider, product("c7i.xlarge", "us-east-1", "0.1785000000"), tokyo)
    said = fleet("catalogue", "refresh", "ec2", "--yes")
    assert said.code == 0, said.err
    catalogue = load(folder.root).catalogue
    # 0.2247 x 730 = 164.031
    assert catalogue.monthly_usd("ec2", "c7i.xlarge", "ap-northeast-1") == Decimal("164.03")
    assert catalogue.monthly_usd("ec2", "c7i.xlarge", "eu-west-2") is None
    # The spot market is another list.
    kept = catalogue.plan("ec2", "c7i.xlarge")
    assert kept is not None
    assert kept.spot_hourly_usd == Decimal("0.0513")


@pytest.mark.parametrize(
    ("document", "status", "told"),
    [
        (
            {"__type": "UnrecognizedClientException", "message": "The security token is invalid."},
            400,
            "token is invalid",
        ),
        ({"PriceList": ['{"product":']}, 200, "cut short or no JSON"),
        ({"PriceList": ['{"product": {}, "terms": {}}']}, 200, "another shape"),
        ({"PriceList": []}, 200, "its price list has no t3.medium"),
    ],
)
def test_ec2s_faults(
    fleet,
    folder: Folder,
    provider: Provider,  # noqa: F811
    document: Any,
    status: int,
    told: str,
) -> None:
    provider.answers("GetProducts", document, status=status)
    said = fleet("catalogue", "refresh", "ec2", "--yes")
    assert said.code == 1
    assert told in said.err
    assert "Traceback" not in said.err
    assert not (folder.root / "catalogue").exists()


def test_without_credentials_aws_is_not_asked(fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for service in ("lightsail", "ec2"):
        said = fleet("catalogue", "refresh", service, "--yes")
        assert said.code == 1
        assert "its prices need credentials" in said.err
