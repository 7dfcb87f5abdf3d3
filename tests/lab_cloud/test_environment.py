"""The environment of a lab run: no real credential gets in, no stand-in gets out."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from lab.cloud.environment import environment, install_plugins
from lab.cloud.kind import wait_for
from lab.settings import LabHome


def test_real_credentials_are_overridden(tmp_path):
    real = {
        "VULTR_API_KEY": "real",
        "DIGITALOCEAN_TOKEN": "real",
        "DIGITALOCEAN_ACCESS_TOKEN": "real",
        "AWS_ACCESS_KEY_ID": "real",
        "AWS_SECRET_ACCESS_KEY": "real",
        "AWS_SESSION_TOKEN": "real",
        "AWS_PROFILE": "real",
        "PULUMI_ACCESS_TOKEN": "real",
    }
    assert "real" not in {**real, **environment(tmp_path)}.values()


def test_everything_of_the_engine_is_below_the_labs_home(tmp_path):
    values = environment(tmp_path)
    assert values["PULUMI_HOME"] == f"{tmp_path}/pulumi"
    assert values["PULUMI_BACKEND_URL"] == f"file://{tmp_path}/state"


def test_the_plugins_are_those_of_the_installed_sdks(tmp_path):
    stale = tmp_path / "pulumi" / "plugins" / "resource-vultr-v0.0.1"
    stale.mkdir(parents=True)
    install_plugins(tmp_path)
    engines_own = stale.parent / "resource-vultr-v0.0.1.lastused"
    engines_own.touch()
    install_plugins(tmp_path)
    plugin = stale.parent / f"resource-vultr-v{version('ediri-vultr')}" / "pulumi-resource-vultr"
    assert plugin.stat().st_mode & stat.S_IXUSR
    assert plugin.read_text().startswith(f"#!{sys.executable}\n")
    assert sorted(p.name.split("-")[1] for p in stale.parent.iterdir() if p.is_dir()) == [
        "aws",
        "digitalocean",
        "vultr",
    ]


@pytest.mark.parametrize("provider", ["vultr", "digitalocean", "aws"])
def test_a_stand_in_does_not_start_outside_a_lab(tmp_path, provider):
    install_plugins(tmp_path)
    plugin = next((tmp_path / "pulumi" / "plugins").glob(f"resource-{provider}-*/pulumi-resource-{provider}"))
    outside = {name: value for name, value in os.environ.items() if name != "FLEET_LAB_HOME"}
    done = subprocess.run([plugin], env=outside, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        f"pulumi-resource-{provider}: this is the lab's stand-in, and FLEET_LAB_HOME is not set: run it in a lab"
    )


def test_a_plugin_ends_as_soon_as_it_is_asked(tmp_path):
    """The engine asks with SIGINT and waits five seconds before it kills: every run would take that much longer."""
    LabHome(tmp_path).configure(servers=False)
    install_plugins(tmp_path)
    plugin = next((tmp_path / "pulumi" / "plugins").glob("resource-vultr-*/pulumi-resource-vultr"))
    with subprocess.Popen([plugin], env={**os.environ, **environment(tmp_path)}, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert int(running.stdout.readline()) > 0
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=30) == 0


def test_a_plugin_outlives_no_killed_engine(tmp_path):
    LabHome(tmp_path).configure(servers=False)
    install_plugins(tmp_path)
    plugin = next((tmp_path / "pulumi" / "plugins").glob("resource-vultr-*/pulumi-resource-vultr"))
    # The shell stands for the engine: it starts the plugin, says its id and is killed.
    with subprocess.Popen(
        ["sh", "-c", '"$0" & echo $!; wait', str(plugin)],
        env={**os.environ, **environment(tmp_path)},
        stdout=subprocess.PIPE,
    ) as engine:
        assert engine.stdout is not None
        process = Path("/proc") / engine.stdout.readline().decode().strip()
        assert int(engine.stdout.readline()) > 0
        engine.kill()
    assert wait_for(lambda: not process.exists() or "State:\tZ" in (process / "status").read_text(), 30)


def test_a_plugin_loads_neither_the_sdk_nor_a_providers_sdk(tmp_path):
    code = (
        "import sys; import lab.plugin.servicer, lab.cloud.registry as r;"
        "[r.load_provider(n) for n in r.NAMES];"
        "print([m for m in sys.modules if m.startswith(('pulumi_', 'ediri_', 'pulumi.resource', 'docker', 'yaml'))])"
    )
    checkout = str(Path(__file__).resolve().parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": checkout},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == "[]"
