"""Measuring from hosts, all at the same time: one program sent to each over its ssh connection."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import TYPE_CHECKING, Any

from fleet.latency.plan import Plan
from fleet.latency.result import FORMAT_VERSION, KeptSettings, Run, Series, Software
from hosts import Argv, HostError, Target

if TYPE_CHECKING:
    from hosts import Connection

CONNECT_SECONDS = 20.0
MARGIN_SECONDS = 60.0
"""For the program to begin and to end on a busy host."""

Progress = Callable[[str, str], None]


class NotMeasured(Exception):
    """A host could not measure; the text says why, and what helps."""


@dataclass(frozen=True)
class Spot:
    """Where something is measured from."""

    host: str
    region: str
    place: str
    """Of the catalogue."""


@dataclass(frozen=True)
class Outcome:
    """What came of measuring from several hosts."""

    runs: tuple[Run, ...]
    silent: Mapping[str, str]
    """Hosts that did not measure, with the reason."""


def measure(
    targets: Mapping[Spot, Target],
    login_key: str,
    plan: Plan,
    *,
    simulated: bool,
    baseline: bool = False,
    progress: Progress,
) -> Outcome:
    """Measure from every host at the same time, so that what they say can be compared.

    Args:
        login_key: OpenSSH private key that every host lets in.
        simulated: it happens in a lab.
        baseline: it is kept as what was before.
        progress: is told what begins, by host.
    """
    from hosts import connect

    opened: list[Connection] = []

    def one(spot: Spot) -> Run | str:
        try:
            with connect(targets[spot], login_key, deadline_seconds=CONNECT_SECONDS) as connection:
                opened.append(connection)
                progress(spot.host, ends(plan))
                return measure_over(connection, spot, plan, simulated=simulated, baseline=baseline)
        except (HostError, NotMeasured) as problem:
            return str(problem)

    with ThreadPoolExecutor(max_workers=max(1, len(targets))) as pool:
        try:
            answers = dict(zip(targets, pool.map(one, targets), strict=True))
        except BaseException:
            # Interrupted: nobody waits for what the hosts would say, and they end when their connections do.
            for connection in opened:
                connection.close()
            raise
    return Outcome(
        tuple(answer for answer in answers.values() if isinstance(answer, Run)),
        {spot.host: answer for spot, answer in answers.items() if isinstance(answer, str)},
    )


def measure_over(connection: Connection, spot: Spot, plan: Plan, *, simulated: bool, baseline: bool = False) -> Run:
    """Measure from one host. It needs python3, curl and no rights; nothing stays on it.

    Raises:
        HostError: the connection broke, or the host did not end in time.
        NotMeasured: the program could not do it there.
    """
    done = connection.run(Argv("python3", "-", plan.asked()), stdin=_program(), timeout_seconds=_patience(plan))
    return _run(spot, plan, done.exit_status, done.stdout, done.stderr, simulated=simulated, baseline=baseline)


def measure_here(spot: Spot, plan: Plan, *, simulated: bool, baseline: bool = False) -> Run:
    """Measure from this machine.

    Raises:
        NotMeasured: the program could not do it here.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-", plan.asked()],
            input=_program(),
            capture_output=True,
            check=False,
            timeout=_patience(plan),
        )
    except subprocess.TimeoutExpired:
        raise NotMeasured(f"{spot.host}: it did not end within {_patience(plan):.0f} s") from None
    return _run(spot, plan, done.returncode, done.stdout, done.stderr, simulated=simulated, baseline=baseline)


def ends(plan: Plan) -> str:
    """What is measured and when it ends, for people."""
    end = datetime.now().astimezone() + timedelta(seconds=plan.seconds)
    return (
        f"{len(plan.venues)} venues in {len(plan.probes)} series for {plan.seconds:.0f} s, until about {end:%H:%M:%S}"
    )


def _program() -> bytes:
    return (resources.files("fleet.latency") / "host_program.py").read_bytes()


def _patience(plan: Plan) -> float:
    return plan.seconds + 3 * plan.settings.timeout_seconds + MARGIN_SECONDS


def _run(spot: Spot, plan: Plan, code: int, stdout: bytes, stderr: bytes, *, simulated: bool, baseline: bool) -> Run:
    if code != 0:
        last = stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise NotMeasured(f"{spot.host}: measuring failed: {' '.join(last) or f'exit code {code}'}")
    try:
        answer: dict[str, Any] = json.loads(stdout)
    except ValueError:
        raise NotMeasured(f"{spot.host}: its answer is not the program's: {stdout[:80]!r}") from None
    if "error" in answer:
        raise NotMeasured(f"{spot.host}: {answer['error']}")
    settings = plan.settings
    return Run(
        format_version=FORMAT_VERSION,
        host=spot.host,
        region=spot.region,
        place=spot.place,
        started=datetime.fromtimestamp(answer["started"], UTC).replace(microsecond=0),
        seconds=plan.seconds,
        simulated=simulated,
        baseline=baseline,
        catalogue=plan.catalogue,
        settings=KeptSettings(
            rate=settings.rate, drop_first=settings.drop_first, timeout_seconds=settings.timeout_seconds
        ),
        software=Software(curl=answer["curl"], python=answer["python"]),
        series=tuple(
            Series(
                venue=probe.venue,
                transport=probe.transport,
                url=probe.url,
                site=probe.site,
                kind=probe.kind,
                period_ms=round(probe.period_seconds * 1000, 3),
                **found,
            )
            for probe, found in zip(plan.probes, answer["series"], strict=True)
        ),
    )
