"""Servers and static addresses that are ours at the providers, cost money, and that no stack knows of."""

from fleet.orphans.summary import OrphanSummary, count_orphans

__all__ = ["OrphanSummary", "count_orphans"]
