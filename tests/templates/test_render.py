"""Templates take exactly the values that they name, and the README names them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from templates.render import FOLDER, TemplateError, render, variables
from templates.settings import read_settings

NAMES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.j2"))
SHELL = [name for name in NAMES if (FOLDER / name).read_text().startswith("#!/bin/sh")]
UNITS = [name for name in NAMES if re.search(r"\.(service|target|timer)\.j2$", name)]


@pytest.mark.parametrize("name", NAMES)
def test_every_template_renders_from_the_values_that_it_names(name: str, samples: dict[str, dict[str, Any]]) -> None:
    text = render(name, **samples.get(name, {}))
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert "{{" not in text
    assert "{%" not in text


def test_the_readme_lists_every_template_with_its_values() -> None:
    readme = (FOLDER / "README.md").read_text()
    for name in NAMES:
        [row] = [line for line in readme.splitlines() if line.startswith("|") and f"`{name}`" in line.split("|")[1]]
        if "the same" not in row:
            assert set(variables(name)) <= set(re.findall(r"`(\w+)`", row.split("|")[3])), name


def test_all_missing_values_are_named_at_once() -> None:
    with pytest.raises(TemplateError) as error:
        render("host/sshd.conf.j2", logins=["deploy"])
    assert str(error.value) == (
        "host/sshd.conf.j2: no value for penalty_exempt, tcp_forwarding; "
        "it takes logins, penalty_exempt, tcp_forwarding"
    )


def test_a_value_that_the_template_does_not_know_is_an_error() -> None:
    with pytest.raises(TemplateError, match="does not know systemmaxuse"):
        render("host/journald.conf.j2", system_max_use="1G", systemmaxuse="2G")


def test_a_template_that_does_not_exist() -> None:
    with pytest.raises(TemplateError, match=r"host/nothing.j2: no such template in templates/"):
        render("host/nothing.j2")


def test_a_value_without_the_expected_field(firewall: dict[str, Any]) -> None:
    with pytest.raises(TemplateError, match=r"host/fleet.nft.j2: .*no attribute 'port'"):
        render("host/fleet.nft.j2", **{**firewall, "public_ports": [{"protocol": "tcp"}]})


def test_cloud_config_pins_the_host_key_and_lets_only_the_user_in(first_boot: dict[str, Any]) -> None:
    text = render("cloud-init/first-boot.yaml.j2", **first_boot)
    assert text.startswith("#cloud-config\n")
    config = yaml.safe_load(text)
    [user] = config["users"]
    assert user["name"] == "deploy"
    assert user["ssh_authorized_keys"] == first_boot["authorized_keys"]
    assert user["sudo"] == "ALL=(ALL) NOPASSWD:ALL"
    assert config["ssh_keys"]["ed25519_private"] == first_boot["host_key_private"]
    assert config["ssh_keys"]["ed25519_public"] == first_boot["host_key_public"]
    assert config["ssh_genkeytypes"] == ["ed25519"]
    assert config["ssh_deletekeys"] is True
    assert config["ssh_pwauth"] is False
    assert "packages" not in config


def test_first_boot_is_constant(first_boot: dict[str, Any]) -> None:
    for name in ("cloud-init/first-boot.yaml.j2", "cloud-init/first-boot.sh.j2"):
        assert render(name, **first_boot) == render(name, **first_boot)


@pytest.mark.parametrize("name", SHELL)
def test_shell_scripts_are_valid(name: str, samples: dict[str, dict[str, Any]]) -> None:
    text = render(name, **samples.get(name, {}))
    subprocess.run(["sh", "-n"], input=text, text=True, check=True)


def test_launch_script_writes_the_pinned_key_as_it_is(first_boot: dict[str, Any]) -> None:
    text = render("cloud-init/first-boot.sh.j2", **first_boot)
    assert f"<<'KEY'\n{first_boot['host_key_private']}KEY\n" in text
    for key in first_boot["authorized_keys"]:
        assert f"\n{key}\n" in text


def test_docker_daemon_configuration(samples: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    text = render("host/daemon.json.j2", **samples["host/daemon.json.j2"])
    document = json.loads(text)
    assert document["default-address-pools"] == [{"base": "172.30.0.0/16", "size": 24}]
    bridge = document["default-network-opts"]["bridge"]
    assert bridge["com.docker.network.bridge.host_binding_ipv4"] == document["ip"] == "127.0.0.1"
    assert bridge["com.docker.network.driver.mtu"] == str(document["mtu"]) == "1420"
    assert document["live-restore"] is True

    version = _major_version("dockerd", "--version")
    if version < 24:
        pytest.skip(f"the document is as meant; dockerd {version or ''} here cannot validate it (hosts have 26)")
    file = tmp_path / "daemon.json"
    file.write_text(text)
    result = subprocess.run(["dockerd", "--validate", "--config-file", str(file)], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def _major_version(program: str, flag: str) -> int:
    """0 where the program is not installed."""
    if shutil.which(program) is None:
        return 0
    shown = subprocess.run([program, flag], capture_output=True, text=True).stdout
    found = re.search(r"version (\d+)", shown)
    return int(found.group(1)) if found else 0


def test_kernel_settings_keep_the_mesh_and_docker_working(samples: dict[str, dict[str, Any]]) -> None:
    settings = dict(read_settings(render("host/sysctl.conf.j2", **samples["host/sysctl.conf.j2"])))
    assert settings["net.ipv4.conf.all.rp_filter"] == "2"  # 1 loses packets while keys rotate
    assert settings["net.ipv4.ip_forward"] == "1"
    assert settings["net.ipv4.ip_nonlocal_bind"] == "1"
    assert settings["net.ipv4.tcp_rmem"] == "4096 131072 33554432"
    assert "net.ipv4.tcp_timestamps" not in settings  # off, it costs latency information


def test_a_guest_changes_only_what_the_mesh_needs() -> None:
    settings = dict(read_settings(render("host/sysctl.conf.j2", guest=True, conntrack_max=0)))
    assert set(settings) == {
        "net.ipv4.conf.all.rp_filter",
        "net.ipv4.conf.default.rp_filter",
        "net.ipv4.ip_nonlocal_bind",
    }


@pytest.mark.parametrize("text", ["novalue", "a = ", "= 1", "a = 1\na = 2"])
def test_a_malformed_setting_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a new 'key = value'"):
        read_settings(text)


def test_upgrades_are_security_only_and_never_stop_containers() -> None:
    text = render("host/unattended-upgrades.j2")
    assert re.findall(r'"origin=[^"]*"', text) == [
        '"origin=Debian,codename=${distro_codename}-security,label=Debian-Security"'
    ]
    for package in ("docker.io", "docker-compose", "containerd", "runc"):
        patterns = re.search(r"Package-Blacklist \{(.*?)\}", text, re.DOTALL).group(1)  # type: ignore[union-attr]
        assert any(re.match(pattern, package) for pattern in re.findall(r'"([^"]+)"', patterns)), package
    assert 'Automatic-Reboot "false"' in text


def test_apt_reads_the_upgrade_settings(tmp_path: Path) -> None:
    if shutil.which("apt-config") is None:
        pytest.skip("apt is not installed")
    file = tmp_path / "52fleet"
    file.write_text(render("host/unattended-upgrades.j2"))
    dump = subprocess.run(
        ["apt-config", "-c", str(file), "dump", "--format", "%f=%v%n", "Unattended-Upgrade"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert dump.stderr == ""
    assert "Unattended-Upgrade::Automatic-Reboot=false" in dump.stdout
    assert dump.stdout.count("Unattended-Upgrade::Origins-Pattern::=") == 1


def test_upgrade_window_is_the_regions_own() -> None:
    text = render("host/apt-daily-upgrade.timer.j2", hour=4, minute=5)
    # The empty assignment clears Debian's own time; without it there were two windows.
    assert "OnCalendar=\nOnCalendar=*-*-* 04:05:00 UTC\n" in text
    if shutil.which("systemd-analyze"):
        subprocess.run(["systemd-analyze", "calendar", "*-*-* 04:05:00 UTC"], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("servers", "wanted"), [([], 1), (["a"], 1), (["a", "b"], 1), (["a", "b", "c"], 2), (["a", "b", "c", "d"], 2)]
)
def test_a_wrong_clock_is_outvoted_where_there_are_enough(servers: list[str], wanted: int) -> None:
    text = render("host/chrony.conf.j2", time_servers=servers)
    assert f"\nminsources {wanted}\n" in text
    assert text.count("\nserver ") == len(servers)


@pytest.mark.parametrize("name", UNITS)
def test_units_have_only_sections_and_settings(name: str, samples: dict[str, dict[str, Any]]) -> None:
    for line in render(name, **samples.get(name, {})).splitlines():
        assert re.fullmatch(r"|#.*|\[[A-Z][a-z]+\]|[A-Z][A-Za-z]+=.*", line), line


def test_docker_follows_the_mesh_and_the_firewall() -> None:
    docker = render("host/docker.service.j2")
    assert "After=fleet-mesh.target fleet-nft.service" in docker
    assert "Wants=fleet-mesh.target" in docker
    assert "Before=fleet-mesh.target" in render("mesh/fleet-wg@.service.j2")
    assert "Before=fleet-mesh.target" in render("egress/fleet-egress.service.j2")
    assert "fleet-egress.service" in render("mesh/fleet-wg@.service.j2")


def test_sshd_shares_an_algorithm_of_each_kind_with_our_client(samples: dict[str, dict[str, Any]]) -> None:
    import paramiko

    text = render("host/sshd.conf.j2", **samples["host/sshd.conf.j2"])
    settings = dict(line.split(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    transport = paramiko.Transport
    for keyword, known in {
        "KexAlgorithms": transport._preferred_kex,
        "Ciphers": transport._preferred_ciphers,
        "MACs": transport._preferred_macs,
        "HostKeyAlgorithms": transport._preferred_keys,
    }.items():
        assert set(settings[keyword].split(",")) & set(known), keyword


@pytest.mark.parametrize(("forwarding", "exempt"), [("no", []), ("local", ["10.77.0.0/16", "203.0.113.7/32"])])
def test_sshd_settings_follow_the_role(forwarding: str, exempt: list[str]) -> None:
    text = render("host/sshd.conf.j2", logins=["deploy"], tcp_forwarding=forwarding, penalty_exempt=exempt)
    assert f"\nAllowTcpForwarding {forwarding}\n" in text
    assert ("PerSourcePenaltyExemptList" in text) == bool(exempt)


def test_sshd_accepts_the_drop_in(samples: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    sshd = shutil.which("sshd", path="/usr/sbin:/usr/bin")
    if sshd is None:
        pytest.skip("openssh-server is not installed; the lab's hosts test it with the real one")
    version = subprocess.run([sshd, "-V"], capture_output=True, text=True).stderr
    if not (found := re.search(r"OpenSSH_(\d+)", version)) or int(found.group(1)) < 10:
        pytest.skip("an sshd older than the hosts' OpenSSH 10 lacks mlkem768x25519-sha256")
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    file = tmp_path / "10-fleet.conf"
    text = render("host/sshd.conf.j2", **samples["host/sshd.conf.j2"])
    file.write_text(text.replace("/etc/ssh/ssh_host_ed25519_key", str(key)))
    result = subprocess.run([sshd, "-t", "-f", str(file)], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
