"""``fleet cost`` as its user sees it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from tests.cost.conftest import Folder


def test_the_table_has_every_row_the_sums_and_the_budget(fleet) -> None:
    said = fleet("cost")
    assert said.code == 0
    assert re.search(r"nj/server +vhp-4c-8gb-amd at vultr ewr +vultr +48\.00 +2026-10-09", said.out)
    assert re.search(r"addresses +9\.00", said.out)
    assert "total: USD 279.00 a month, 3,348.00 a year, without tax" in said.out
    assert "budget of fleet: 279.00 of 335.00: 56.00 left" in said.out
    assert "traffic at vultr (account): 18,432 GB included, 0 GB expected" in said.out
    assert "UNPRICED" not in said.out


def test_json_has_money_as_text(fleet) -> None:
    facts = json.loads(fleet("cost", "--json").out)
    assert facts["monthly_usd"] == "279.00"
    assert facts["yearly_usd"] == "3348.00"
    assert facts["stacks"]["nj"] == "48.00"
    row = next(line for line in facts["lines"] if line["row"] == "nj/server")
    assert (row["monthly_usd"], row["priced"]) == ("48.00", True)
    assert row["origin"]["as_of"] == "2026-10-09"
    assert not _floats(facts)


def test_over_a_budget_is_exit_code_3(fleet, folder: Folder) -> None:
    folder.edit("fleet.yaml", lambda document: document["budgets"].update(monthly_usd="278.99"))
    said = fleet("cost")
    assert said.code == 3
    assert "budget of fleet: 279.00 of 278.99: OVER by 0.01" in said.out
    assert fleet("cost", "nj", "--json").code == 3


def test_unpriced_is_loud_and_an_error_only_when_asked_to_be(fleet, folder: Folder) -> None:
    folder.edit("fleet.yaml", lambda document: document["regions"]["chi"].update(place="sao-paulo"))
    folder.host("chi", provider="vultr", location="sao", plan="vhp-4c-8gb-amd")
    said = fleet("cost")
    assert said.code == 0
    assert re.search(r"chi/server .* unpriced +the price of vhp-4c-8gb-amd in sao is not known", said.out)
    assert "UNPRICED: 1, in no sum: chi/server" in said.out
    assert "1 unpriced not counted" in said.out
    facts = json.loads(fleet("cost", "--json").out)
    assert facts["unpriced"] == 1
    assert next(line for line in facts["lines"] if line["row"] == "chi/server")["monthly_usd"] is None
    assert "**unpriced**" in fleet("cost", "--markdown").out

    strict = fleet("cost", "--strict")
    assert strict.code == 1
    assert strict.err == "error: 1 unpriced: chi/server\n"
    assert fleet("cost", "nj", "--strict").code == 0


def test_explain_says_price_rule_source_and_day(fleet) -> None:
    said = fleet("cost", "--explain", "sg/server").out
    for text in (
        "sg/server: s-4vcpu-8gb at digitalocean sgp1",
        "a month    USD 48.00",
        "rule       the monthly price holds from 672 h",
        "source     DigitalOcean's price pages",
        "read on    2026-10-09",
        "stack      sg, counted for region sg",
    ):
        assert text in said


def test_a_mistyped_row_or_stack_is_one_line_with_the_right_one(fleet) -> None:
    row = fleet("cost", "--explain", "nj/sever")
    assert (row.code, row.out) == (2, "")
    assert row.err.startswith("error: no row 'nj/sever'. did you mean 'nj/server'? Rows: hub/server, ")
    stack = fleet("cost", "nk")
    assert stack.code == 2
    assert stack.err.startswith("error: no stack 'nk'. ")


def test_markdown_is_a_table_for_a_pull_request(fleet) -> None:
    said = fleet("cost", "nj", "--markdown").out.splitlines()
    assert said[0] == "### Cost of the fleet: USD 51.00 a month, 612.00 a year"
    assert "| row | what | USD a month | source | as of |" in said
    assert any(line.startswith("| nj/address | static address at vultr ewr | 3.00 |") for line in said)


class Page(HTMLParser):
    """What a page needs from elsewhere, and the texts of its chart."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.open: list[str] = []
        self.chart: list[str] = []
        self.bars = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.fetched += [value or "" for name, value in attributes if name in ("src", "href", "xlink:href")]
        self.open += [tag] if tag in ("svg", "script", "link") else []
        self.bars += tag == "rect" and "svg" in self.open and dict(attributes).get("height") == "26"

    def handle_endtag(self, tag: str) -> None:
        if tag == "svg":
            self.open.remove("svg")

    def handle_data(self, data: str) -> None:
        if "svg" in self.open:
            self.chart.append(data)


def test_html_is_one_page_that_needs_nothing_else(fleet, folder: Folder) -> None:
    assert fleet("cost", "--html", "cost.html").code == 0
    text = (folder.root / "cost.html").read_text()
    found = Page(text)
    assert found.fetched == []
    assert "script" not in found.open
    # One bar for each server and for each address that costs: 7 + 3.
    assert found.bars == 10
    assert {"hub", "30.00", "nj", "51.00", "fra", "24.00"} <= set(found.chart)
    assert "USD 279.00 a month" in text


def test_html_escapes_what_files_say(fleet, folder: Folder) -> None:
    def rename(document: dict) -> None:
        document["config"]["fleet:hosts"]["main"]["plan"] = "<script>alert(1)</script>"

    folder.edit("Pulumi.hub.yaml", rename)
    fleet("cost", "--html", "cost.html")
    text = (folder.root / "cost.html").read_text()
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_the_specifications_table_beside_ours(fleet) -> None:
    facts = json.loads(fleet("cost", "--compare-spec", "--json").out)
    assert (facts["claimed_usd"], facts["monthly_usd"]) == ("335.00", "204.00")
    assert {row["title"]: (row["claimed_usd"], row["monthly_usd"]) for row in facts["rows"]} == {
        "CDMX": ("30.00", "30.00"),
        "New Jersey": ("70.00", "51.00"),
        "Singapore": ("65.00", "48.00"),
        "London": ("70.00", "24.00"),
        "Chicago": ("100.00", "51.00"),
    }
    assert [row["title"] for row in facts["other_regions"]] == ["tyo", "fra"]
    # The reasons of a row add up to its difference.
    for row in facts["rows"]:
        named = [float(re.search(r"([+-][\d.]+):", reason)[1]) for reason in row["reasons"]]
        assert round(sum(named), 2) == float(row["difference_usd"]), row


def test_the_specifications_table_for_people(fleet) -> None:
    said = fleet("cost", "--compare-spec").out
    assert "total of these 5: the specification 335.00, ours 204.00 (-131.00) a month; 4,020.00 and 2,448.00" in said
    assert "server -32.00: vhp-4c-8gb-amd at vultr ord is listed at 48.00, the specification says 80.00" in said


@pytest.mark.parametrize("option", ["--alternatives", "--compare-spec", "--markdown"])
def test_no_answer_changes_a_file(fleet, folder: Folder, option: str) -> None:
    before = {path.name: path.read_bytes() for path in folder.root.iterdir()}
    assert fleet("cost", option).code == 0
    assert {path.name: path.read_bytes() for path in folder.root.iterdir()} == before


def _floats(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_floats, value.values()))
    return any(map(_floats, value)) if isinstance(value, list) else isinstance(value, float)


@pytest.mark.parametrize(
    "arguments",
    [(), ("--json",), ("--markdown",), ("--alternatives",), ("--compare-spec",), ("--explain", "nj/server")],
)
def test_every_answer_warns_of_old_prices(fleet, folder: Folder, arguments: tuple[str, ...]) -> None:
    row = '{service: vultr, name: vhp-4c-8gb-amd, monthly_usd: "48", source: an old list, as_of: 2025-01-01}'
    folder.write("catalogue/old.yaml", f"plans: [{row}]\n")
    said = fleet("cost", *arguments)
    assert re.search(r"3 prices of vultr are \d+ days old \(an old list, 2025-01-01\)", said.out + said.err), said
    assert "Run: fleet catalogue refresh vultr" in said.out + said.err
