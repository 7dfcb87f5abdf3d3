"""observe, plan and apply through a real ssh connection, on a folder that stands for the host's root."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from hosts import (
    Absent,
    AgentFailed,
    ApplyFailed,
    ChangeReverted,
    Connection,
    Directory,
    File,
    Handler,
    HostBusy,
    HostEnvironment,
    HostState,
    HostUnreachable,
    Link,
    Revert,
    Unsettled,
    ValidationRefused,
    apply,
    connect,
    observe,
    plan,
)
from hosts.run import LOADER, program_stdin
from tests.hosts.sshd import Server

pytestmark = pytest.mark.parts

SECRET = "kQ7mVx2RZc0nTq3yLw8bUe5s"


@pytest.fixture
def connection(server: Server) -> Iterator[Connection]:
    with connect(server.target, server.login_key, deadline_seconds=10) as opened:
        yield opened


@pytest.fixture
def confirm(server: Server) -> Callable[[], Connection]:
    return lambda: connect(server.target, server.login_key, deadline_seconds=10)


def unreachable() -> Connection:
    raise HostUnreachable("nj: no ssh server answered")


@pytest.fixture
def state(root: Path) -> HostState:
    """A little of everything that needs no systemd."""
    (root / "etc").mkdir()
    (root / "etc/old.conf").write_text("gone soon\n")
    return HostState(
        directories=(Directory("/srv/data", mode=0o750),),
        files=(
            File("/etc/app/app.conf", "port = 1\n", notifies=("count",), validator=("grep", "-q", "port", "{}")),
            File("/etc/app/key", SECRET + "\n", mode=0o600, sensitive=True, notifies=("count",)),
        ),
        absent=(Absent("/etc/old.conf"),),
        links=(Link("/etc/app/current", "app.conf"),),
        handlers=(Handler("count", ("sh", "-c", f"echo ran >> {root}/count")),),
    )


def test_a_host_becomes_as_described_and_then_nothing_changes(
    connection: Connection,
    confirm: Callable[[], Connection],
    state: HostState,
    environment: HostEnvironment,
    root: Path,
) -> None:
    announced = observe(connection, state, environment)
    assert not (root / "etc/app").exists(), "observe writes nothing"
    done = apply(connection, state, confirm, environment)
    assert [(change.kind, change.name, change.action) for change in done.changes] == [
        ("directory", "/srv/data", "create"),
        ("file", "/etc/app/app.conf", "create"),
        ("file", "/etc/app/key", "create"),
        ("absent", "/etc/old.conf", "delete"),
        ("link", "/etc/app/current", "create"),
        ("handler", "count", "run"),
    ]
    assert announced.changes == done.changes, "what was announced is what was done"
    assert (root / "etc/app/app.conf").read_text() == "port = 1\n"
    assert (root / "etc/app/key").stat().st_mode & 0o777 == 0o600
    assert (root / "srv/data").stat().st_mode & 0o777 == 0o750
    assert (root / "etc/app/current").readlink() == Path("app.conf")
    assert not (root / "etc/old.conf").exists()
    assert (root / "count").read_text() == "ran\n", "one handler, notified by two files, runs once"

    again = apply(connection, state, confirm, environment)
    assert again.settled
    assert again.changes == ()
    assert (root / "count").read_text() == "ran\n"
    assert observe(connection, state, environment).settled
    assert list((root / "var/lib/fleet/tmp").iterdir()) == []


def test_drift_is_shown_as_a_text_diff(
    connection: Connection,
    confirm: Callable[[], Connection],
    state: HostState,
    environment: HostEnvironment,
    root: Path,
) -> None:
    apply(connection, state, confirm, environment)
    (root / "etc/app/app.conf").write_text("port = 2\n")
    (root / "etc/app/app.conf").chmod(0o666)
    drift = plan(connection, state, environment).changes
    assert [change.name for change in drift] == ["/etc/app/app.conf", "count"]
    assert "-port = 2\n+port = 1" in drift[0].diff
    assert "mode 0666 -> 0644" in drift[0].diff


def test_a_sensitive_file_shows_in_nothing(
    connection: Connection,
    confirm: Callable[[], Connection],
    state: HostState,
    environment: HostEnvironment,
    root: Path,
) -> None:
    leaky = replace(
        state,
        files=(File("/etc/app/key", SECRET, sensitive=True, validator=("sh", "-c", "cat $0; exit 1", "{}")),),
    )
    reports = [observe(connection, leaky, environment), plan(connection, leaky, environment)]
    with pytest.raises(ValidationRefused, match="output is withheld") as refusal:
        apply(connection, leaky, confirm, environment)
    quoting = replace(state, handlers=(Handler("count", ("sh", "-c", f"cat {root}/etc/app/key; exit 1")),))
    with pytest.raises(ApplyFailed, match=r"\[withheld\]") as failure:
        apply(connection, quoting, confirm, environment)
    texts = [json.dumps(report.to_document()) for report in (*reports, refusal.value.report, failure.value.report)]
    assert not any(SECRET in text for text in (*texts, str(refusal.value), str(failure.value)))
    assert any("content differs" in text for text in texts)


def test_a_refused_file_leaves_every_file_as_it_was(
    connection: Connection,
    confirm: Callable[[], Connection],
    state: HostState,
    environment: HostEnvironment,
    root: Path,
) -> None:
    refused = File("/etc/zzz.conf", "prot = 1\n", validator=("grep", "-q", "port", "{}"))
    broken = replace(state, files=(*state.files, refused))
    assert [failed.name for failed in plan(connection, broken, environment).failed] == ["/etc/zzz.conf"]
    with pytest.raises(
        ValidationRefused, match=r"nj .*: base was not applied: \n  file /etc/zzz.conf: grep refuses it"
    ):
        apply(connection, broken, confirm, environment)
    assert not (root / "etc/app").exists()
    assert (root / "etc/old.conf").exists()
    assert not (root / "count").exists()


def test_at_most_three_channel_requests(
    connection: Connection, server: Server, state: HostState, environment: HostEnvironment
) -> None:
    opened: list[Connection] = []

    def confirm() -> Connection:
        opened.append(connect(server.target, server.login_key, deadline_seconds=10))
        return opened[-1]

    dangerous = replace(state, handlers=(replace(state.handlers[0], revert=Revert(seconds=60)),))
    report = apply(connection, dangerous, confirm, environment)
    assert [armed.name for armed in report.armed] == ["count"]
    assert len(opened) == 1
    assert connection.channels_opened == 1, "apply is one request"
    assert opened[0].channels_opened == 1, "its confirmation another"


def test_a_handler_left_by_an_interrupted_run_is_made_up_for(
    connection: Connection,
    confirm: Callable[[], Connection],
    state: HostState,
    environment: HostEnvironment,
    root: Path,
) -> None:
    failing = replace(state, handlers=(replace(state.handlers[0], argv=("false",)),))
    with pytest.raises(ApplyFailed, match="handler count: false: exit status 1"):
        apply(connection, failing, confirm, environment)
    report = apply(connection, state, confirm, environment)
    assert [(change.name, change.diff) for change in report.changes] == [("count", "left by an interrupted run")]
    assert (root / "count").read_text() == "ran\n"


def test_what_does_not_last_is_not_called_done(
    connection: Connection,
    confirm: Callable[[], Connection],
    state: HostState,
    environment: HostEnvironment,
    root: Path,
) -> None:
    undoing = replace(state, handlers=(replace(state.handlers[0], argv=("rm", f"{root}/etc/app/app.conf")),))
    with pytest.raises(Unsettled, match=r"looking again shows differences: \n  file /etc/app/app.conf: create"):
        apply(connection, undoing, confirm, environment)


def test_a_handler_whose_effect_is_missing_runs_without_a_changed_file(
    connection: Connection,
    confirm: Callable[[], Connection],
    state: HostState,
    environment: HostEnvironment,
    root: Path,
) -> None:
    table = f"{root}/table"
    checked = replace(state, handlers=(Handler("count", ("touch", table), check=("test", "-e", table)),))
    apply(connection, checked, confirm, environment)
    Path(table).unlink()
    assert [change.name for change in observe(connection, checked, environment).changes] == ["count"]
    apply(connection, checked, confirm, environment)
    assert Path(table).exists()


def test_two_runs_at_once_exclude_each_other_and_the_second_names_the_first(
    connection: Connection, state: HostState, environment: HostEnvironment, root: Path
) -> None:
    lock = root / "run/fleet/lock"
    lock.parent.mkdir(parents=True)
    stage = subprocess.Popen(["flock", "--no-fork", str(lock), "sleep", "600"])
    while subprocess.run(["flock", "-n", str(lock), "true"]).returncode == 0:
        time.sleep(0.02)
    lock.write_text(
        json.dumps({"who": "ann@desk", "since": "2026-11-22 10:00:00 UTC", "part": "base", "pid": stage.pid})
    )
    with pytest.raises(HostBusy, match="ann@desk has been applying base here since 2026-11-22 10:00:00 UTC"):
        apply(connection, state, unreachable, environment, lock_wait_seconds=0)
    assert not (root / "etc/app").exists()
    stage.kill()
    stage.wait()
    apply(connection, state, unreachable, environment, lock_wait_seconds=0)


def test_losing_the_connection_does_not_stop_a_run_half_way(
    server: Server, confirm: Callable[[], Connection], state: HostState, environment: HostEnvironment, root: Path
) -> None:
    """Ctrl-C on this side: the host finishes what it was given, and the next run finds nothing to do."""
    os.mkfifo(root / "gate")
    waiting = Handler("count", ("sh", "-c", f"cat {root}/gate >/dev/null; echo ran >> {root}/count"))
    state = replace(state, handlers=(waiting,))
    lost = connect(server.target, server.login_key, deadline_seconds=10)
    ended: list[BaseException] = []

    def run() -> None:
        try:
            apply(lost, state, confirm, environment)
        except HostUnreachable as error:
            ended.append(error)

    runner = threading.Thread(target=run)
    runner.start()
    with (root / "gate").open("w"):  # opens when the handler has opened it for reading
        lost.close()
        runner.join()
        assert "it finishes by itself" in str(ended[0]) or "ended before" in str(ended[0])
    with confirm() as connection:
        assert apply(connection, state, confirm, environment, lock_wait_seconds=30).changes == ()
    assert (root / "count").read_text() == "ran\n"


def test_a_killed_run_leaves_neither_lock_nor_leftovers(
    connection: Connection,
    confirm: Callable[[], Connection],
    state: HostState,
    environment: HostEnvironment,
    root: Path,
) -> None:
    """kill -9 in the middle: the lock ends with its process, and the next run clears up and makes up."""
    murder = Handler("count", ("sh", "-c", "kill -9 $PPID"))
    with pytest.raises(AgentFailed, match="was killed there before it was done"):
        apply(connection, replace(state, handlers=(murder,)), confirm, environment)
    (root / "var/lib/fleet/tmp/4194305-0").mkdir()
    (root / "var/lib/fleet/tmp/4194305-0/app.conf").write_text("half a fi")
    report = apply(connection, state, confirm, environment, lock_wait_seconds=0)
    assert [change.name for change in report.changes] == ["count"]
    assert list((root / "var/lib/fleet/tmp").iterdir()) == []


def test_half_a_program_does_nothing(
    server: Server, environment: HostEnvironment, state: HostState, root: Path
) -> None:
    """Lost while it was being sent."""
    payload = {"mode": "apply", "root": str(root), "path": environment.path, "state": asdict(state)}
    whole = program_stdin(payload)
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        done = subprocess.run(
            [sys.executable, "-I", "-c", LOADER], input=whole[:length], capture_output=True, check=False
        )
        assert done.returncode != 0
        assert done.stdout == b""
    assert not (root / "var").exists()


def test_an_old_python_is_named_before_the_program_is_read() -> None:
    older = LOADER.replace("(3, 11)", "(99, 0)")
    done = subprocess.run([sys.executable, "-I", "-c", older], input=b"", capture_output=True, check=True)
    assert json.loads(done.stdout)["error"]["code"] == "python"
    assert "3.11 or newer is needed" in json.loads(done.stdout)["error"]["message"]


def dangerous_state(root: Path, content: str, seconds: float) -> HostState:
    """One file behind a handler that copies it to where a daemon would have loaded it."""
    load = f"cat {root}/etc/fleet.nft > {root}/loaded"
    revert = Revert(seconds=seconds, first_undo=("rm", "-f", f"{root}/loaded"))
    return HostState(
        files=(File("/etc/fleet.nft", content, notifies=("firewall",)),),
        handlers=(Handler("firewall", ("sh", "-c", load), revert=revert),),
    )


def test_a_dangerous_change_that_nobody_confirms_is_taken_back(
    connection: Connection, confirm: Callable[[], Connection], environment: HostEnvironment, root: Path
) -> None:
    apply(connection, dangerous_state(root, "first\n", 30), confirm, environment)
    assert (root / "loaded").read_text() == "first\n"
    with pytest.raises(
        ChangeReverted, match=r"firewall was reverted at .*: /etc/fleet.nft as before\nWhy: no new .*no ssh server"
    ):
        apply(connection, dangerous_state(root, "second\n", 1), unreachable, environment)
    assert (root / "etc/fleet.nft").read_text() == "first\n"
    assert (root / "loaded").read_text() == "first\n"
    report = apply(connection, dangerous_state(root, "third\n", 30), confirm, environment)
    assert report.reverted == (), "it has been told already"
    assert (root / "loaded").read_text() == "third\n"
    assert connection.channels_opened == 4, "three times apply, and the wait for the revert"


def test_a_first_load_is_undone_instead_of_restored(
    connection: Connection, environment: HostEnvironment, root: Path
) -> None:
    with pytest.raises(ChangeReverted):
        apply(connection, dangerous_state(root, "first\n", 1), unreachable, environment)
    assert not (root / "etc/fleet.nft").exists()
    assert not (root / "loaded").exists()


def test_a_confirmed_change_stays(
    connection: Connection, confirm: Callable[[], Connection], environment: HostEnvironment, root: Path, tmp_path: Path
) -> None:
    apply(connection, dangerous_state(root, "first\n", 60), confirm, environment)
    assert list((tmp_path / "stand-ins/timers").iterdir()) == [], "its timer is stopped"
    assert list((root / "var/lib/fleet/armed").iterdir()) == []
    assert (root / "loaded").read_text() == "first\n"


def test_a_dangerous_handler_that_fails_is_taken_back_at_once(
    connection: Connection, confirm: Callable[[], Connection], environment: HostEnvironment, root: Path
) -> None:
    apply(connection, dangerous_state(root, "first\n", 30), confirm, environment)
    broken = dangerous_state(root, "second\n", 30)
    broken = replace(
        broken, handlers=(replace(broken.handlers[0], argv=("sh", "-c", f"! grep -q second {root}/etc/fleet.nft")),)
    )
    with pytest.raises(ApplyFailed, match="firewall was reverted"):
        apply(connection, broken, confirm, environment)
    assert (root / "etc/fleet.nft").read_text() == "first\n"


def test_a_change_left_unconfirmed_is_settled_before_the_next_run(
    connection: Connection, confirm: Callable[[], Connection], environment: HostEnvironment, root: Path
) -> None:
    class Killed(BaseException):
        pass

    def killed() -> Connection:
        raise Killed

    with pytest.raises(Killed):
        apply(connection, dangerous_state(root, "first\n", 1), killed, environment)
    later = dangerous_state(root, "second\n", 30)
    assert [armed.name for armed in observe(connection, later, environment).armed] in (["firewall"], [])
    report = apply(connection, later, confirm, environment)
    assert [(item.name, item.files) for item in report.reverted] == [("firewall", ("/etc/fleet.nft",))]
    assert (root / "loaded").read_text() == "second\n"


def test_a_change_whose_timer_a_reboot_took_is_taken_back_at_once(
    connection: Connection, confirm: Callable[[], Connection], environment: HostEnvironment, root: Path, tmp_path: Path
) -> None:
    class Killed(BaseException):
        pass

    def killed() -> Connection:
        raise Killed

    with pytest.raises(Killed):
        apply(connection, dangerous_state(root, "first\n", 3600), killed, environment)
    (timer,) = (tmp_path / "stand-ins/timers").iterdir()
    subprocess.run([str(tmp_path / "stand-ins/systemctl"), "stop", timer.name], check=True)
    report = apply(connection, dangerous_state(root, "second\n", 30), confirm, environment)
    assert [item.name for item in report.reverted] == ["firewall"]


def test_without_a_timer_nothing_dangerous_is_done(
    connection: Connection, confirm: Callable[[], Connection], environment: HostEnvironment, root: Path
) -> None:
    blind = replace(environment, path=environment.path.partition(":")[2])
    with pytest.raises(ApplyFailed, match="revert timer could not be started, so nothing was changed"):
        apply(connection, dangerous_state(root, "first\n", 1), confirm, blind)
    assert not (root / "etc/fleet.nft").exists()


def test_a_user_without_sudo_is_told_so(server: Server, connection: Connection, environment: HostEnvironment) -> None:
    class Deploy:
        """The same connection under another name: what matters is the command it is given."""

        target = replace(server.target, user="deploy")
        run = staticmethod(connection.run)

    with pytest.raises(AgentFailed, match=r"did not report \(exit (1|127)\).*sudo without a password for deploy"):
        observe(Deploy(), HostState(), environment)  # type: ignore[arg-type]


def test_a_defect_of_the_host_program_is_named_without_its_text(
    connection: Connection, environment: HostEnvironment
) -> None:
    broken = HostState(files=(File("/etc/x", None, group=SECRET),))  # type: ignore[arg-type]
    with pytest.raises(AgentFailed, match=r"defect in the host program: \w+ at \w+\.py:\d+") as defect:
        apply(connection, broken, unreachable, environment)
    assert SECRET not in str(defect.value)
    assert not re.search("Traceback", str(defect.value))
