"""The command line as a whole: help, exit codes, JSON, and that no user ever sees a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fleet.cli.commands import validate as validate_command
from fleet.workspace import engine_path
from tests.cli.conftest import CHECKOUT, OPERATOR_KEY
from tests.said import Fleet

COMMANDS = ("init", "doctor", "validate", "preview", "up", "down", "status", "adopt", "ssh", "logs")
GROUPS = ("operator", "mesh", "engine", "lab", "demo", "orphans")


def in_a_process(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from fleet.cli import main; main()", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_names_every_command(fleet: Fleet) -> None:
    said = fleet("--help")

    assert said.code == 0
    for name in (*COMMANDS, *GROUPS):
        assert f"\n  {name} " in said.out


def test_help_tells_the_exit_codes(fleet: Fleet) -> None:
    assert "Exit codes: 0 done, 1 failed, 2 wrong usage" in fleet("--help").out


def test_without_an_engine_the_command_that_builds_one_is_named(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine_path.engine.cache_clear()
    monkeypatch.setenv("FLEET_CACHE", str(tmp_path / "empty"))
    monkeypatch.setenv("PATH", "/nonexistent")

    said = fleet("engine", "path")

    assert said.code == 4
    assert said.err.startswith("error: no Pulumi engine: ")
    assert said.err.endswith(" Run: fleet engine build\n")


def test_help_loads_neither_the_engines_sdk_nor_a_cloud(folder: Path) -> None:
    program = (
        "import sys\nfrom fleet.cli.main import app\n"
        "print(sorted({'pulumi', 'paramiko', 'pydantic', 'boto3', 'jinja2', 'docker'} & set(sys.modules)))"
    )
    loaded = subprocess.check_output([sys.executable, "-c", program], cwd=CHECKOUT, text=True)

    assert loaded == "[]\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(fleet: Fleet, name: str) -> None:
    said = fleet(name, "--help")

    assert said.code == 0
    assert said.out.startswith(f"Usage: fleet {name} ")


def test_a_mistyped_command_is_wrong_usage(folder: Path) -> None:
    done = in_a_process("validatee", cwd=folder)

    assert done.returncode == 2
    assert "No such command 'validatee'" in done.stderr


def test_outside_of_a_fleet_the_way_in_is_named(fleet: Fleet, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    said = fleet("validate", cwd=elsewhere)

    assert said.code == 2
    assert said.err == (
        f"error: no fleet.yaml in {elsewhere} or above it: run this in the folder of a fleet, or give --root\n"
    )


def test_root_goes_before_the_environment(
    fleet: Fleet, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_ROOT", str(tmp_path / "nowhere"))

    assert fleet("validate", cwd=tmp_path).code == 2
    assert fleet("validate", "--root", str(folder), cwd=tmp_path).code == 0


def test_validate_says_what_must_be_replaced_before_real_servers(fleet: Fleet) -> None:
    said = fleet("validate")

    assert said.code == 0
    assert said.out.startswith("7 regions, 7 hosts: no problems\n")
    assert "before real servers: fleet.yaml: domain: is a documentation name" in said.out


def test_validate_reports_every_problem_of_every_file(fleet: Fleet, folder: Path) -> None:
    for name, right, wrong in (
        ("fleet.yaml", "mtu: 1420", "mtu: 9000"),
        ("Pulumi.nj.yaml", "vhp-4c-8gb-amd", "vhp-4c-9gb-amd"),
    ):
        text = (folder / name).read_text()
        assert right in text
        (folder / name).write_text(text.replace(right, wrong))

    said = fleet("validate")

    assert said.code == 2
    assert "has 2 problems in 2 files" in said.err
    assert "mesh.mtu" in said.err
    assert "vhp-4c-9gb-amd" in said.err
    assert "Traceback" not in said.err


def test_validate_as_json_for_programs(fleet: Fleet, folder: Path) -> None:
    assert json.loads(fleet("validate", "--json").out)["problems"] == []

    (folder / "fleet.yaml").write_text("name: fleet\nname: twice\n")
    said = fleet("validate", "--json")

    assert said.code == 2
    assert {"file", "key", "message", "line"} <= set(json.loads(said.out)["problems"][0])


def test_doctor_tells_what_each_command_needs(fleet: Fleet) -> None:
    said = fleet("doctor", "--json")

    found = {finding["name"]: finding for finding in json.loads(said.out)}
    assert found["python 3.11"]["present"] is True
    assert {"engine", "root", "dockerd"} <= set(found)
    assert said.code == (0 if all(finding["present"] for finding in found.values()) else 4)


def test_doctor_for_one_command_leaves_the_others_needs_out(fleet: Fleet) -> None:
    said = fleet("doctor", "validate", "--json")

    assert [finding["name"] for finding in json.loads(said.out)] == ["python 3.11"]
    assert said.code == 0


def test_commands_that_need_secrets_name_init(fleet: Fleet, folder: Path) -> None:
    said = fleet("status")

    assert said.code == 2
    assert said.err == (
        f"error: {folder} was not initialised on this machine ({folder}/.fleet/settings.yaml is missing): "
        "run fleet init\n"
    )


def test_up_refuses_placeholders_before_it_touches_anything(fleet: Fleet) -> None:
    said = fleet("up")

    assert said.code == 2
    assert "these values are placeholders; put your own before bringing servers up" in said.err


def test_an_operator_comes_and_goes(fleet: Fleet, folder: Path) -> None:
    before = (folder / "fleet.yaml").read_text()

    added = fleet("operator", "add", "anna", "--key", OPERATOR_KEY, "--address", "198.51.100.7/32")
    with_anna = (folder / "fleet.yaml").read_text()
    removed = fleet("operator", "remove", "anna", "--address", "198.51.100.7/32")

    assert (added.code, removed.code) == (0, 0)
    assert OPERATOR_KEY in with_anna
    assert "anna" not in (folder / "fleet.yaml").read_text()
    assert len((folder / "fleet.yaml").read_text().splitlines()) == len(before.splitlines())


def test_an_operator_who_is_not_there_cannot_go(fleet: Fleet) -> None:
    said = fleet("operator", "remove", "anna")

    assert said.code == 2
    assert said.err == "error: no operator 'anna' in fleet.yaml. There: nobody\n"


def test_a_defect_of_ours_is_a_sentence_and_a_file_not_a_traceback(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(validate_command, "Context", broken)

    said = fleet("validate")

    assert said.code == 1
    assert "Traceback" not in said.err
    assert "This is a defect of fleet." in said.err
    report = Path(said.err.strip().rpartition(": ")[2])
    assert "ZeroDivisionError: by zero" in report.read_text()
    report.unlink()


def test_ctrl_c_is_a_word_and_130(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(validate_command, "Context", interrupted)

    said = fleet("validate")

    assert said.code == 130
    assert "Traceback" not in said.err
