"""Whom we talk to: a host that answers with another key is told nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from hosts import Argv, connect
from infra.first_boot import DEPLOY_PATH
from tests.lab.fleet import StandingFleet

pytestmark = pytest.mark.lab

KEY = "/etc/ssh/ssh_host_ed25519_key"


def test_a_host_with_another_host_key_stops_up_before_anything_is_sent(fleet: StandingFleet) -> None:
    def another_operator(document: dict[str, Any]) -> None:
        key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK0wmN/Cr3JXqmLW7u+g9pTh+wyqDHpSQEIQczXkVx9q"
        document["operators"].setdefault("keys", {})["somebody"] = key

    kept = (fleet.stand.root / "fleet.yaml").read_text()
    fleet.on("nj", "cp", "-p", KEY, "/root/kept-key")
    fleet.on("nj", "sh", "-c", f"rm {KEY} && ssh-keygen -q -t ed25519 -N '' -f {KEY} && systemctl restart ssh")
    fleet.edit("fleet.yaml", another_operator)
    try:
        accepted = fleet.on("nj", "sh", "-c", "journalctl -u ssh | grep -c Accepted || true")
        run = fleet.attempt("nj")
        assert not run.ok
        text = "\n".join(run.errors)
        assert "the server shows the host key SHA256:" in text
        assert "Nothing was sent to it" in text
        assert "Traceback" not in text
        assert fleet.on("nj", "sh", "-c", "journalctl -u ssh | grep -c Accepted || true") == accepted
    finally:
        public = f"ssh-keygen -y -f {KEY} > {KEY}.pub"
        fleet.on("nj", "sh", "-c", f"mv /root/kept-key {KEY} && {public} && systemctl restart ssh")
        (fleet.stand.root / "fleet.yaml").write_text(kept)
    assert fleet.up("nj")["nj"].changed == 0


def test_a_new_operators_key_changes_the_login_and_replaces_nothing(fleet: StandingFleet) -> None:
    def another_operator(document: dict[str, Any]) -> None:
        key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK0wmN/Cr3JXqmLW7u+g9pTh+wyqDHpSQEIQczXkVx9q"
        document["operators"].setdefault("keys", {})["somebody"] = key

    kept = (fleet.stand.root / "fleet.yaml").read_text()
    fleet.edit("fleet.yaml", another_operator)
    assert {name: dict(run.changes) for name, run in fleet.preview("nj", "sg").items()} == {
        "nj": {"update": 1},
        "sg": {"update": 1},
    }
    fleet.up("nj", "sg")
    assert "IK0wmN" in fleet.on("nj", "cat", "/home/deploy/.ssh/authorized_keys")
    (fleet.stand.root / "fleet.yaml").write_text(kept)
    fleet.up("nj", "sg")
    assert "IK0wmN" not in fleet.on("sg", "cat", "/home/deploy/.ssh/authorized_keys")


def test_one_sshd_option_is_one_update_and_one_text_diff_and_drops_no_connection(
    fleet: StandingFleet, tmp_path: Path
) -> None:
    target = next(host.target for host in fleet.stand.hosts() if host.ref.id == "nj")
    login = fleet.stand.vault.ed25519_private(*DEPLOY_PATH)
    with connect(target, login, deadline_seconds=30) as held:
        with fleet.with_template(tmp_path, "host/sshd.conf.j2", "LoginGraceTime 30", "LoginGraceTime 25"):
            assert dict(fleet.preview("nj")["nj"].changes) == {"update": 1}
            shown = fleet.engine("preview", "--diff", "--stack", "nj")
            changed = [line.strip() for line in shown.splitlines() if re.match(r"\s+[-+] ", line)]
            assert changed == ["- LoginGraceTime 30", "+ LoginGraceTime 25"]
            fleet.up("nj")
            assert "logingracetime 25" in fleet.on("nj", "sshd", "-T")
        # The connection from before the change still serves: sshd was reloaded, not restarted.
        assert held.run(Argv("true")).exit_status == 0
    fleet.up("nj")
    assert "logingracetime 30" in fleet.on("nj", "sshd", "-T")


@pytest.mark.parametrize(
    ("template", "right", "wrong", "file"),
    [
        # What nobody may do by mistake. Both are valid, and their validators pass them: ssh goes to a port where no
        # sshd listens;
        ("host/fleet.nft.j2", "tcp dport {{ ssh_port }} accept", "tcp dport 2222 accept", "/etc/fleet/fleet.nft"),
        # and sshd lets nobody in.
        ("host/sshd.conf.j2", "AllowUsers {{", "DenyUsers {{", "/etc/ssh/sshd_config.d/10-fleet.conf"),
    ],
    ids=["firewall", "sshd"],
)
def test_what_would_lock_us_out_takes_itself_back_and_up_says_so(
    fleet: StandingFleet, tmp_path: Path, template: str, right: str, wrong: str, file: str
) -> None:
    before = fleet.on("nj", "cat", file)
    with fleet.with_template(tmp_path, template, right, wrong):
        run = fleet.attempt("nj")

    assert not run.ok
    said = "\n".join(run.errors)
    assert "the host took a dangerous change back by itself" in said
    assert f"{file} as before" in said
    assert "Traceback" not in said
    assert fleet.on("nj", "cat", file) == before
    assert "tcp dport 22 accept" in fleet.on("nj", "nft", "list", "table", "inet", "fleet")
    assert "allowusers deploy" in fleet.on("nj", "sshd", "-T")
    # And it lets us in again.
    assert fleet.up("nj")["nj"].changed == 0
