"""A fleet's own rows of venues take the place of ours, and everything wrong with them is told at once."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

import pytest
import yaml

from fleet.catalogue.price_reading import load_prices
from fleet.catalogue.venue_sites import load_venue_list
from fleet.configuration import Configuration, load
from fleet.map.chart import chart
from fleet.model.problems import ConfigurationError
from fleet.placement.gains import gains
from fleet.placement.question import Question, ask
from fleet.rehearsal.project import LabFacts, prepare_project
from infra.bundles.venues import used_venues

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]

OURS = """
defaults: {source: our account manager, as_of: 2026-11-01}
venues:
  - {name: kraken, status: active}
  - name: dark-pool
    title: A dark pool
    kind: broker
    assets: [us-stocks]
    prefix: DarkPool
    credentials: [{name: api-key, variable: DarkPool__ApiKey}]
    refused_from: [GB]
    refusal: its contract says so
venue_sites:
  - {venue: tiingo, place: chicago}
  - {venue: dark-pool, place: new-jersey}
"""


@dataclass(frozen=True)
class Folder:
    """A fleet's folder with the default files, to be changed."""

    root: Path

    def own(self, text: str, name: str = "ours.yaml") -> Folder:
        (self.root / "catalogue").mkdir(exist_ok=True)
        (self.root / "catalogue" / name).write_text(text)
        return self

    def uses(self, region: str, venue: str, mode: str = "active") -> Folder:
        file = self.root / f"Pulumi.{region}.yaml"
        document = yaml.safe_load(file.read_text())
        document["config"]["fleet:venues"][venue] = mode
        file.write_text(yaml.safe_dump(document, sort_keys=False))
        return self

    def load(self) -> Configuration:
        return load(self.root)

    def problems(self) -> list[str]:
        with pytest.raises(ConfigurationError) as told:
            self.load()
        return str(told.value).splitlines()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    for file in (ROOT / "fleet.yaml", ROOT / "images.yaml", *ROOT.glob("Pulumi.*.yaml")):
        shutil.copy(file, tmp_path)
    return Folder(tmp_path)


def test_a_row_needs_only_what_differs_and_the_other_rows_stay(folder: Folder) -> None:
    shipped = load_venue_list()
    venues = folder.own(OURS).load().venues

    kraken, ours = venues.by_name["kraken"], shipped.by_name["kraken"]
    assert (kraken.status, ours.status) == ("active", "in-progress")
    assert (kraken.endpoints, kraken.credentials) == (ours.endpoints, ours.credentials)
    assert kraken.source == "our account manager"
    assert venues.by_name["alpaca"] == shipped.by_name["alpaca"]
    assert set(venues.by_name) == {*shipped.by_name, "dark-pool"}
    [tiingo] = venues.sites_of("tiingo")
    assert (tiingo.place, tiingo.source) == ("chicago", "our account manager")


def test_a_venue_of_ones_own_is_used_placed_and_drawn(folder: Folder) -> None:
    configuration = folder.own(OURS).uses("nj", "dark-pool").load()
    prices = load_prices(configuration.catalogue, folder.root / "catalogue")

    assert "dark-pool" in {use.venue for use, _ in used_venues(configuration, "nj", "broker")}
    asked = ask(Question(venues=("dark-pool",)), configuration, prices)
    reached = {
        offer.name: reach[0] for offer, reach in zip(asked.offers, asked.problem.reaches, strict=True) if offer.name
    }
    assert reached["nj"].ms == 2.0
    assert reached["ldn"].barred == "A dark pool refuses GB addresses: its contract says so"
    drawn = {
        region.name: {served.title for served in region.serves}
        for region in chart(configuration, prices, {}, {}).regions
    }
    assert "A dark pool" in drawn["nj"]
    closer = gains({"hub": "cdmx", "nj": "new-jersey"}, ["hub"], ["nj"], configuration.venues)
    assert {"dark-pool"} <= {gain.site for gain in closer}


def test_a_venue_that_a_row_brings_into_use_is_run(folder: Folder) -> None:
    assert "kraken" not in {use.venue for use, _ in used_venues(folder.load(), "ldn", "broker")}
    assert "kraken" in {use.venue for use, _ in used_venues(folder.own(OURS).load(), "ldn", "broker")}


def test_a_venue_that_a_row_disables_must_not_be_used(folder: Folder) -> None:
    folder.own("venues: [{name: alpaca, status: disabled, source: they closed, as_of: 2026-11-01}]")
    assert any("is a mode for alpaca, which is disabled in the catalogue" in line for line in folder.problems())


def test_a_rehearsal_has_the_same_rows(folder: Folder, tmp_path: Path) -> None:
    folder.own(OURS).uses("nj", "dark-pool")
    project = tmp_path / "rehearsal"
    facts = LabFacts(
        operator=IPv4Network("198.18.60.1/32"),
        mesh_cidr=IPv4Network("198.18.48.0/22"),
        docker_pool=IPv4Network("198.18.52.0/22"),
        hub_address="198.18.34.100",
        hub_host_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK0wmN/Cr3JXqmLW7u+g9pTh+wyqDHpSQEIQczXkVx9q",
        hub_public_port=8080,
        open_regions=("hub", "nj"),
    )
    prepare_project(folder.root, project, facts)
    shutil.copy(ROOT / "images.yaml", project)
    assert "dark-pool" in load(project).venues.by_name

    shutil.rmtree(folder.root / "catalogue")
    prepare_project(folder.root, project, facts)
    assert not (project / "catalogue").exists()


BAD = """
defaults: {source: a note, as_of: 2026-11-01}
venues:
  - {name: alpaca, status: gone}
  - {name: new-broker, title: New, kind: broker, assets: [crypto], refused_from: [us]}
  - {name: no-prefix, title: None, kind: broker, assets: [crypto]}
  - {name: twice-broker, title: Twice, kind: broker, assets: [crypto], prefix: T,
     credentials: [{name: key, variable: T__Key}, {name: secret, variable: T__Key}]}
  - {name: lost-feed, title: Lost, kind: feed, assets: [crypto], via: alpacca}
  - {name: coinbase, hosting: {where: a hall, place: virginai, source: a blog}}
  - {name: kraken, status: active}
  - {name: kraken, status: active}
  - [binance]
venue_sites:
  - {venue: alpacca, place: virginia}
  - {venue: tiingo, place: chicgo, egde: true}
  - {venue: eodhd, place: chicgo}
"""


def test_every_error_of_every_row_is_in_one_report(folder: Folder) -> None:
    folder.own(BAD).own("venue_sites:\n  - {venue: fmp, place: chicago}\n", "more.yaml").uses("nj", "alpcaa")
    said = "\n".join(folder.problems())
    for problem in (
        "catalogue/ours.yaml:4: venues[0].status: is not allowed",
        "catalogue/ours.yaml:5: venues[1].refused_from[0]: ",
        "catalogue/ours.yaml:6: venues[2]: is a broker without a prefix",
        "catalogue/ours.yaml:7: venues[3]: has the variable T__Key twice",
        "catalogue/ours.yaml:9: venues[4].via: is not a venue of the catalogue",
        "catalogue/ours.yaml:10: venues[5].hosting.place: is not a place of the catalogue",
        "catalogue/ours.yaml:12: venues[7]: stands twice in this catalogue",
        "catalogue/ours.yaml:13: venues[8]: is not a mapping",
        "catalogue/ours.yaml:15: venue_sites[0].venue: is not a venue of the catalogue",
        "catalogue/ours.yaml:16: venue_sites[1].egde: is not a known key",
        "catalogue/ours.yaml:17: venue_sites[2].place: is not a place of the catalogue",
        "catalogue/more.yaml:2: venue_sites[0].source: is missing",
        "catalogue/more.yaml:2: venue_sites[0].as_of: is missing",
        # A broken stack file is in the same report.
        "Pulumi.nj.yaml",
    ):
        assert problem in said, f"{problem}\n{said}"
    assert "did you mean 'alpaca'?" in said
    assert "did you mean 'chicago'?" in said
