"""A venue on loopback, and the program of the hosts asked about it as a host would be."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fleet.latency.measure import Spot, measure_here
from fleet.latency.plan import Plan, Probe, Settings
from fleet.latency.result import CatalogueVersion, Run
from tests.latency.venue import Certificate, Venue, certificate
from tests.said import Fleet, fleet_in

CHECKOUT = Path(__file__).resolve().parents[2]
CATALOGUE = CatalogueVersion(as_of="2026-11-22", digest="sha256:0")
HERE = Spot("hub", "hub", "cdmx")


@pytest.fixture(scope="session")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("trusted"))


@pytest.fixture
def venue(signed: Certificate, monkeypatch: pytest.MonkeyPatch) -> Iterator[Venue]:
    """A venue whose authority this machine trusts for the test."""
    for variable in ("SSL_CERT_FILE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(variable, str(signed.authority))
    server = Venue(signed)
    yield server
    server.stop()


def probe(kind: str, url: str, period_seconds: float = 0.1, offset_seconds: float = 0.0) -> Probe:
    transport = {"websocket": "websocket", "tcp": "tcp"}.get(kind, "rest")
    return Probe("coinbase", transport, url, "", kind, period_seconds, offset_seconds)  # type: ignore[arg-type]


def plan(*probes: Probe, seconds: float = 3.0, timeout_seconds: float = 5.0) -> Plan:
    return Plan(Settings(seconds=seconds, timeout_seconds=timeout_seconds), seconds, probes, CATALOGUE)


Measure = Callable[..., Run]


@pytest.fixture
def measure() -> Measure:
    """Run the program of the hosts on this machine."""

    def run(*probes: Probe, seconds: float = 3.0, timeout_seconds: float = 5.0) -> Run:
        return measure_here(HERE, plan(*probes, seconds=seconds, timeout_seconds=timeout_seconds), simulated=False)

    return run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fleet's folder, the default files in it."""
    place = tmp_path / "fleet"
    place.mkdir()
    for file in (CHECKOUT / "fleet.yaml", CHECKOUT / "images.yaml", *CHECKOUT.glob("Pulumi*.yaml")):
        shutil.copyfile(file, place / file.name)
    monkeypatch.delenv("FLEET_ROOT", raising=False)
    return place


@pytest.fixture
def fleet(folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Fleet:
    """Run ``fleet ARGUMENTS`` in the fleet's folder."""
    return fleet_in(folder, monkeypatch, capfd)


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
