"""Memory of hosts as control groups tell it, and as the tables of ``docs/memory.md``. Pure, but for the page's writing.

Megabytes are those of a container's limit: 2^20 bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fleet.cost.markdown import table
from fleet.model.memory import HOST_RESERVE_MB

PAGE = Path(__file__).resolve().parents[1] / "docs" / "memory.md"
MB = 1 << 20

_MEASURED = re.compile(r"(?<=<!-- measured -->\n).*(?=<!-- end of measured -->)", re.DOTALL)


@dataclass(frozen=True)
class Usage:
    """Of one control group and all below it, bytes."""

    taken: int
    """What no pressure gets back without swap: processes, shared memory, the kernel's for them."""
    file_cache: int
    """Pages of files, which the kernel drops where something else needs them."""


@dataclass(frozen=True)
class ContainerMemory:
    """A container at the end of the load."""

    name: str
    """Of its service in Compose."""
    limit: int
    """Bytes."""
    usage: Usage


@dataclass(frozen=True)
class HostMemory:
    """A host at the end of the load."""

    region: str
    plan_mb: int
    """As the provider counts, 1,000 a GB."""
    server_limit: int
    """Of the lab's server, bytes."""
    usage: Usage
    containers: tuple[ContainerMemory, ...]

    @property
    def limits_mb(self) -> int:
        """All limits at once, and what is left to the host itself."""
        return sum(_mb(one.limit) for one in self.containers) + HOST_RESERVE_MB

    @property
    def left_mb(self) -> int:
        """What the plan has beside what is taken."""
        return self.plan_mb - _mb(self.usage.taken)


def usage_of(stat: str, current: str) -> Usage:
    """Of ``memory.stat`` and ``memory.usage_in_bytes`` (version 1) or ``memory.current`` (version 2).

    Version 1 counts a group alone under the plain names and with all below it under ``total_``; version 2 only the
    latter, under the plain names. Both count shared memory, which is no file's, as cache.
    """
    values = {name: int(value) for name, value in (line.split() for line in stat.splitlines())}
    cached = values["total_cache"] if "total_cache" in values else values["file"]
    cached -= values.get("total_shmem", values.get("shmem", 0))
    # The two files are read one after the other, while memory comes and goes.
    return Usage(taken=max(0, int(current) - cached), file_cache=cached)


def oom_kills(text: str) -> int:
    """Processes that the kernel ended for memory: all lines ``oom_kill N`` of ``memory.oom_control`` or
    ``memory.events``, of however many groups."""
    return sum(int(number) for number in re.findall(r"(?m)^oom_kill (\d+)$", text))


def group_of(text: str) -> str:
    """The control group of a process that counts its memory, out of its ``/proc/.../cgroup``: a path below the tree's
    root."""
    first = re.search(r"(?m)^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$", text)
    found = first or re.search(r"(?m)^0::(.*)$", text)
    if found is None:
        raise ValueError(f"no memory control group in {text!r}")
    return found[1]


def tables(hosts: Sequence[HostMemory], unmeasured: Sequence[str]) -> Iterator[str]:
    """The part of the page that a run writes, line by line."""
    yield from table(
        ("host", "plan", "limits and 600", "server in the lab", "taken", "file cache", "taken of the plan", "left"),
        (
            (
                host.region,
                f"{host.plan_mb:,}",
                f"{host.limits_mb:,}",
                f"{_mb(host.server_limit):,}",
                f"**{_mb(host.usage.taken):,}**",
                f"{_mb(host.usage.file_cache):,}",
                f"{100 * _mb(host.usage.taken) / host.plan_mb:.0f} %",
                f"**{host.left_mb:,}**",
            )
            for host in hosts
        ),
    )
    yield ""
    if unmeasured:
        yield f"Not measured: {', '.join(unmeasured)}."
        yield ""
    kinds = dict.fromkeys(_kind(one.name) for host in hosts for one in host.containers)
    yield from table(
        ("container: taken + file cache of its limit", *(host.region for host in hosts)),
        ((kind, *(_cell(host.containers, kind) for host in hosts)) for kind in kinds),
    )


def write_page(lines: Iterable[str], path: Path = PAGE) -> None:
    """Put them between the page's two marks; the text around them stays."""
    text = "".join(f"{line}\n" for line in lines)
    path.write_text(_MEASURED.sub(lambda _: text, path.read_text()))


def _cell(containers: Iterable[ContainerMemory], kind: str) -> str:
    """``520 + 12 of 835`` of each of a kind; the limit once where they have the same."""
    found = [one for one in containers if _kind(one.name) == kind]
    parts = [f"{_mb(one.usage.taken):,} + {_mb(one.usage.file_cache):,}" for one in found]
    limits = {one.limit: None for one in found}
    return f"{'; '.join(parts)} of {', '.join(f'{_mb(limit):,}' for limit in limits)}" if found else ""


def _kind(name: str) -> str:
    """One row for all processes of a kind."""
    return re.sub(r"^(ib-gateway|shipper|cluster)-.+$", r"\1", name)


def _mb(size: int) -> int:
    return round(size / MB)
