"""Traffic beyond what is included, by each seller's rule."""

from __future__ import annotations

from decimal import Decimal

import pytest

from fleet.cost.estimate import Estimate
from tests.cost.conftest import Folder


def rows(estimate: Estimate) -> dict[str, str]:
    return {line.row: str(line.monthly_usd) for line in estimate.lines if line.row.endswith("/transfer")}


def test_vultr_servers_share_what_their_plans_include(folder: Folder) -> None:
    # Three servers of 6 TB, 1,024 GB each: 18,432 GB for all. nj alone uses 10,000 GB of it: nothing to pay.
    shared = folder.answer(usage="regions: {nj: {gb_out: 10000}}").shown
    assert rows(shared) == {}
    assert [(row.service, row.included_gb, row.used_gb) for row in shared.allowances] == [
        ("vultr", Decimal(18432), Decimal(10000)),
        ("digitalocean", Decimal(13000), Decimal(0)),
    ]


def test_what_is_beyond_the_pool_is_paid_where_it_arises(folder: Folder) -> None:
    # 10,000 + 10,432 - 18,432 = 2,000 GB beyond, 20.00 at 0.01. nj is 3,856 GB beyond its own 6,144, chi 4,288:
    # nj pays 2,000 x 3,856 / 8,144 = 946.95 GB = 9.47, chi the other 1,053.05 GB = 10.53.
    beyond = folder.answer(usage="regions: {nj: {gb_out: 10000}, chi: {gb_out: 10432}}").shown
    assert rows(beyond) == {"nj/transfer": "9.47", "chi/transfer": "10.53"}
    assert beyond.monthly_usd == Decimal("299.00")


def test_a_server_of_half_a_month_brings_half_of_what_its_plan_includes(folder: Folder) -> None:
    usage = "default: {hours: 365}\nregions: {nj: {hours: 365, gb_out: 9217}}"
    # Half of 18,432 is 9,216: 1 GB beyond.
    assert rows(folder.answer(usage=usage).shown) == {"nj/transfer": "0.01"}


def test_lightsail_counts_both_ways_for_each_server_and_bills_the_way_out(folder: Folder) -> None:
    folder.host(
        "tyo", provider="aws", service="lightsail", location="ap-northeast-1", plan="large_3_0", image="debian-12"
    )
    # 5 TB = 5,120 GB. In and out come to 7,120, so 2,000 GB are beyond, but only 1,000 of all went out.
    found = folder.answer(usage="regions: {tyo: {gb_out: 1000, gb_in: 6120}}").shown
    assert rows(found) == {"tyo/transfer": "140.00"}
    # All of it out: 2,000 GB at 0.14, in Tokyo.
    assert rows(folder.answer(usage="regions: {tyo: {gb_out: 7120}}").shown) == {"tyo/transfer": "280.00"}


def test_ec2_has_100_gb_for_the_account(folder: Folder) -> None:
    folder.host("nj", provider="aws", service="ec2", location="us-east-1", plan="c7i.xlarge")
    assert rows(folder.answer(usage="regions: {nj: {gb_out: 100}}").shown) == {}
    # 1,000 GB beyond at 0.09.
    assert rows(folder.answer(usage="regions: {nj: {gb_out: 1100}}").shown) == {"nj/transfer": "90.00"}


def test_a_price_of_a_gb_that_is_not_known_is_unpriced(folder: Folder) -> None:
    folder.edit("fleet.yaml", lambda fleet: fleet["regions"]["chi"].update(place="hong-kong"))
    folder.host("chi", provider="aws", service="lightsail", location="ap-east-1", plan="large_3_0", image="debian-12")
    found = folder.answer(usage="regions: {chi: {gb_out: 6000}}").shown
    assert [line.row for line in found.unpriced] == ["chi/transfer"]
    assert "ap-east-1" in found.unpriced[0].rule


@pytest.mark.parametrize("gigabytes", [0, 1, 13000])
def test_what_is_included_costs_nothing(folder: Folder, gigabytes: int) -> None:
    found = folder.answer(usage=f"regions: {{sg: {{gb_out: {gigabytes}}}}}").shown
    assert found.monthly_usd == Decimal("279.00")


def test_a_regions_traffic_is_counted_once_however_many_servers_it_has(folder: Folder) -> None:
    second = {"provider": "vultr", "location": "ewr", "plan": "vc2-1c-1gb", "index": 1}
    folder.edit("Pulumi.nj.yaml", lambda stack: stack["config"]["fleet:hosts"].update(second=second))
    found = folder.answer(usage="regions: {nj: {gb_out: 5000}}").shown
    assert found.allowances[0].used_gb == Decimal(5000)
    assert found.allowances[0].included_gb == Decimal(18432 + 1024)


def test_traffic_of_a_server_that_stands_already_is_unpriced_and_counted(fleet, folder: Folder) -> None:
    assert rows(folder.answer().shown) == {}
    found = folder.answer(usage="regions: {hub: {gb_out: 500}}").shown
    [line] = found.unpriced
    assert (line.row, line.service, line.monthly_usd) == ("hub/transfer", "existing", None)
    assert found.monthly_usd == Decimal("279.00")

    said = fleet("cost", "--usage", "usage.yaml")
    assert said.code == 0
    assert "UNPRICED: 1, in no sum: hub/transfer" in said.out
    assert "1 unpriced not counted" in said.out
    strict = fleet("cost", "--usage", "usage.yaml", "--strict")
    assert (strict.code, strict.err) == (1, "error: 1 unpriced: hub/transfer\n")


def test_traffic_of_a_region_with_a_standing_server_is_not_counted_at_another_one(folder: Folder) -> None:
    second = {"provider": "vultr", "location": "mex", "plan": "vc2-1c-1gb", "index": 1}
    folder.edit("Pulumi.hub.yaml", lambda stack: stack["config"]["fleet:hosts"].update(second=second))
    found = folder.answer(usage="regions: {hub: {gb_out: 500}}").shown
    assert [line.row for line in found.unpriced] == ["hub/transfer"]
    assert next(row.used_gb for row in found.allowances if row.service == "vultr") == 0
