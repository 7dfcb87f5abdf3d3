"""``docs/memory.md`` is what the bundles render: each container's limit, on hosts of each size.

After a change of limits or bundles: ``FLEET_GOLDEN=write`` writes its tables anew.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from fleet.configuration import Configuration, load
from fleet.cost.markdown import table
from fleet.model.memory import HOST_RESERVE_MB
from fleet.model.problems import ConfigurationError
from fleet.model.stack import MAIN, ExistingHost, RentedHost, service_of
from hosts.release import COMPOSE_FILE
from infra.bundles.host_bundles import releases_of
from infra.bundles.host_memory import MB_PER_GB, host_memory_mb
from tests.bundles.test_region_services import REGIONS, ROOT, VAULT, configuration

__all__ = ["configuration"]

pytestmark = pytest.mark.unit

PAGE = ROOT / "docs" / "memory.md"
SIZES_GB = (4, 8, 16)


def on_a_host_of(configuration: Configuration, region: str, size_gb: int) -> Configuration:
    """The same fleet, the region's main server of another size."""
    stack = configuration.stacks[region]
    host = stack.hosts[MAIN]
    if isinstance(host, ExistingHost):
        changed = host.model_copy(update={"memory_gb": size_gb})
    else:
        assert isinstance(host, RentedHost)
        offered = configuration.catalogue.offered(service_of(host), host.location)
        plan = next(plan.name for plan in offered if plan.memory_gb == size_gb)
        changed = host.model_copy(update={"plan": plan})
    resized = stack.model_copy(update={"hosts": {**stack.hosts, MAIN: changed}})
    return dataclasses.replace(configuration, stacks={**configuration.stacks, region: resized})


def limits_mb(configuration: Configuration, region: str) -> Mapping[str, int]:
    """What each container of a region's host may take, by its name."""
    found: dict[str, int] = {}
    for release in releases_of(configuration, configuration.hosts_of(region)[0], VAULT):
        compose = next(file.content for file in release.files if file.path == COMPOSE_FILE)
        for name, service in yaml.safe_load(compose)["services"].items():
            assert name not in found
            found[name] = int(service["mem_limit"].removesuffix("m"))
    return found


def sums(configuration: Configuration) -> Iterator[str]:
    """Each region's bundles on hosts of each size, and what is left."""
    rows = []
    for region in REGIONS:
        own_mb = host_memory_mb(configuration, configuration.hosts_of(region)[0])
        cells = []
        for size_gb in SIZES_GB:
            needed = sum(limits_mb(on_a_host_of(configuration, region, size_gb), region).values()) + HOST_RESERVE_MB
            left = size_gb * MB_PER_GB - needed
            said = f"{needed:,}, {left:,} left" if left >= 0 else f"{needed:,}: does not fit"
            cells.append(f"**{said}**" if own_mb == size_gb * MB_PER_GB else said)
        rows.append((region, ", ".join(configuration.stacks[region].bundles), *cells))
    return table(("region", "bundles", *(f"{size} GB" for size in SIZES_GB)), rows)


def containers(configuration: Configuration) -> Iterator[str]:
    """Each container's limit, on the host that the region has."""
    by_region = {region: limits_mb(configuration, region) for region in REGIONS}
    names = dict.fromkeys(name for limits in by_region.values() for name in limits)
    kinds = dict.fromkeys(_kind(name) for name in names)
    rows = [(kind, *(_cell(by_region[region], kind) for region in REGIONS)) for kind in kinds]
    return table(("container", *REGIONS), rows)


def _kind(name: str) -> str:
    """One row for all processes of a kind: ``ib-gateway-us`` and ``ib-gateway-asia``, the shippers, the cluster's."""
    return re.sub(r"^(ib-gateway|shipper|cluster)-.+$", r"\1", name)


def _cell(limits: Mapping[str, int], kind: str) -> str:
    found = [mb for name, mb in limits.items() if _kind(name) == kind]
    if not found:
        return ""
    assert len(set(found)) == 1
    return f"{found[0]:,}" if len(found) == 1 else f"{len(found)} x {found[0]:,}"


@pytest.mark.parametrize("name", ["sums", "containers"])
def test_the_page_has_what_the_bundles_render(name: str, configuration: Configuration) -> None:
    wanted = "\n".join({"sums": sums, "containers": containers}[name](configuration))
    block = re.compile(rf"(<!-- {name} -->\n)(.*?)(\n<!-- end -->)", re.DOTALL)
    page = PAGE.read_text()
    if os.environ.get("FLEET_GOLDEN") == "write":
        page = block.sub(lambda match: match[1] + wanted + match[3], page)
        PAGE.write_text(page)
    found = block.search(page)
    assert found is not None
    assert found[2] == wanted


def test_london_s_bundles_fit_on_the_specification_s_4_gb(configuration: Configuration) -> None:
    limits = limits_mb(on_a_host_of(configuration, "ldn", 4), "ldn")
    assert {"questdb", "redis-local", "trading-service", "data-service"} <= set(limits)
    assert sum(limits.values()) + HOST_RESERVE_MB <= 4 * MB_PER_GB


def test_validate_counts_what_is_rendered(configuration: Configuration, tmp_path: Path) -> None:
    for file in (ROOT / "fleet.yaml", ROOT / "images.yaml", *ROOT.glob("Pulumi.*.yaml")):
        (tmp_path / file.name).write_text(file.read_text().replace("memory_gb: 16", "memory_gb: 8"))
    rendered = sum(limits_mb(on_a_host_of(configuration, "hub", 8), "hub").values()) + HOST_RESERVE_MB
    with pytest.raises(ConfigurationError, match=f"may take {rendered} MB with the {HOST_RESERVE_MB} MB"):
        load(tmp_path)


def test_every_container_has_a_limit(configuration: Configuration) -> None:
    for region in REGIONS:
        assert all(mb > 0 for mb in limits_mb(configuration, region).values()), region
