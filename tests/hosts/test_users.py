"""Users: key-only accounts, whose files are ordinary files."""

from __future__ import annotations

from pathlib import Path

import pytest

from hosts import HostEnvironment, HostState, User
from tests.hosts.agent_program import run_program

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== ann"


@pytest.fixture
def accounts(root: Path) -> Path:
    etc = root / "etc"
    etc.mkdir()
    (etc / "passwd").write_text(
        "root:x:0:0:root:/root:/bin/bash\ndeploy:x:1000:1000::/home/deploy:/bin/bash\nold:x:1001:1001::/home/old:/bin/sh\n"
    )
    (etc / "group").write_text("root:x:0:\ndeploy:x:1000:\nold:x:1001:\nadm:x:4:deploy\ndocker:x:998:\n")
    (etc / "shadow").write_text("root:*:1::::::\ndeploy:*:1::::::\nold:$y$j9T$abc:1::::::\n")
    return root


def changes(state: HostState, environment: HostEnvironment) -> dict[str, tuple[str, str]]:
    report, _ = run_program("observe", state, environment)
    return {change.name: (change.action, change.diff) for change in report.changes}


def test_a_new_user_comes_with_its_keys_and_its_sudo(accounts: Path, environment: HostEnvironment) -> None:
    found = changes(HostState(users=(User("ops", (KEY,), sudo=True),)), environment)
    assert list(found) == ["ops", "/home/ops/.ssh", "/home/ops/.ssh/authorized_keys", "/etc/sudoers.d/fleet-ops"]
    assert f"+{KEY}" in found["/home/ops/.ssh/authorized_keys"][1]
    assert "+ops ALL=(ALL:ALL) NOPASSWD: ALL" in found["/etc/sudoers.d/fleet-ops"][1]
    assert found["/home/ops/.ssh"] == ("create", "0700 ops:ops")


def test_an_existing_user_that_fits_is_left(accounts: Path, environment: HostEnvironment) -> None:
    assert "deploy" not in changes(HostState(users=(User("deploy", (KEY,), groups=("adm",)),)), environment)


def test_a_password_a_shell_and_missing_groups_are_differences(accounts: Path, environment: HostEnvironment) -> None:
    found = changes(HostState(users=(User("old", (KEY,), groups=("docker", "adm")),)), environment)
    assert found["old"] == ("update", "shell /bin/sh -> /bin/bash\ngroups + adm, docker\npassword login -> none")


def test_a_key_that_is_not_declared_any_more_disappears(accounts: Path, environment: HostEnvironment) -> None:
    ssh = accounts / "home/deploy/.ssh"
    ssh.mkdir(parents=True)
    (ssh / "authorized_keys").write_text(f"{KEY}\nssh-ed25519 AAAA bob\n")
    found = changes(HostState(users=(User("deploy", (KEY,)),)), environment)
    assert "-ssh-ed25519 AAAA bob" in found["/home/deploy/.ssh/authorized_keys"][1]
