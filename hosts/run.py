"""The stages of a host's configuration, each one exec of the same program on the host."""

from __future__ import annotations

import getpass
import importlib.resources
import json
import socket
import uuid
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from hosts.errors import (
    AgentFailed,
    ApplyFailed,
    ChangeReverted,
    HostBusy,
    HostError,
    HostUnreachable,
    Unsettled,
    ValidationRefused,
)
from hosts.report import Change, Report, Reverted
from hosts.state import UNITS_ORDER, HostState

if TYPE_CHECKING:
    from hosts.connection import Connection

OBSERVE_SECONDS = 120.0
PLAN_SECONDS = 300.0
APPLY_SECONDS = 2700.0
"""Above what a first installation of all packages may take, with apt's locks waited for."""
CONFIRM_SECONDS = 60.0
REVERT_SECONDS = 60.0
"""How long after its timer fired a revert may take until we give up watching it."""

LOADER = """\
import json, sys, zlib
if sys.version_info < (3, 11):
    print(json.dumps({"error": {"code": "python", "message": "its python3 is %d.%d; 3.11 or newer is needed" \
% sys.version_info[:2]}}))
    raise SystemExit
line = sys.stdin.buffer.readline()
source = zlib.decompress(sys.stdin.buffer.read(int(line)))
exec(compile(source, "bootstrap.py", "exec"), {"__name__": "__main__"})
"""
"""All that stands on the remote command line; secrets come by stdin only."""


@dataclass(frozen=True)
class HostEnvironment:
    """Where the program on the host works: the real root everywhere but in tests."""

    root: str = "/"
    path: str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


HOST = HostEnvironment()


@dataclass(frozen=True)
class _Answer:
    report: Report
    outcome: str


def observe(connection: Connection, state: HostState, environment: HostEnvironment = HOST) -> Report:
    """What differs between the host and ``state`` right now; writes nothing on the host.

    Raises:
        AgentFailed: the program could not run there.
        HostUnreachable, StageTimeout: as ``Connection.run``.
    """
    return _stage(connection, _state_payload("observe", state, environment), OBSERVE_SECONDS).report


def plan(connection: Connection, state: HostState, environment: HostEnvironment = HOST) -> Report:
    """As ``observe``, and the validators have read the new files: a refusal stands in ``failed``."""
    return _stage(connection, _state_payload("plan", state, environment), PLAN_SECONDS).report


def apply(
    connection: Connection,
    state: HostState,
    confirm: Callable[[], Connection],
    environment: HostEnvironment = HOST,
    lock_wait_seconds: float = 30.0,
) -> Report:
    """Make the host as ``state`` says; applying twice changes nothing.

    Dangerous changes (handlers with a revert) are kept only if ``confirm`` opens a new connection in time: with
    another host key, through another firewall, it must be the connection that later runs will use.

    Raises:
        ValidationRefused: a validator refused a file; no file was changed.
        ApplyFailed: a stage failed; later ones did not run. The error's ``report`` has what was done.
        Unsettled: after applying, differences remain.
        ChangeReverted: no new connection came about; the host took the dangerous change back.
        HostBusy: another run holds the host's lock.
        AgentFailed, HostUnreachable, StageTimeout: as ``observe``.
    """
    run = uuid.uuid4().hex
    payload = _state_payload("apply", state, environment)
    payload |= {
        "who": who(),
        "run": run,
        "lock_wait_seconds": lock_wait_seconds,
    }
    answer = _stage(connection, payload, APPLY_SECONDS)
    report = answer.report
    if report.armed:
        _confirm(connection, confirm, report, run, environment)
    place, part = connection.target, state.name
    if answer.outcome == "refused":
        raise ValidationRefused(
            f"{place}: {part} was not applied: {_listing(report.failed)}\nNo file was changed. Correct what is refused "
            "and run again.",
            report,
        )
    if report.failed:
        raise ApplyFailed(
            f"{place}: {part} was applied in part: {_listing(report.failed)}{_reverts(report.reverted)}\nLater stages "
            "were not done. Run again when the reason is gone; what was done stays done.",
            report,
        )
    if report.unsettled:
        raise Unsettled(
            f"{place}: {part} was applied, but looking again shows differences: {_listing(report.unsettled)}\n"
            "Something else on the host sets them, or what was set does not last.",
            report,
        )
    return report


def _confirm(
    connection: Connection, confirm: Callable[[], Connection], report: Report, run: str, environment: HostEnvironment
) -> None:
    names = [armed.name for armed in report.armed]
    payload = {**base_payload("confirm", environment), "names": names, "run": run}
    try:
        with confirm() as fresh:
            verdict = _stage(fresh, payload, CONFIRM_SECONDS).report
        reason = "the confirmation came after the time was up"
    except HostError as lost:
        verdict = _await_revert(connection, report, environment, lost)
        reason = f"no new connection came about to confirm it: {lost}"
    if verdict.reverted:
        raise ChangeReverted(
            f"{connection.target}: the host took a dangerous change back by itself.{_reverts(verdict.reverted)}\n"
            f"Why: {reason}\nThe files are as before; correct the change and run again."
        )


def _await_revert(connection: Connection, report: Report, environment: HostEnvironment, lost: HostError) -> Report:
    names = [armed.name for armed in report.armed]
    seconds = max(armed.seconds for armed in report.armed) + REVERT_SECONDS
    payload = {**base_payload("await", environment), "names": names, "seconds": seconds}
    try:
        verdict = _stage(connection, payload, seconds + CONFIRM_SECONDS).report
    except HostUnreachable:
        # The change cut this connection too; when it is taken back, the host answers again.
        try:
            with connection.reopen(deadline_seconds=seconds) as again:
                verdict = _stage(again, payload, seconds + CONFIRM_SECONDS).report
        except HostError as gone:
            raise HostUnreachable(
                f"{connection.target}: the change of {', '.join(names)} could not be confirmed ({lost}), and since "
                f"then the host did not answer for {seconds:.0f} s, although it was to take the change back by itself: "
                f"{gone} "
                "Look at the host through the provider's console."
            ) from None
    if not verdict.reverted:
        raise AgentFailed(
            f"{connection.target}: the change of {', '.join(names)} could not be confirmed ({lost}), and the host did "
            f"not take it back within {seconds:.0f} s. Look at `systemctl list-timers --all 'fleet-revert-*'` there."
        )
    return verdict


def _reverts(reverted: tuple[Reverted, ...]) -> str:
    return "".join(
        f"\n  {item.name} was reverted at {item.when}: {', '.join(item.files) or 'no file'} as before"
        for item in reverted
    )


def _listing(items: tuple[Any, ...]) -> str:
    texts = []
    for item in items:
        said = f"{item.action} {item.diff}".strip() if isinstance(item, Change) else item.reason
        texts.append(f"\n  {item.kind} {item.name}: " + said.replace("\n", "\n    "))
    return "".join(texts)


def who() -> str:
    """Who runs this, as a lock on a host shows it."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


def base_payload(mode: str, environment: HostEnvironment) -> dict[str, Any]:
    """What every stage of the host program needs to know."""
    return {"mode": mode, "root": environment.root, "path": environment.path}


def _state_payload(mode: str, state: HostState, environment: HostEnvironment) -> dict[str, Any]:
    return {**base_payload(mode, environment), "state": asdict(state), "units_order": UNITS_ORDER}


@cache
def _sources() -> dict[str, str]:
    folder = importlib.resources.files("hosts.agent")
    return {
        item.name.removesuffix(".py"): item.read_text(encoding="utf-8")
        for item in folder.iterdir()
        if item.name.endswith(".py")
    }


def program_stdin(payload: dict[str, Any]) -> bytes:
    """What LOADER reads: the host program's loader, its modules and the payload; each packed, after its length."""
    sources = _sources()
    modules = {name: source for name, source in sources.items() if name != "bootstrap"}
    frames = (sources["bootstrap"].encode(), json.dumps(modules).encode(), json.dumps(payload).encode())
    # Compressed to a quarter: on a 200 ms path, a few round trips of TCP's slow start.
    packed = [zlib.compress(frame) for frame in frames]
    return b"".join(b"%d\n%s" % (len(frame), frame) for frame in packed)


def _stage(connection: Connection, payload: dict[str, Any], timeout_seconds: float) -> _Answer:
    """One exec: the program and the payload in, one report out."""
    document = run_program(connection, payload, timeout_seconds)
    outcome = document.pop("outcome")
    return _Answer(Report.from_document(document), outcome)


def run_program(connection: Connection, payload: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
    """One exec of the host program; returns the document that it reports.

    Raises:
        HostBusy: another run holds the lock that it needs.
        AgentFailed: it could not run, or not do its work.
        HostUnreachable, StageTimeout: as ``Connection.run``.
    """
    python = ("python3", "-I", "-B", "-c", LOADER)
    argv = connection.target.as_root(*python)
    done = connection.run(argv, stdin=program_stdin(payload), timeout_seconds=timeout_seconds)
    place = connection.target
    try:
        document: dict[str, Any] = json.loads(done.stdout)
        error = document.pop("error", None)
    except (ValueError, AttributeError):
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        # Only the last line: the one that names the reason. Nothing that we sent can stand in it.
        last = said[-1][:200] if said else "it said nothing"
        raise AgentFailed(
            f"{place}: the host program did not report (exit {done.exit_status}): {last}. It needs python3 (3.11 or "
            "newer)" + ("." if place.user == "root" else f" and sudo without a password for {place.user}.")
        ) from None
    if error is None:
        return document
    if error["code"] == "locked":
        raise HostBusy(f"{place}: {error['message']}. Wait until it is done, or ask there; a lock ends with its run.")
    raise AgentFailed(f"{place}: {error['message']}.")
