"""Mounted files: their paths stay while their contents do, whatever the release's folder is called."""

from __future__ import annotations

from typing import Any

import pytest

from hosts.agent.mounts import Mounts, NotMountable, mounts_of, version_of

STORE = "/opt/fleet/b/files"
FILES = {
    "web.conf": "a",
    "conf.d/one.conf": "1",
    "conf.d/two.conf": "2",
    "key": "k",
}


def bind(source: str, target: str, **more: object) -> dict[str, Any]:
    return {"type": "bind", "source": source, "target": target, "bind": {"create_host_path": True}, **more}


def mounts(folder: str = "/opt/fleet/b/releases/1", **versions: str) -> Mounts:
    """A project as Compose resolves it: paths are absolute, below the release's folder."""
    project = {
        "services": {
            "web": {"volumes": [bind(f"{folder}/web.conf", "/etc/web.conf", read_only=True), bind("/proc", "/host")]},
            "many": {"volumes": [bind(f"{folder}/conf.d", "/etc/conf.d"), {"type": "volume", "source": "data"}]},
            "keeper": {"secrets": [{"source": "key", "target": "/run/secrets/key"}]},
            "bare": {},
        },
        "secrets": {"key": {"file": f"{folder}/key"}, "theirs": {"environment": "X"}},
    }
    return mounts_of(project, folder, STORE, {**FILES, **versions})


def test_another_folder_with_the_same_files_mounts_the_same() -> None:
    assert mounts("/opt/fleet/b/releases/2") == mounts("/opt/fleet/b/releases/1")


def test_what_is_mounted_keeps_its_name_and_options_and_is_a_link_to_the_release() -> None:
    made = mounts()
    (volume,) = made.overlay["services"]["web"]["volumes"]
    assert volume["source"].startswith(f"{STORE}/")
    assert volume["source"].endswith("/web.conf")
    assert (volume["target"], volume["read_only"], volume["bind"]) == (
        "/etc/web.conf",
        True,
        {"create_host_path": False},
    )
    assert made.links[volume["source"].removeprefix(f"{STORE}/")] == "web.conf"
    folder = made.overlay["services"]["many"]["volumes"][0]["source"].removeprefix(f"{STORE}/")
    assert {link for link in made.links if link.startswith(folder)} == {f"{folder}/one.conf", f"{folder}/two.conf"}
    assert made.overlay["secrets"].keys() == {"key"}
    assert "bare" not in made.overlay["services"]


@pytest.mark.parametrize(("changed", "service"), [("web.conf", "web"), ("conf.d/two.conf", "many"), ("key", "keeper")])
def test_a_changed_file_changes_the_services_that_mount_it_and_no_other(changed: str, service: str) -> None:
    before, after = mounts().overlay["services"], mounts(**{changed: "other"}).overlay["services"]
    assert {name for name in before if before[name] != after[name]} == {service}
    assert mounts().services[service] >= {changed}


def test_a_mount_of_what_the_release_does_not_have_is_refused() -> None:
    project = {"services": {"web": {"volumes": [bind("/release/typo.conf", "/etc/web.conf")]}}}
    with pytest.raises(NotMountable, match=r"service web mounts \./typo\.conf"):
        mounts_of(project, "/release", STORE, FILES)


def test_a_version_is_of_content_mode_and_owner() -> None:
    states = [("a", 0o644, 0), ("b", 0o644, 0), ("a", 0o600, 0), ("a", 0o644, 1)]
    assert len({version_of(*state) for state in states}) == len(states)
