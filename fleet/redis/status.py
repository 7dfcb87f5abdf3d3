"""How the cluster is: what each instance is and does, how far replicas are behind, what waits and what was promised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rediscluster.document import plan_digest
from rediscluster.keeper.view import View
from rediscluster.plan import FEWEST_MEMBERS, LIMITS, ClusterPlan, ClusterSettings
from rediscluster.reshape import name_of
from rediscluster.slots import SLOTS


@dataclass(frozen=True)
class InstanceRow:
    """An instance for people."""

    name: str
    part: str
    """``master of nj``, ``replica of nj:7001``, ``no part``, or why it does not answer"""
    slots: int
    keys: int
    behind: str
    """bytes that a replica lacks, ``no link``, or nothing for a master"""
    memory: str
    answers: bool


@dataclass(frozen=True)
class RedisStatus:
    """The whole cluster."""

    summary: str
    rows: tuple[InstanceRow, ...]
    problems: tuple[str, ...]
    """what somebody has to look at"""
    waiting: tuple[str, ...]
    notes: tuple[str, ...]
    limits: tuple[str, ...]
    """what the profile does not do"""


def status_of(
    settings: ClusterSettings,
    plan: ClusterPlan,
    views: Mapping[str, View],
    reports: Mapping[str, Mapping[str, Any]],
) -> RedisStatus:
    """The cluster out of what its instances and its hosts' keepers say."""
    if not plan.shards:
        members = ", ".join(member.host_id for member in settings.members) or "none"
        summary = (
            f"no cluster: it takes {FEWEST_MEMBERS} members, configured are {len(settings.members)} ({members}). Each "
            "host has its local instance."
        )
        return RedisStatus(summary, (), (), (), (), ())
    said: dict[str, list[str]] = {"attention": [], "starting": [], "waiting": [], "notes": []}
    for report in reports.values():
        for kind, reasons in said.items():
            reasons += [reason for reason in report.get(kind, ()) if reason not in reasons]
    other_plan = [
        f"{host} runs the release of other members: fleet up {host}"
        for host, report in reports.items()
        if report and report["plan"] != plan_digest(plan)
    ]
    silent = [f"{host}: its keeper does not answer" for host, report in reports.items() if not report]
    served = sum(view.myself.slots for view in views.values() if view.answers)
    masters = sum(1 for view in views.values() if view.answers and view.myself.slots)
    summary = f"profile {plan.profile}: {served} of {SLOTS} slots served by {masters} masters"
    return RedisStatus(
        summary=summary,
        rows=tuple(_row(plan, endpoint, views) for endpoint in views),
        problems=(*said["attention"], *said["starting"], *other_plan, *silent),
        waiting=tuple(said["waiting"]),
        notes=tuple(said["notes"]),
        limits=LIMITS[plan.profile],
    )


def _row(plan: ClusterPlan, endpoint: str, views: Mapping[str, View]) -> InstanceRow:
    view, name = views[endpoint], name_of(plan, endpoint)
    if not view.answers:
        return InstanceRow(name, view.error, 0, 0, "", "", answers=False)
    memory = f"{view.memory_bytes >> 20} of {view.memory_limit_bytes >> 20} MB"
    me = view.myself
    if not me.master:
        regions = [shard.region for shard in plan.shards if me.owns(shard.tag_slot)]
        part = f"master of {', '.join(regions)}" if regions else "master" if me.slots else "no part"
        return InstanceRow(name, part, me.slots, view.keys, "", memory, answers=True)
    master = next((one for one in views.values() if one.answers and one.id == me.master), None)
    known = view.node(me.master)
    of = name_of(plan, master.endpoint if master else known.endpoint if known else "")
    behind = "no link" if view.link != "up" else f"{max(0, master.offset - view.offset)} B" if master else ""
    return InstanceRow(name, f"replica of {of}", 0, view.keys, behind, memory, answers=True)
