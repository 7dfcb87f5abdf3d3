"""One salt for all stacks of a fleet."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet.workspace.salt import salt_line, share_salt

SALT = "encryptionsalt: v1:a2V5:v1:bm9uY2U:dGV4dA==\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.addresses.yaml").write_text(f"config:\n  fleet:regions: [nj]\n{SALT}")
    return tmp_path


def test_a_stack_without_a_salt_gets_the_one_of_the_addresses_and_keeps_its_text(root: Path) -> None:
    file = root / "Pulumi.nj.yaml"
    file.write_text("# ours\nconfig: {}")
    share_salt(root, "nj")
    share_salt(root, "nj")
    assert file.read_text() == f"# ours\nconfig: {{}}\n{SALT}"


@pytest.mark.parametrize("own", ["encryptionsalt: v1:b3du:v1:x:y\n", "secretsprovider: awskms://alias/ours\n"])
def test_a_stack_with_a_key_of_its_own_keeps_it(root: Path, own: str) -> None:
    file = root / "Pulumi.nj.yaml"
    file.write_text(f"config: {{}}\n{own}")
    share_salt(root, "nj")
    assert file.read_text() == f"config: {{}}\n{own}"


def test_before_the_addresses_have_one_and_without_a_file_nothing_is_written(root: Path) -> None:
    share_salt(root, "ldn")
    assert not (root / "Pulumi.ldn.yaml").exists()
    (root / "Pulumi.addresses.yaml").write_text("config: {}\n")
    (root / "Pulumi.nj.yaml").write_text("config: {}\n")
    share_salt(root, "nj")
    assert (root / "Pulumi.nj.yaml").read_text() == "config: {}\n"


def test_the_line_of_a_salt_is_found_wherever_it_stands(root: Path) -> None:
    assert salt_line(root / "Pulumi.addresses.yaml") == SALT
    assert salt_line(root / "Pulumi.nj.yaml") == ""
