"""The default fleet, priced on a fixed day with the prices that this package ships."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleet.catalogue import load as load_catalogue
from fleet.catalogue.price_reading import load_prices
from fleet.catalogue.prices import PriceList
from fleet.configuration import Configuration, load
from fleet.cost.answer import Answer, answer
from tests.orphans.conftest import Provider, provider  # noqa: F401 - a fixture
from tests.said import Fleet, fleet_in

ROOT = Path(__file__).parents[2]
TODAY = date(2026, 11, 23)


@pytest.fixture(scope="session")
def prices() -> PriceList:
    return load_prices(load_catalogue())


@pytest.fixture(scope="session")
def default() -> Configuration:
    return load(ROOT)


@dataclass(frozen=True)
class Folder:
    """A fleet's folder with the default files, to be changed."""

    root: Path

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    def edit(self, name: str, change: Callable[[dict[str, Any]], None]) -> None:
        document = yaml.safe_load((self.root / name).read_text())
        change(document)
        self.write(name, yaml.safe_dump(document, sort_keys=False))

    def host(self, region: str, **values: Any) -> None:
        """Choose another main server for a region."""
        self.edit(f"Pulumi.{region}.yaml", lambda document: document["config"]["fleet:hosts"].update(main=values))

    def answer(self, *stacks: str, usage: str | None = None) -> Answer:
        file = self.write("usage.yaml", usage) if usage is not None else None
        return answer(self.root, load(self.root), stacks, file, TODAY)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    root = tmp_path / "fleet"
    root.mkdir()
    for file in (ROOT / "fleet.yaml", ROOT / "images.yaml", *ROOT.glob("Pulumi.*.yaml")):
        shutil.copy(file, root)
    return Folder(root)


@pytest.fixture
def fleet(folder: Folder, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Fleet:
    """Run ``fleet ARGUMENTS`` in the folder."""
    return fleet_in(folder.root, monkeypatch, capfd)


@pytest.fixture
def lists(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Provider:  # noqa: F811
    """Every provider's lists of prices, by one server on the loopback."""
    for name in ("FLEET_VULTR_URL", "DIGITALOCEAN_API_URL", "AWS_ENDPOINT_URL"):
        monkeypatch.setenv(name, provider.url)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "VULTR_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", "dop-secret")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    return provider
