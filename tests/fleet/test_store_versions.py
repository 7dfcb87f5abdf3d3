"""In which order another version of a store comes to the hosts."""

from __future__ import annotations

import json

from fleet.operation.recorded import releases_in
from fleet.operation.store_versions import VersionChange, changes, hub_last, recorded_versions
from hosts.release import COMPOSE_FILE, Gate, Release, ReleaseFile

URN = "urn:pulumi:hub::fleet::pulumi-python:dynamic/infra:BundleRelease::hub-questdb"
STATE = {
    "resources": [
        {"urn": "urn:pulumi:hub::fleet::pulumi:pulumi:Stack::fleet-hub"},
        {"urn": URN, "inputs": {"settings": json.dumps({"data_versions": {"questdb": "9.3.4"}})}},
    ]
}


def release(version: str) -> Release:
    return Release("questdb", (ReleaseFile(COMPOSE_FILE, ""),), (), Gate(), data_versions={"questdb": version})


def test_the_versions_that_a_host_has_are_in_its_state() -> None:
    assert recorded_versions(releases_in(STATE)) == {"questdb": "9.3.4"}
    assert recorded_versions(releases_in(None)) == {}


def test_a_change_is_another_version_of_what_is_there() -> None:
    has = recorded_versions(releases_in(STATE))
    assert changes(has, [release("9.3.4")]) == ()
    assert changes(has, [release("9.4.0")]) == (VersionChange("questdb", "9.3.4", "9.4.0"),)
    # What comes for the first time has no data that an older one has written.
    assert changes({}, [release("9.4.0")]) == ()


def test_the_hub_comes_last_and_alone() -> None:
    waves = (("addresses",), ("hub",), ("nj",), ("sg", "ldn"))
    assert hub_last(waves, "hub") == (("addresses",), ("nj",), ("sg", "ldn"), ("hub",))
    assert hub_last((("addresses",), ("hub", "nj")), "hub") == (("addresses",), ("nj",), ("hub",))
