"""The script that copies the database, run as it is on a folder like QuestDB's.

The database's part is a script that writes down the statements: what is tried here is what happens to the files and to
the checkpoint.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from templates.render import render

COLUMN = "db/trades~1/2026-01-01T00/px.d"


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path)


class Database:
    """A folder like the database's, and its copies."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.backups = self.root / "backups"
        self.last = self.backups / "last"
        self._scripts = folder / "scripts"
        self._statements = folder / "statements"
        for path, content in {
            "conf/server.conf": "",
            COLUMN: "1.5 2.5",
            "db/name with spaces~2/_meta": "columns",
            ".checkpoint/db/trades~1/_txn": "7",
        }.items():
            file = self.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        self._scripts.mkdir()
        (self._scripts / "sql.sh").write_text(f'[ "$1" = writer ] && echo "$2" >> "{self._statements}"\n')
        script = render(
            "bundles/questdb/backup.sh.j2", root=str(self.root), scripts=str(self._scripts), administrator="writer"
        )
        (self._scripts / "backup.sh").write_text(script)

    def back_up(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["bash", self._scripts / "backup.sh"], capture_output=True, text=True, check=False)

    def check(self) -> subprocess.CompletedProcess[str]:
        """As the runbook says it."""
        command = ["sha256sum", "--check", "--quiet", "SHA256SUMS"]
        return subprocess.run(command, cwd=self.last, capture_output=True, text=True, check=False)

    @property
    def statements(self) -> list[str]:
        return self._statements.read_text().splitlines()


def test_a_copy_is_made_inside_a_checkpoint_and_lists_every_file(database: Database) -> None:
    assert database.back_up().returncode == 0
    # The first release is for a copy that was killed before.
    assert database.statements == ["CHECKPOINT RELEASE", "CHECKPOINT CREATE", "CHECKPOINT RELEASE"]
    listed = {line.partition("  ")[2] for line in (database.last / "SHA256SUMS").read_text().splitlines()}
    assert listed == {
        "conf/server.conf",
        COLUMN,
        "db/name with spaces~2/_meta",
        ".checkpoint/db/trades~1/_txn",
    }
    assert (database.last / "made").read_text().strip().endswith("Z")
    assert database.check().returncode == 0


def test_a_damaged_or_missing_file_of_a_copy_is_named(database: Database) -> None:
    database.back_up()
    (database.last / COLUMN).write_text("1.5 2.4")
    (database.last / "db/name with spaces~2/_meta").unlink()
    checked = database.check()
    assert checked.returncode == 1
    assert f"{COLUMN}: FAILED" in checked.stdout
    assert "db/name with spaces~2/_meta: FAILED open or read" in checked.stdout


def test_a_copy_that_fails_releases_the_checkpoint_and_keeps_the_one_before(database: Database) -> None:
    database.back_up()
    (database.root / ".checkpoint/db/trades~1/_txn").unlink()
    for folder in (".checkpoint/db/trades~1", ".checkpoint/db", ".checkpoint"):
        (database.root / folder).rmdir()
    assert database.back_up().returncode != 0
    assert database.statements[-1] == "CHECKPOINT RELEASE"
    assert database.check().returncode == 0


def test_killed_while_the_new_copy_took_the_place_of_the_old_one_it_starts_over(database: Database) -> None:
    database.back_up()
    database.last.rename(database.backups / "before")
    (database.backups / "unfinished").mkdir()
    (database.root / COLUMN).write_text("1.5 2.5 3.5")
    assert database.back_up().returncode == 0
    assert sorted(path.name for path in database.backups.iterdir()) == ["last", "lock"]
    assert (database.last / COLUMN).read_text() == "1.5 2.5 3.5"


def test_two_copies_at_once_are_refused(database: Database) -> None:
    database.back_up()
    before = database.statements
    holder = ["flock", str(database.backups / "lock"), "sh", "-c", "echo held; read -r _"]
    with subprocess.Popen(holder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        refused = database.back_up()
        process.communicate("\n")
    assert refused.returncode == 1
    assert refused.stderr == "another copy is being made\n"
    assert database.statements == before
