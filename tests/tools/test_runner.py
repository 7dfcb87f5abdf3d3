"""``tools/test``: levels in order, seconds of each, one closing line; a level that ran nothing has failed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.parts

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDERS = {
    "unit": "model",
    "program": "program",
    "engine": "engine",
    "servers": "lab/servers",
    "base": "lab/base",
    "lab": "lab",
}
PASSES = "def test_it():\n    assert True\n"
FAILS = "def test_it():\n    assert False\n"
MARKED = "import pytest\n\npytestmark = pytest.mark.parts\n\n\n" + PASSES
SKIPS = "import pytest\n\n\ndef test_it():\n    pytest.skip('not today')\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    place = tmp_path / "checkout"
    (place / "tools").mkdir(parents=True)
    shutil.copy(CHECKOUT / "tools" / "test", place / "tools" / "test")
    (place / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\nmarkers = parts\n")
    for level, folder in FOLDERS.items():
        (place / "tests" / folder).mkdir(parents=True, exist_ok=True)
        (place / "tests" / folder / f"test_{level}.py").write_text(PASSES)
    (place / "tests" / "model" / "test_parts.py").write_text(MARKED)
    return place


def run(checkout: Path, *levels: str, **environment: str) -> tuple[int, list[str]]:
    """Exit code and lines of a run."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "CI"))}
    done = subprocess.run(
        [sys.executable, checkout / "tools" / "test", *levels],
        env={**kept, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.splitlines()


def test_levels_in_order_and_one_closing_line(checkout: Path) -> None:
    code, lines = run(checkout, CI="true")

    assert code == 0
    summary = lines[lines.index("level      passed  failed  skipped  seconds") + 1 :]
    assert [line.split()[:4] for line in summary[:7]] == [
        [level, "1", "0", "0"] for level in ("unit", "base", "parts", "program", "engine", "servers", "lab")
    ]
    assert lines[-1] == "7 passed, 0 failed, 0 skipped"


def test_the_fleet_at_work_is_tested_beside_others_and_told_after_them(checkout: Path) -> None:
    """Each of the two ends only when it has seen the other one."""
    waits = (
        "import pathlib, time\n\n\ndef test_it():\n    here = pathlib.Path(__file__).with_suffix('.seen')\n"
        "    here.touch()\n    other = pathlib.Path({other!r})\n    deadline = time.monotonic() + 60\n"
        "    while not other.exists():\n        assert time.monotonic() < deadline\n        time.sleep(0.01)\n"
        "    print('seen by', {name!r})\n    assert {holds}\n"
    )
    lab, servers = (checkout / "tests" / "lab" / path for path in ("test_lab.py", "servers/test_servers.py"))
    lab.write_text(waits.format(other=str(servers.with_suffix(".seen")), name="lab", holds=False))
    servers.write_text(waits.format(other=str(lab.with_suffix(".seen")), name="servers", holds=True))

    code, lines = run(checkout, "base", "engine", "servers", "lab", CI="true")

    assert code == 1
    assert lines.index("== base ==") < lines.index("== engine ==") < lines.index("== servers ==")
    assert lines.index("== servers ==") < lines.index("== lab ==")
    assert lines.index("== lab ==") < lines.index("seen by lab")
    assert [line.split()[:3] for line in lines if line.startswith(("servers ", "base ", "lab "))] == [
        ["base", "1", "0"],
        ["servers", "1", "0"],
        ["lab", "0", "1"],
    ]


def test_told_to_end_it_lets_every_level_under_way_clean_up(checkout: Path) -> None:
    long = (
        "import pathlib, time\n\nimport pytest\n\nHERE = pathlib.Path(__file__)\n\n\n@pytest.fixture\n"
        "def server():\n    yield\n    time.sleep(0.5)\n    HERE.with_suffix('.cleaned').touch()\n\n\n"
        "def test_it(server):\n    HERE.with_suffix('.begun').touch()\n    time.sleep(60)\n"
    )
    levels = [checkout / "tests" / "lab" / path for path in ("test_lab.py", "servers/test_servers.py")]
    shutil.copy(CHECKOUT / "tests" / "conftest.py", checkout / "tests" / "conftest.py")
    for level in levels:
        level.write_text(long)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    command = [sys.executable, checkout / "tools" / "test", "servers", "lab"]
    with subprocess.Popen(command, env={**kept, "CI": "true"}, stdout=subprocess.DEVNULL) as runner:
        deadline = time.monotonic() + 60
        while not all(level.with_suffix(".begun").exists() for level in levels):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        runner.terminate()
        assert runner.wait(timeout=30) == 128 + signal.SIGTERM
    assert [level.with_suffix(".cleaned").exists() for level in levels] == [True, True]


def test_a_failed_test_fails_the_run_and_the_later_levels_still_run(checkout: Path) -> None:
    (checkout / "tests" / "model" / "test_unit.py").write_text(FAILS)

    code, lines = run(checkout, "unit", "program")

    assert code == 1
    assert lines[-1] == "1 passed, 1 failed, 0 skipped"


def test_a_level_whose_tests_were_all_skipped_has_failed(checkout: Path) -> None:
    (checkout / "tests" / "engine" / "test_engine.py").write_text(SKIPS)

    code, lines = run(checkout, "engine")

    assert code == 1
    assert lines[-1] == "0 passed, 1 failed, 1 skipped"


def test_a_file_that_does_not_import_has_failed(checkout: Path) -> None:
    (checkout / "tests" / "program" / "test_program.py").write_text("import no_such_module\n")

    assert run(checkout, "program")[0] == 1


def test_an_unknown_level_is_wrong_usage(checkout: Path) -> None:
    assert run(checkout, "integration")[0] == 2
