"""Whom we talk to: a host that answers with another key is told nothing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.settings import CHECKOUT
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


def test_a_firewall_that_would_lock_us_out_takes_itself_back_and_up_says_so(
    fleet: StandingFleet, tmp_path: Path
) -> None:
    changed = tmp_path / "templates"
    shutil.copytree(CHECKOUT / "templates", changed)
    table = changed / "host" / "fleet.nft.j2"
    text = table.read_text()
    # What nobody may do by mistake: ssh goes to a port where no sshd listens.
    assert "tcp dport {{ ssh_port }} accept" in text
    table.write_text(text.replace("tcp dport {{ ssh_port }} accept", "tcp dport 2222 accept"))
    settings = fleet.stand.root / ".fleet" / "settings.yaml"
    kept = settings.read_text()
    document = yaml.safe_load(kept)
    document["environment"]["PYTHONPATH"] = f"{tmp_path}:{CHECKOUT}"
    settings.write_text(yaml.safe_dump(document))
    try:
        run = fleet.attempt("nj")
    finally:
        settings.write_text(kept)

    assert not run.ok
    said = "\n".join(run.errors)
    assert "the host took a dangerous change back by itself" in said
    assert "/etc/fleet/fleet.nft as before" in said
    assert "Traceback" not in said
    assert "tcp dport 22 accept" in fleet.on("nj", "nft", "list", "table", "inet", "fleet")
    assert fleet.up("nj")["nj"].changed == 0
