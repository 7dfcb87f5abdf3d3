"""A server made from the bare image gets what it misses from the lab's own package source."""

from __future__ import annotations

import pytest

from lab.lab import Lab
from lab.machines import Machines, ServerSpec

pytestmark = pytest.mark.lab


def test_a_bare_server_installs_packages_from_the_labs_source(lab: Lab, machines: Machines) -> None:
    lab.home.configure(images={"bare": "bare"})
    lab.up(print)
    server = ServerSpec("test-bare", "digitalocean", "bare", "", "anchor", memory_mb=2048)
    machines.create(server)
    lab.wait_until_booted("bare")
    for program in ("dockerd", "wg", "wireguard-go", "nft", "chronyd"):
        assert lab.run("bare", ["sh", "-c", f"command -v {program}"]).code != 0
    update = lab.run("bare", ["apt-get", "update"])
    assert update.code == 0, update.stderr
    # Docker is installed this way by London's first up (tests/lab/base/test_with_more_regions.py).
    wanted = ["nftables", "wireguard-tools", "chrony"]
    install = lab.run(
        "bare",
        ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "--no-install-recommends", *wanted],
    )
    assert install.code == 0, install.stderr
    assert lab.run("bare", ["sh", "-c", "command -v nft && command -v wg && command -v chronyd"]).code == 0
    # The source is there again after a boot.
    machines.reboot("test-bare")
    lab.wait_until_booted("bare")
    assert lab.run("bare", ["apt-get", "update"]).code == 0
    machines.destroy(server.id)
