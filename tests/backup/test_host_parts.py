"""What the hosts get for the copies: the hub a schedule and a key, their keeper a door for that key, others nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from backup.settings import read_settings
from fleet.configuration import Configuration, load
from fleet.secrets import Vault
from hosts import HostState
from infra.host import base_state

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
VAULT = Vault(bytes(range(32)))
SCHEDULE = "  backup:\n    to: nj\n    every: 6h\n    keep: 8\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for file in (*ROOT.glob("Pulumi*.yaml"), ROOT / "fleet.yaml", ROOT / "images.yaml"):
        shutil.copy(file, tmp_path)
    return tmp_path


def scheduled(root: Path, schedule: str) -> Configuration:
    text = (root / "fleet.yaml").read_text()
    assert SCHEDULE in text
    (root / "fleet.yaml").write_text(text.replace(SCHEDULE, schedule))
    return load(root)


def state(configuration: Configuration, host: str) -> HostState:
    return base_state(configuration, next(ref for ref in configuration.hosts() if ref.id == host), VAULT)


def content(state: HostState, path: str) -> str:
    return next(file.content for file in state.files if file.path == path)


def test_the_hub_sends_by_a_timer_with_a_key_that_no_preview_shows(root: Path, tmp_path: Path) -> None:
    hub = state(load(root), "hub")
    timer = content(hub, "/etc/systemd/system/fleet-db-backup.timer")
    assert "OnCalendar=*-*-* 00/6:17:00 UTC\n" in timer
    assert "Persistent=true\n" in timer
    assert "fleet-db-backup.timer" in {unit.name for unit in hub.units}
    [key] = [file for file in hub.files if file.path == "/etc/fleet/backup/key"]
    assert key.content.startswith("secret:ed25519/backup/questdb#")
    assert (key.mode, key.sensitive) == (0o600, True)
    shown = content(state(load(root), "nj"), "/etc/ssh/ssh_host_ed25519_key.pub")
    assert content(hub, "/etc/fleet/backup/known_hosts") == f"nj {shown}"
    (tmp_path / "settings.json").write_text(content(hub, "/etc/fleet/backup/settings.json"))
    command = read_settings(tmp_path / "settings.json").ssh("put", "20261123T120000Z")
    assert command[-3:] == ["fleet-backup@10.77.1.1", "put", "20261123T120000Z"]
    assert "StrictHostKeyChecking=yes" in command


def test_once_a_day_is_a_time_of_day(root: Path) -> None:
    hub = state(scheduled(root, SCHEDULE.replace("6h", "24h")), "hub")
    assert "OnCalendar=*-*-* 00:17:00 UTC\n" in content(hub, "/etc/systemd/system/fleet-db-backup.timer")


def test_the_keeper_lets_the_hub_hand_in_list_and_fetch_and_nothing_else(root: Path) -> None:
    nj = state(load(root), "nj")
    [user] = [user for user in nj.users if user.name == "fleet-backup"]
    [door] = user.authorized_keys
    assert door.startswith('restrict,from="10.77.0.1",command="')
    assert door.endswith(VAULT.ed25519_public("backup", "questdb"))
    assert not user.sudo
    sshd = content(nj, "/etc/ssh/sshd_config.d/10-fleet.conf")
    assert "AllowUsers deploy fleet-backup@10.77.0.1\n" in sshd
    assert json.loads(content(nj, "/etc/fleet/backup-store.json")) == {
        "folder": "/var/lib/fleet-backup",
        "keep": 8,
        "every_seconds": 21600,
    }
    assert "/etc/fleet/backup/key" not in {file.path for file in nj.files}


def test_other_hosts_have_no_part_in_it(root: Path) -> None:
    sg = state(load(root), "sg")
    assert "AllowUsers deploy\n" in content(sg, "/etc/ssh/sshd_config.d/10-fleet.conf")
    assert not [file.path for file in sg.files if "backup" in file.path]


def test_without_a_schedule_the_hub_loses_the_key_and_the_keeper_its_door(root: Path) -> None:
    configuration = scheduled(root, "")
    assert "/etc/fleet/backup/key" in {absent.path for absent in state(configuration, "hub").absent}
    assert "AllowUsers deploy\n" in content(state(configuration, "nj"), "/etc/ssh/sshd_config.d/10-fleet.conf")


def test_the_programs_need_nothing_that_a_host_has_not(root: Path, tmp_path: Path) -> None:
    nj = state(load(root), "nj")
    for file in nj.files:
        if file.path.startswith("/usr/local/lib/fleet/backup/"):
            (tmp_path / "backup").mkdir(exist_ok=True)
            (tmp_path / "backup" / Path(file.path).name).write_text(file.content)
    kept = tmp_path / "kept"
    kept.mkdir()
    (tmp_path / "store.json").write_text(json.dumps({"folder": str(kept), "keep": 8, "every_seconds": 60}))
    done = subprocess.run(
        # -I: neither this checkout nor what is installed here is found.
        [sys.executable, "-I", "-S", "-c", PROGRAM, str(tmp_path), str(tmp_path / "store.json")],
        env={"SSH_ORIGINAL_COMMAND": "list"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from backup.__main__ import main; main(['store', sys.argv[2]])"
