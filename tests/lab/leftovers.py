"""What a lab could leave on its machine: links, mounts, rules, routes, namespaces, processes, control groups, files."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from lab.lab import Lab
from lab.settings import CHECKOUT

Facts = dict[str, frozenset[str]]


def machine_facts(lab: Lab) -> Facts:
    """What there is of everything that ``lab`` could leave; other labs may come and go meanwhile."""
    others = re.compile(rf"\bfl(?!{lab.home.id})[0-9a-f]{{8}}\b")

    def without_others(lines: Iterable[str]) -> frozenset[str]:
        return frozenset(line for line in lines if not others.search(line))

    def shown(*argv: str) -> str:
        return subprocess.run(argv, capture_output=True, text=True, check=False).stdout

    rules = re.sub(r"counter packets \d+ bytes \d+|\[\d+:\d+\]|^#.*$", "", shown("nft", "list", "ruleset"), flags=re.M)
    return {
        "links": without_others(link["ifname"] for link in json.loads(shown("ip", "-j", "link", "show"))),
        "mounts": without_others(line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()),
        "rules": frozenset(rules.splitlines()),
        "routes": without_others(shown("ip", "route", "show", "table", "all").splitlines()),
        "namespaces": without_others(shown("ip", "netns", "list").splitlines()),
        "forwarding": frozenset((Path("/proc/sys/net/ipv4/ip_forward").read_text(),)),
    }


def left_on_the_machine(lab: Lab, before: Facts) -> dict[str, set[str]]:
    """What a lab that ended has left, by kind; empty where that is nothing."""
    now = machine_facts(lab)
    left = {kind: set(now[kind] - before[kind]) for kind in now}
    left["processes"] = processes_with(lab.home.id) | processes_with(str(lab.home.path))
    left["control groups"] = {str(path) for path in Path("/sys/fs/cgroup").glob(f"*/*{lab.home.id}*")}
    left["files"] = {str(path) for path in (lab.home.path, Path("/run/fleet-lab", lab.home.id)) if path.exists()}
    return {kind: found for kind, found in left.items() if found}


def processes_with(text: str) -> set[str]:
    """The command lines that have it, of all processes but this one."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (OSError, UnicodeDecodeError):
            continue
        if text in line and int(entry.name) != os.getpid():
            found.add(line)
    return found


def changed_files() -> str:
    """What git sees in the checkout that is not committed."""
    command = ["git", "status", "--porcelain"]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
