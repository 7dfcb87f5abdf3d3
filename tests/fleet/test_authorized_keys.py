"""The program that lets the fleet's next login key in on a host, and takes the former one away."""

from __future__ import annotations

import getpass
import json
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from fleet.mesh import authorized_keys
from fleet.mesh.authorized_keys import Refused, add, remove, with_key, without_key

OURS, NEXT, OTHER = "AAAAours", "AAAAnext", "AAAAother"
FILE = Path("/home/ops/.ssh/authorized_keys")
TEXT = f"""\
# who may log in: {NEXT} does not count in a comment
ssh-ed25519 {OTHER} owner
from="198.18.0.0/15",no-pty ssh-ed25519 {OURS} fleet
"""


def test_the_added_line_keeps_the_restrictions_of_the_known_one() -> None:
    added = with_key(TEXT, OURS, NEXT)
    assert added == TEXT + f'from="198.18.0.0/15",no-pty ssh-ed25519 {NEXT} fleet\n'
    assert with_key(added, OURS, NEXT) == added, "repeating changes nothing"


def test_removing_what_was_added_gives_the_text_as_it_was() -> None:
    assert without_key(with_key(TEXT, OURS, NEXT), NEXT) == TEXT
    assert without_key(TEXT, NEXT) == TEXT


def test_a_last_line_without_its_end_stays_a_line_of_its_own() -> None:
    assert with_key(f"ssh-ed25519 {OURS}", OURS, NEXT) == f"ssh-ed25519 {OURS}\nssh-ed25519 {NEXT}\n"


def test_a_key_that_is_let_in_from_elsewhere_is_named() -> None:
    with pytest.raises(Refused, match=rf"Let 'ssh-ed25519 {NEXT}' in .*run the same command again"):
        add({FILE: f"ssh-ed25519 {OTHER} owner\n"}, "ops", OURS, NEXT)


def test_the_only_key_of_ours_is_never_taken_away() -> None:
    with pytest.raises(Refused, match="the other key was left"):
        remove({FILE: TEXT}, "ops", OURS, NEXT)
    assert remove({FILE: with_key(TEXT, OURS, NEXT)}, "ops", OURS, NEXT)[FILE] == TEXT.replace(OURS, NEXT)
    without = f"ssh-ed25519 {OTHER} owner\n"
    assert remove({FILE: without}, "ops", OURS, NEXT) == {FILE: without}, "what is gone already is no reason to refuse"


def test_the_file_keeps_its_owner_and_mode(tmp_path: Path) -> None:
    path = tmp_path / "authorized_keys"
    path.write_text(TEXT)
    path.chmod(0o600)
    authorized_keys.replace_whole(path, "other\n")
    assert path.read_text() == "other\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_the_program_answers_an_unknown_user_in_words() -> None:
    program = Path(authorized_keys.__file__).read_bytes()
    argv = [sys.executable, "-", "add", "nobody-of-that-name", OURS, NEXT]
    done = subprocess.run(argv, input=program, capture_output=True, check=True)
    answer = json.loads(done.stdout)
    assert answer["changed"] == []
    assert "nobody-of-that-name" in answer["error"]


def test_without_sshd_the_usual_files_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user = getpass.getuser()
    account = pwd.getpwnam(user)
    monkeypatch.setattr(pwd, "getpwnam", lambda _: pwd.struct_passwd((*account[:5], str(tmp_path), account[6])))

    def no_sshd(*_: object, **__: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(subprocess, "run", no_sshd)
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "authorized_keys").write_text(TEXT)
    assert authorized_keys.key_files(user) == [tmp_path / ".ssh" / "authorized_keys"]
