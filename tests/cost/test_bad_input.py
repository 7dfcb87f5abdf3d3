"""Usage files and catalogues that users write: every error in one report, never a traceback."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.cost.usage import Usage, read_usage
from fleet.model.problems import ConfigurationError
from tests.cost.conftest import Folder

BAD_USAGE = """
default: {hours: 745, gb_out: -1}
regions:
  nj: {gbout: 5}
  njj: {hours: 1}
  sg: {hours: true}
dns:
  zones: 1.5
  health_checks:
    - {count: 0, protocol: icmp, interval_seconds: 20}
    - 7
month: 1
"""


def test_every_error_of_a_usage_file_is_in_one_report(fleet, folder: Folder) -> None:
    folder.write("usage.yaml", BAD_USAGE)
    said = fleet("cost", "--usage", "usage.yaml")
    assert (said.code, said.out) == (2, "")
    assert "Traceback" not in said.err
    for problem in (
        "usage.yaml:2: default.hours: is too large",
        "usage.yaml:2: default.gb_out: is not a number from 0",
        "usage.yaml:4: regions.nj.gbout: is not a known key",
        "usage.yaml:5: regions.njj: is not a region of fleet.yaml",
        "usage.yaml:6: regions.sg.hours: is not a number",
        "usage.yaml:8: dns.zones: is not a whole number",
        "usage.yaml:10: dns.health_checks[0].count: is too small",
        "usage.yaml:10: dns.health_checks[0].protocol: is not allowed",
        "usage.yaml:10: dns.health_checks[0].interval_seconds: is not allowed",
        "usage.yaml:11: dns.health_checks[1]: is not a mapping",
        "usage.yaml:12: month: is not a known key",
    ):
        assert problem in said.err, said.err
    assert "did you mean 'nj'?" in said.err
    assert "hours a month: a number 0..744" in said.err


@pytest.mark.parametrize(
    ("text", "says"), [("", "is empty"), ("- 1", "is not a mapping"), ("a: [", "is not valid YAML"), (None, "does not")]
)
def test_a_usage_file_that_is_none(fleet, folder: Folder, text: str | None, says: str) -> None:
    if text is not None:
        folder.write("usage.yaml", text)
    said = fleet("cost", "--usage", "usage.yaml")
    assert said.code == 2
    assert "usage.yaml" in said.err
    assert says in said.err


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 2000) | st.floats(allow_nan=False) | st.text("abc 1.-", max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                (
                    "default",
                    "regions",
                    "dns",
                    "nj",
                    "hours",
                    "gb_out",
                    "zones",
                    "health_checks",
                    "count",
                    "million_queries",
                )
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(value=VALUES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_whatever_a_usage_file_holds_it_is_read_or_reported(tmp_path, value: object) -> None:
    import yaml

    file = tmp_path / "usage.yaml"
    file.write_text(yaml.safe_dump(value))
    with suppress(ConfigurationError):
        assert isinstance(read_usage(file, ("nj",)), Usage)


BAD_CATALOGUE = """
defaults: {source: a contract, as_of: 2026-11-01}
plans:
  - {service: vultr, name: ours, vcpu: 0, memory_gb: 2, disk_gb: 5, transfer_tb: 1, monthly_usd: "-1"}
  - {service: vultur, name: other}
  - 5
charges:
  - {service: vultr, name: static address, usd: "2.50"}
  - {service: vultr, name: static address, usd: "2.50"}
billing: 7
platns: []
"""


def test_every_error_of_a_fleets_own_catalogue_is_in_one_report(fleet, folder: Folder) -> None:
    folder.write("catalogue/ours.yaml", BAD_CATALOGUE)
    folder.write("catalogue/more.yaml", 'plans:\n  - {service: vultr, name: vc2-1c-1gb, monthly_usd: "4"}\n')
    # A broken stack file is in the same report.
    folder.host("nj", provider="vultr", location="ewr", plan="vhp-4c-8gb-amdd")
    said = fleet("cost")
    assert (said.code, said.out) == (2, "")
    assert "Traceback" not in said.err
    for problem in (
        "catalogue/ours.yaml:4: plans[0].vcpu: is too small",
        "catalogue/ours.yaml:4: plans[0].monthly_usd: is too small",
        "catalogue/ours.yaml:5: plans[1].service: is not a service",
        "catalogue/ours.yaml:6: plans[2]: is not a mapping",
        "catalogue/ours.yaml:9: charges[1]: stands twice in this catalogue",
        "catalogue/ours.yaml:10: billing: is not a list",
        "catalogue/ours.yaml:11: platns: is not a known key",
        "catalogue/more.yaml:2: plans[0].source: is missing",
        "catalogue/more.yaml:2: plans[0].as_of: is missing",
        "Pulumi.nj.yaml",
    ):
        assert problem in said.err, said.err


def test_a_fleets_own_row_takes_the_place_of_ours_and_the_others_stay(folder: Folder) -> None:
    folder.write(
        "catalogue/contract.yaml",
        """
defaults: {source: our contract with Vultr, as_of: 2026-11-01}
plans:
  - {service: vultr, name: vhp-4c-8gb-amd, monthly_usd: "40"}
  - {service: vultr, name: reserved-for-us, vcpu: 4, memory_gb: 8, disk_gb: 100, transfer_tb: 5, monthly_usd: "33"}
charges:
  - {service: vultr, name: static address, usd: "2.50"}
""",
    )
    folder.host("chi", provider="vultr", location="ord", plan="reserved-for-us")
    shown = folder.answer().shown
    rows = {line.row: str(line.monthly_usd) for line in shown.lines}
    assert rows["nj/server"] == "40.00"
    assert rows["nj/address"] == "2.50"
    assert rows["chi/server"] == "33.00"
    assert rows["sg/server"] == "48.00"
    assert next(line for line in shown.lines if line.row == "nj/server").origin.source == "our contract with Vultr"
    # What the row does not say is as with us: 3 servers' traffic, of which one has 5 instead of 6 TB.
    assert shown.allowances[0].included_gb == Decimal(1024 * (6 + 5 + 6))


def test_a_row_that_names_a_price_replaces_all_prices_of_the_plan(folder: Folder) -> None:
    row = '{service: vultr, name: vhp-4c-8gb-amd, monthly_usd: "20", source: a contract, as_of: 2026-11-01}'
    folder.write("catalogue/contract.yaml", f"plans:\n  - {row}\n")
    # Our hourly price of 0.066 is gone with our monthly one: half of 730 hours is half of 20.
    found = folder.answer("nj", usage="regions: {nj: {hours: 365}}").shown
    assert next(line for line in found.lines if line.row == "nj/server").monthly_usd == Decimal("10.00")
