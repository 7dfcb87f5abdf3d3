"""The description of a host: survives JSON, and refuses what makes no sense before any host is touched."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from hosts import (
    Absent,
    Directory,
    File,
    Handler,
    HostState,
    KernelModule,
    Link,
    Package,
    PackageSet,
    Revert,
    Sysctl,
    Unit,
    User,
    WireguardInterface,
)

FULL = HostState(
    name="mesh",
    packages=PackageSet((Package("docker.io"),), mask_before_install=("docker.service",)),
    users=(User("deploy", ("ssh-ed25519 AAAA a",), groups=("adm",), sudo=True),),
    directories=(Directory("/srv"),),
    files=(
        File("/etc/wireguard/wg0.conf", "x", mode=0o600, sensitive=True),
        File("/etc/a", "b", validator=("true", "{}"), notifies=("h",)),
    ),
    absent=(Absent("/etc/b", notifies=("h",)),),
    links=(Link("/etc/c", "a"),),
    sysctls=(Sysctl("net.ipv4.conf.eth0/1.rp_filter", "2"),),
    modules=(KernelModule("tcp_bbr"),),
    wireguard=(WireguardInterface("wg0", "/etc/wireguard/wg0.conf", "10.77.1.1/32", routes=("10.77.1.2/32",)),),
    units=(Unit("fleet-wg@wg0.service", enabled=None),),
    handlers=(Handler("h", ("true",), revert=Revert(30, ("nft", "delete", "table", "inet", "fleet"))),),
)


def test_a_state_survives_json() -> None:
    assert HostState.from_document(json.loads(json.dumps(FULL.to_document()))) == FULL


def test_a_mode_reads_as_people_write_it() -> None:
    assert FULL.to_document()["files"][0]["mode"] == "0600"


def test_an_interface_names_its_unit() -> None:
    assert FULL.wireguard[0].unit == "fleet-wg@wg0.service"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(colour="red"), "HostState: unknown colour; known are name, packages"),
        (lambda d: d["files"][1].pop("content"), r"HostState.files\[1\]: content missing"),
        (lambda d: d["files"][0].update(mode=384), r"HostState.files\[0\].mode: a file mode is wanted, as '0644'"),
        (lambda d: d["files"][0].update(mode="0888"), r"HostState.files\[0\].mode: a file mode is wanted"),
        (lambda d: d.update(units={}), "HostState.units: a list is wanted, not dict"),
        (lambda d: d["handlers"][0].update(revert=[]), r"HostState.handlers\[0\].revert: a mapping is wanted"),
        (lambda d: d["units"][0].update(enabled="yes"), r"HostState.units\[0\].enabled: bool is wanted, not str"),
    ],
)
def test_a_document_of_another_shape_is_refused_with_its_place(change: Callable[[Any], None], message: str) -> None:
    document = FULL.to_document()
    change(document)
    with pytest.raises(ValueError, match=message):
        HostState.from_document(document)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: File("etc/x", ""), "not an absolute path"),
        (lambda: File("/etc/../x", ""), "not an absolute path"),
        (lambda: File("/etc//x", ""), "not an absolute path"),
        (lambda: File("/etc/x", "", validator=("true",)), "does not name the candidate"),
        (lambda: User("Bob;reboot", ()), "not a user name"),
        (lambda: User("bob", ("a\nb",)), "is one line"),
        (lambda: Package("--force"), "not a Debian package name"),
        (lambda: Unit("-x.service"), "not a unit name"),
        (lambda: Unit("docker"), "docker.service"),
        (lambda: Sysctl("../../etc/passwd", "1"), "not a sysctl key"),
        (lambda: Sysctl("net.ipv4.ip_forward", ""), "one line of text"),
        (lambda: Handler("h", ()), "no command"),
        (lambda: Revert(0.1), "1 to 3600 seconds"),
        (lambda: WireguardInterface("wg0-is-far-too-long", "/etc/x", "10.0.0.1/32"), "not a network interface name"),
        (lambda: WireguardInterface("wg0", "/etc/x", "10.0.0.1"), "prefix length"),
        (lambda: WireguardInterface("wg0", "/etc/x", "10.0.0.1/32", routes=("10.0.0.1/24",)), "host bits"),
        (lambda: HostState(files=(File("/a", ""), File("/a", ""))), "path declared twice: /a"),
        (lambda: HostState(files=(File("/a", ""),), absent=(Absent("/a"),)), "path declared twice: /a"),
        (lambda: HostState(files=(File("/a", "", notifies=("x",)),)), "/a notifies x: no such handler"),
        (lambda: HostState(wireguard=(WireguardInterface("wg0", "/a", "10.0.0.1/32"),)), "/a is not a file of this"),
        (
            lambda: HostState(
                files=(File("/a", "", notifies=("x", "y")),),
                handlers=(Handler("x", ("true",), revert=Revert()), Handler("y", ("true",), revert=Revert())),
            ),
            "two handlers that revert",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(build: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()
