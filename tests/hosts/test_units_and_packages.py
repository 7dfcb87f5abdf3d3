"""Units and packages: what their tools say becomes facts, facts become changes. (On real systems: tests/lab.)"""

from __future__ import annotations

from typing import Any

import pytest

from hosts.agent.machine import Machine
from hosts.agent.packages import Packages, installed
from hosts.agent.units import UnitFacts, Units, parse_show

MACHINE = Machine("/", "/usr/bin:/bin")

SHOW = """\
Id=docker.service
LoadState=masked
ActiveState=inactive
UnitFileState=masked
Result=success

Id=ssh.service
LoadState=loaded
ActiveState=active
UnitFileState=enabled
Result=success

Id=none.service
LoadState=not-found
ActiveState=inactive
UnitFileState=
Result=success
"""


def test_one_call_tells_about_all_units_in_the_order_asked() -> None:
    docker, ssh, none = parse_show(SHOW)
    assert docker.masked
    assert not docker.running
    assert ssh.running
    assert ssh.file == "enabled"
    assert none.load == "not-found"


RUNNING = UnitFacts("loaded", "active", "enabled", "success")
STOPPED = UnitFacts("loaded", "inactive", "disabled", "success")
FAILED = UnitFacts("loaded", "failed", "enabled", "exit-code")
MASKED = UnitFacts("masked", "inactive", "masked", "success")
STATIC = UnitFacts("loaded", "inactive", "static", "success")
MISSING = UnitFacts("not-found", "inactive", "", "success")


@pytest.mark.parametrize(
    ("wanted", "facts", "actions"),
    [
        ({}, RUNNING, []),
        ({}, STOPPED, ["enable", "start"]),
        ({}, FAILED, ["start"]),
        ({}, MASKED, ["unmask", "enable", "start"]),
        ({}, MISSING, ["enable", "start"]),
        ({"active": None}, STATIC, []),
        ({"enabled": False, "active": None}, STATIC, []),
        ({"enabled": False, "active": False}, RUNNING, ["disable", "stop"]),
        ({"enabled": False, "active": False}, MISSING, []),
        ({"enabled": None, "active": None}, STOPPED, []),
        ({"enabled": None, "active": None}, MASKED, ["unmask"]),
        ({"masked": True}, RUNNING, ["mask"]),
        ({"masked": True}, MASKED, []),
    ],
)
def test_what_a_unit_needs(wanted: dict[str, Any], facts: UnitFacts, actions: list[str]) -> None:
    unit = {"name": "x.service", "enabled": True, "active": True, "masked": False, **wanted}
    changes = Units(MACHINE).plan([unit], {"x.service": facts})
    assert sorted(change.action for change in changes) == sorted(actions)


def test_only_what_dpkg_calls_installed_is_installed() -> None:
    listing = "nftables installed\nchrony config-files\ncurl installed\ndocker.io not-installed\n"
    assert installed(listing) == {"nftables", "curl"}
    desired = {"packages": [{"name": "nftables"}, {"name": "chrony"}], "mask_before_install": []}
    changes = Packages(MACHINE, Units(MACHINE)).plan(desired, installed(listing))
    assert [(change.name, change.action) for change in changes] == [("chrony", "install")]


def test_this_machines_own_packages_are_seen() -> None:
    packages = Packages(MACHINE, Units(MACHINE))
    desired = {"packages": [{"name": "dpkg"}, {"name": "fleet-no-such-package"}], "mask_before_install": []}
    assert packages.observe(desired) == {"dpkg"}
