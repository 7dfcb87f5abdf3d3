"""The lab from the command line: ``python -m lab up | down | status | ssh HOST | env | fault ...``."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from lab import faults
from lab.errors import LabError
from lab.faults import Fault
from lab.lab import Lab
from lab.settings import HOME_VARIABLE, LabHome


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab", description="The cloud in a box: a fleet on one machine.")
    parser.add_argument("--home", type=Path, help=f"the lab's folder (default: {HOME_VARIABLE}, else one per checkout)")
    parser.add_argument(
        "--docker-host", metavar="URL", help="use an existing Docker daemon instead of the lab's own (not supported)"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start the lab, or what a crash left of it")
    commands.add_parser("down", help="end the lab and leave nothing but its images on disk")
    commands.add_parser("forget", help="down, and remove the images of this lab too")
    status = commands.add_parser("status", help="what stands")
    status.add_argument("--json", action="store_true")
    ssh = commands.add_parser("ssh", help="log in to a server, or run a command on it")
    ssh.add_argument("host")
    ssh.add_argument("--user", default="root")
    ssh.add_argument("--key", type=Path)
    ssh.add_argument("remote", nargs=argparse.REMAINDER)
    commands.add_parser("env", help="print the variables under which the engine uses the lab, for a shell's eval")
    _add_faults(commands.add_parser("fault", help="let something go wrong").add_subparsers(dest="fault", required=True))
    return parser


def _add_faults(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    for name, text in (("stop", "power a server off"), ("start", "power a server on")):
        kinds.add_parser(name, help=text).add_argument("host")
    for name, text in (("cut", "close the mesh between two servers"), ("mend", "undo that")):
        pair = kinds.add_parser(name, help=text)
        pair.add_argument("one")
        pair.add_argument("other")
        if name == "cut":
            pair.add_argument("--ports", default=faults.MESH_PORTS, help="UDP ports (default: %(default)s)")
    for name, text in (
        ("capacity", "a cloud has no room for a server"),
        ("http", "a cloud answers 429 or 500"),
        ("lost_reply", "a cloud does what was asked and its reply is lost"),
        ("held_reply", "a cloud does what was asked and its reply waits until the fault is repaired"),
    ):
        cloud = kinds.add_parser(name, help=text)
        cloud.add_argument("provider", choices=("vultr", "digitalocean", "aws"))
        cloud.add_argument("--operation", choices=("create", "read", "update", "delete"), default="create")
        cloud.add_argument("--type", help="only for this resource type, such as Instance")
        cloud.add_argument("--times", type=int, default=1)
        if name == "http":
            cloud.add_argument("--status", type=int, choices=(429, 500), required=True)
    kinds.add_parser("list", help="the clouds' faults that are not used up")
    kinds.add_parser("repair", help="forget the clouds' faults and mend every cut")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 if it did, 1 if it could not (the reason is on standard error)."""
    given = _parser().parse_args(arguments)
    try:
        if given.docker_host:
            raise LabError(
                "--docker-host is not supported: another daemon's rules and the lab's would have to share one network "
                "namespace. Without it the lab runs a daemon of its own, beside any other one and without touching it."
            )
        return _run(given, Lab(LabHome(given.home)))
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab: interrupted; `up` or `down` again goes on from here", file=sys.stderr)
        return 130


def _run(given: argparse.Namespace, lab: Lab) -> int:
    if given.command in ("up", "down", "forget"):
        {"up": lab.up, "down": lab.down, "forget": lab.forget}[given.command](_say)
        if given.command == "up":
            _print_status(lab)
    elif given.command == "status":
        if given.json:
            print(json.dumps(asdict(lab.status()), default=str, indent=2))
        else:
            _print_status(lab)
    elif given.command == "ssh":
        argv = [*lab.ssh_argv(given.host, given.user, given.key), *given.remote]
        os.execvp(argv[0], argv)  # noqa: S606 - the terminal is handed over to ssh
    elif given.command == "env":
        for name, value in sorted(lab.environment().items()):
            print(f"export {name}={shlex.quote(value)}")
    else:
        _fault(given, lab.home)
    return 0


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def _print_status(lab: Lab) -> None:
    status = lab.status()
    print(f"lab {status.id} at {status.home}: {'up' if status.up else 'not up'}")
    for host in status.hosts:
        print(f"  {host.name:<16} {host.provider:<13} {host.state:<8} {', '.join(host.addresses)}")


def _fault(given: argparse.Namespace, home: LabHome) -> None:
    if given.fault == "stop":
        faults.stop_host(home, given.host)
    elif given.fault == "start":
        faults.start_host(home, given.host)
    elif given.fault == "cut":
        faults.cut(home, given.one, given.other, given.ports)
    elif given.fault == "mend":
        faults.mend(home, given.one, given.other)
    elif given.fault == "list":
        for fault in faults.cloud_faults(home):
            print(json.dumps({name: value for name, value in asdict(fault).items() if value is not None}))
    elif given.fault == "repair":
        faults.repair(home)
    else:
        if given.times < 1:
            raise LabError(f"--times {given.times}: at least 1")
        status = getattr(given, "status", None)
        faults.fail(home, Fault(given.fault, given.provider, given.operation, given.type, status, given.times))


if __name__ == "__main__":
    sys.exit(main())
