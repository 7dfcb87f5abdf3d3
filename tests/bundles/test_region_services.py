"""The bundles of the default fleet as each region's host gets them, above all ``trading``, ``data`` and ``hub``.

After a change of the rendering: ``FLEET_GOLDEN=write`` writes ``golden/`` anew, and the diff is what hosts will see.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleet.catalogue.venues import credential_name, load_venues
from fleet.configuration import Configuration, HostRef, load
from fleet.model.fleet import Services
from fleet.model.images import Image, Images
from fleet.model.memory import HOST_RESERVE_MB, memory_profile
from fleet.model.venue import VenueUse
from fleet.operation.one_trader import may_trade
from fleet.secrets import SecretError, Vault
from hosts.release import PublishedPort, Release
from infra.bundles import questdb, redis
from infra.bundles.data import data_release
from infra.bundles.host_bundles import bundles_of, releases_of
from infra.bundles.hub import hub_release
from infra.bundles.trading import trading_release
from infra.bundles.venues import traded_accounts

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"
RENDERERS: dict[str, Callable[[Configuration, HostRef, Vault], Release]] = {
    "trading": trading_release,
    "data": data_release,
    "hub": hub_release,
}
REGIONS = ("hub", "nj", "sg", "ldn", "chi", "tyo", "fra")
DIGEST = f"sha256:{'0' * 64}"
REFERENCE = r"secret:[a-z0-9]+/[^\s#]+#[0-9a-f]{12}"


def value_of(name: str) -> str:
    """A made-up credential that tells whose it is."""
    return f"value-of-{name.replace('/', '-')}"


VAULT = Vault(bytes(range(32)), value_of)


@pytest.fixture(scope="module")
def configuration() -> Configuration:
    read = load(ROOT)
    keys = (*read.images.by_key, "ib-gateway")
    image = {key: Image(repository=f"registry.example/{key}", tag="1", digest=DIGEST) for key in keys}
    return dataclasses.replace(read, images=Images(image))


def rendered(configuration: Configuration, region: str, vault: Vault = VAULT) -> dict[str, Release]:
    ref = configuration.hosts_of(region)[0]
    bundles = configuration.stacks[region].bundles
    return {name: render(configuration, ref, vault) for name, render in RENDERERS.items() if name in bundles}


def using(configuration: Configuration, region: str, *uses: VenueUse, **changes: Any) -> Configuration:
    """The same fleet, where a region uses other venues."""
    stack = configuration.stacks[region].model_copy(update={"venues": uses, **changes})
    return dataclasses.replace(configuration, stacks={**configuration.stacks, region: stack})


def contents(release: Release) -> str:
    return "".join(f"### {file.path} {file.mode:o}\n{file.content}" for file in release.files)


def without_programs(release: Release) -> str:
    """The rendered files. Programs that go along, of the standard library alone, are as they are in their rooms."""
    rendered = tuple(file for file in release.files if not file.path.endswith(".py"))
    return contents(dataclasses.replace(release, files=rendered))


def environment(release: Release, path: str) -> dict[str, str]:
    """An env file with its references filled in, as its service reads it."""
    text = next(file.content for file in release.files if file.path == f"env/{path}.env")
    return dict(re.findall(r"(?m)^(\w+)='(.*)'$", VAULT.fill(text)))


def services(release: Release) -> dict[str, Any]:
    compose = next(file.content for file in release.files if file.path == "compose.yaml")
    document: dict[str, Any] = yaml.safe_load(compose)["services"]
    return document


@pytest.mark.parametrize("region", REGIONS)
def test_golden(region: str, configuration: Configuration) -> None:
    ref = configuration.hosts_of(region)[0]
    for bundle, release in zip(bundles_of(configuration, ref), releases_of(configuration, ref, VAULT), strict=True):
        path = GOLDEN / f"{region}-{bundle}.txt"
        # A reference's fingerprint is the keyed hash of a value: that it changes with the value has a test of its own.
        text = re.sub(r"(secret:[a-z0-9]+/[^\s#]*)#[0-9a-f]{12}", r"\1#...", without_programs(release))
        if os.environ.get("FLEET_GOLDEN") == "write":
            path.write_text(text)
        assert text == path.read_text()


@pytest.mark.parametrize("region", REGIONS)
def test_no_secret_stands_in_a_release_and_those_that_are_filled_in_are_readable_by_one_user_alone(
    region: str, configuration: Configuration
) -> None:
    """Of every bundle. What a secret is, its references say."""
    releases = releases_of(configuration, configuration.hosts_of(region)[0], VAULT)
    references = {found for each in releases for found in re.findall(REFERENCE, contents(each))}
    secrets = {VAULT.fill(reference) for reference in references}
    assert len(secrets) >= 3, "QuestDB's and Redis' passwords at least"
    for release in releases:
        text = contents(release)
        assert [secret for secret in secrets if secret in text] == [], release.bundle
        for file in release.files:
            if VAULT.has_reference(file.content):
                assert file.mode in (0o400, 0o600), f"{release.bundle}: {file.path}"


@pytest.mark.parametrize("region", REGIONS)
def test_a_region_gets_the_credentials_of_its_own_venues_and_no_others(
    region: str, configuration: Configuration
) -> None:
    asked: list[str] = []

    def source(name: str) -> str:
        asked.append(name)
        return value_of(name)

    releases = rendered(configuration, region, Vault(bytes(range(32)), source)).values()
    filled = "".join(VAULT.fill(contents(release)) for release in releases)
    venues = load_venues()
    own = {
        credential_name(use.venue, region, credential)
        for use in configuration.stacks[region].venues
        if venues[use.venue].status == "active"
        for credential in venues[use.venue].all_credentials
    }
    assert set(asked) == own
    assert set(re.findall(r"value-of-[a-z-]+", filled)) == {value_of(name) for name in own}


def test_the_hub_holds_no_broker_s_credential_unless_it_stands_by(configuration: Configuration) -> None:
    brokers = {name for name, venue in load_venues().items() if venue.kind == "broker"}

    def held(of: Configuration) -> set[str]:
        text = "".join(contents(release) for release in rendered(of, "hub").values())
        return {venue for venue in re.findall(r"secret:named/([a-z-]+)/hub/", text) if venue in brokers}

    assert held(configuration) == set()
    standby = VenueUse(venue="alpaca", account="main", mode="standby")
    assert held(using(configuration, "hub", standby, bundles=("questdb", "redis", "trading", "hub"))) == {"alpaca"}


def test_services_know_their_stores(configuration: Configuration) -> None:
    stores = environment(rendered(configuration, "nj")["trading"], "stores")
    writer, reader = (VAULT.password("questdb", user) for user in ("writer", "reader"))
    assert stores["ConnectionStrings__QuestDB"] == (
        f"host=questdb;port=8812;database=qdb;username=reader;password={reader}"
    )
    assert stores["ConnectionStrings__QuestDBPrimary"] == (
        f"host=10.77.0.1;port=8812;database=qdb;username=writer;password={writer}"
    )
    assert stores["REDIS_CONNECTION"].startswith("redis-local:6379,")
    assert (stores["FLEET_REGION"], stores["FLEET_HUB_UNREACHABLE"]) == ("nj", "refuse")


def test_a_region_without_a_replica_reads_the_primary(configuration: Configuration) -> None:
    stores = environment(rendered(configuration, "chi")["trading"], "stores")
    assert stores["ConnectionStrings__QuestDB"].startswith("host=10.77.0.1;port=8812;database=qdb;username=reader;")


def test_the_hub_writes_to_the_primary_beside_it(configuration: Configuration) -> None:
    stores = environment(rendered(configuration, "hub")["hub"], "stores")
    assert stores["ConnectionStrings__QuestDBPrimary"].startswith("host=questdb;")


def test_who_stands_by_is_told_not_to_trade(configuration: Configuration) -> None:
    sg, tyo = (rendered(configuration, region)["trading"] for region in ("sg", "tyo"))
    assert environment(sg, "trading")["FLEET_VENUES"] == (
        "binance:main=active,bybit:main=active,interactive-brokers:asia=active"
    )
    assert environment(tyo, "trading")["FLEET_VENUES"] == "interactive-brokers:japan=active,binance:main=standby"
    assert environment(sg, "venue-binance")["Binance__TradingEnabled"] == "true"
    assert environment(tyo, "venue-binance")["Binance__TradingEnabled"] == "false"


def test_a_release_tells_which_accounts_it_trades(configuration: Configuration) -> None:
    for region in ("nj", "sg", "ldn", "tyo"):
        release = rendered(configuration, region)["trading"]
        found = traded_accounts({file.path: file.content for file in release.files})
        assert found == may_trade(configuration, region), region
        assert found


def test_a_venue_in_progress_is_not_run(configuration: Configuration) -> None:
    assert "kraken" not in contents(rendered(configuration, "ldn")["trading"]).lower()


def test_interactive_brokers_gateway_alone_has_its_login(configuration: Configuration) -> None:
    trading = rendered(configuration, "nj")["trading"]
    assert set(services(trading)) == {"trading-service", "ib-gateway-us"}
    assert environment(trading, "ib-gateway-us") == {
        "TWS_USERID": "value-of-interactive-brokers-nj-username",
        "TWS_PASSWORD": "value-of-interactive-brokers-nj-password",
    }
    assert environment(trading, "venue-interactive-brokers") == {
        "InteractiveBrokers__TradingEnabled": "true",
        "InteractiveBrokers__Gateway": "ib-gateway-us:4001",
    }
    data = rendered(configuration, "sg")["data"]
    assert environment(data, "data")["InteractiveBrokers__Gateway"] == "ib-gateway-asia:4001"


def test_only_the_gateway_is_published_and_on_the_mesh_address_alone(configuration: Configuration) -> None:
    published = {
        (region, bundle): release.gate.ports
        for region in REGIONS
        for bundle, release in rendered(configuration, region).items()
        if release.gate.ports
    }
    assert published == {("hub", "hub"): (PublishedPort("10.77.0.1", 5000),)}
    assert services(rendered(configuration, "hub")["hub"])["api-gateway"]["ports"] == ["10.77.0.1:5000:5000/tcp"]


def test_a_changed_credential_is_another_release(configuration: Configuration) -> None:
    other = Vault(bytes(range(32)), lambda name: "new" if name == "alpaca/nj/api-key" else value_of(name))
    before, after = rendered(configuration, "nj"), rendered(configuration, "nj", other)
    assert before["trading"].digest != after["trading"].digest
    assert before["data"].digest == after["data"].digest


def test_a_missing_credential_is_said_with_the_command_that_sets_it(configuration: Configuration) -> None:
    def source(name: str) -> str:
        raise SecretError(f"no secret {name}: run: fleet secrets set {name}")

    with pytest.raises(SecretError) as caught:
        rendered(configuration, "nj", Vault(bytes(range(32)), source))
    assert str(caught.value) == (
        "nj uses Alpaca, which needs its api-key: no secret alpaca/nj/api-key: run: fleet secrets set alpaca/nj/api-key"
    )


def test_the_health_check_can_be_chosen(configuration: Configuration) -> None:
    chosen = Services(health=("/app/health", "--port={port}", "$HOME"))
    changed = dataclasses.replace(configuration, fleet=configuration.fleet.model_copy(update={"services": chosen}))
    check = services(rendered(changed, "nj")["data"])["data-service"]["healthcheck"]["test"]
    assert check == ["CMD", "/app/health", "--port=5002", "$$HOME"]


@pytest.mark.parametrize("region", REGIONS)
def test_the_sum_of_all_limits_and_the_host_s_own_share_fit(region: str, configuration: Configuration) -> None:
    limits = [
        int(service["mem_limit"].removesuffix("m"))
        for release in rendered(configuration, region).values()
        for service in services(release).values()
    ]
    host_mb = {"hub": 16_000, "ldn": 4_000, "fra": 4_000}.get(region, 8_000)
    assert sum(limits) + HOST_RESERVE_MB < host_mb


@pytest.mark.parametrize("host_mb", [4_000, 8_000, 16_000, 32_000])
def test_the_stores_limits_are_those_that_their_bundles_render(host_mb: int) -> None:
    profile, memory = memory_profile(host_mb), redis.memory_of(host_mb, host_mb)
    assert profile.questdb == questdb.memory_of(host_mb).limit_mb
    assert profile.shipper == questdb.SHIPPER_LIMIT_MB
    assert (profile.redis_instance, profile.redis_local) == (memory.cluster_limit_mb, memory.local_limit_mb)
    assert profile.keeper == redis.KEEPER_LIMIT_MB
