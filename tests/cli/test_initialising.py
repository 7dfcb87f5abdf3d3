"""``fleet init``: made once, checked ever after; nothing that was lost is silently replaced."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import OPERATOR_KEY
from tests.said import Fleet


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_first_time_makes_everything_readable_by_nobody_else(fleet: Fleet, folder: Path) -> None:
    said = fleet("init")

    assert said.code == 0
    assert said.out.count("(made)") == 2
    for name in ("passphrase", "secrets.json", "settings.yaml"):
        assert stat.S_IMODE((folder / ".fleet" / name).stat().st_mode) == 0o600
    assert yaml.safe_load((folder / ".fleet" / "settings.yaml").read_text())["backend"] == (
        f"file://{folder}/.fleet/state"
    )
    assert (folder / ".fleet" / "state").is_dir()


def test_a_second_time_changes_nothing(fleet: Fleet, folder: Path) -> None:
    first = fleet("init", "--operator", "anna", "--address", "198.51.100.7")
    before = files(folder)

    second = fleet("init", "--operator", "anna", "--address", "198.51.100.7/32")

    assert (first.code, second.code) == (0, 0)
    assert files(folder) == before
    assert second.out.count("(kept)") == 3


def test_neither_passphrase_nor_master_secret_is_ever_printed(fleet: Fleet, folder: Path) -> None:
    said = [fleet("init"), fleet("init")]

    passphrase = (folder / ".fleet" / "passphrase").read_text().strip()
    assert not any(passphrase in text for one in said for text in (one.out, one.err))


def test_operators_are_written_to_fleet_yaml_with_its_comments_kept(fleet: Fleet, folder: Path) -> None:
    key = folder / "anna.pub"
    key.write_text(OPERATOR_KEY + "\n")
    before = (folder / "fleet.yaml").read_text()

    said = fleet("init", "--operator", "anna", "--key", str(key), "--address", "198.51.100.7/32")

    assert said.code == 0
    after = (folder / "fleet.yaml").read_text()
    operators = yaml.safe_load(after)["operators"]
    assert operators == {"addresses": ["198.51.100.7/32"], "keys": {"anna": OPERATOR_KEY}}
    assert [line for line in after.splitlines() if "#" in line] == [line for line in before.splitlines() if "#" in line]
    assert "ssh is open to: 198.51.100.7/32" in said.out


def test_a_private_key_given_by_mistake_is_not_written(fleet: Fleet, folder: Path) -> None:
    key = folder / "anna"
    key.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n")
    before = (folder / "fleet.yaml").read_text()

    said = fleet("init", "--operator", "anna", "--key", str(key))

    assert said.code == 2
    assert (folder / "fleet.yaml").read_text() == before


def test_a_team_keeps_its_state_in_a_bucket(fleet: Fleet, folder: Path) -> None:
    said = fleet("init", "--backend", "s3://our-fleet?region=eu-west-1")

    assert said.code == 0
    assert "state: s3://our-fleet?region=eu-west-1\n" in said.out
    assert not (folder / ".fleet" / "state").exists()


@pytest.mark.parametrize("backend", ["https://example.invalid", "file://relative/state", "our-bucket"])
def test_other_places_for_the_state_are_refused(fleet: Fleet, folder: Path, backend: str) -> None:
    said = fleet("init", "--backend", backend)

    assert said.code == 3
    assert f"'{backend}' is no place for the state. Allowed: file:///FOLDER" in said.err
    assert not (folder / ".fleet").exists()


def test_the_state_does_not_move_by_itself(fleet: Fleet) -> None:
    fleet("init")

    said = fleet("init", "--backend", "s3://our-fleet")

    assert said.code == 3
    assert "pulumi stack export and import" in said.err


def test_a_passphrase_file_of_ones_own_is_used(fleet: Fleet, tmp_path: Path) -> None:
    mine = tmp_path / "passphrase"
    mine.write_text("correct horse battery staple\n")
    mine.chmod(0o600)

    said = fleet("init", "--passphrase-file", str(mine))

    assert said.code == 0
    assert f"passphrase: {mine} (kept)" in said.out


def test_a_passphrase_that_others_can_read_is_closed_to_them(fleet: Fleet, folder: Path) -> None:
    fleet("init")
    passphrase = folder / ".fleet" / "passphrase"
    passphrase.chmod(0o644)

    said = fleet("init")

    assert "its mode was 0644, is 0600 now" in said.out
    assert stat.S_IMODE(passphrase.stat().st_mode) == 0o600


def test_a_lost_passphrase_is_asked_for_not_replaced(fleet: Fleet, folder: Path) -> None:
    fleet("init")
    (folder / ".fleet" / "passphrase").unlink()

    said = fleet("init")

    assert said.code == 3
    assert "the passphrase of this fleet is not on this machine. secrets.json: encrypted under it." in said.err
    assert not (folder / ".fleet" / "passphrase").exists()


def test_on_a_second_machine_the_teams_passphrase_is_asked_for(fleet: Fleet, folder: Path) -> None:
    with (folder / "Pulumi.nj.yaml").open("a") as stack:
        stack.write("encryptionsalt: v1:AAAAAAAAAAA=:v1:AAAAAAAAAAAAAAAA:AAAA==\n")

    said = fleet("init")

    assert said.code == 3
    assert "Pulumi.nj.yaml: encrypted under it" in said.err


def test_a_lost_master_secret_is_asked_for_not_replaced(fleet: Fleet, folder: Path) -> None:
    fleet("init")
    (folder / ".fleet" / "secrets.json").unlink()

    said = fleet("init")

    assert said.code == 3
    assert "secrets.json is gone: it holds the master secret" in said.err
    assert not (folder / ".fleet" / "secrets.json").exists()


def test_an_interrupted_first_time_is_finished_by_the_next(fleet: Fleet, folder: Path) -> None:
    fleet("init")
    (folder / ".fleet" / "settings.yaml").unlink()
    before = files(folder / ".fleet")

    said = fleet("init")

    assert said.code == 0
    after = files(folder / ".fleet")
    assert {name: after[name] for name in before} == before
    assert "settings.yaml" in after


def test_the_wrong_passphrase_is_one_clear_line(fleet: Fleet, folder: Path) -> None:
    fleet("init")
    (folder / ".fleet" / "passphrase").write_text("another one\n")

    said = fleet("init")

    assert said.code != 0
    assert said.err == f"error: {folder}/.fleet/secrets.json: wrong passphrase\n"
