"""The steps by which an operator's command changes a running cluster. Each may be taken twice, or left half-way."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Move:
    """Give slots and their keys from one master to another; runs on the giver's host."""

    source: str
    target: str
    slots: tuple[int, ...]
    purpose: str

    def __str__(self) -> str:
        return self.purpose


@dataclass(frozen=True)
class Command:
    """One command for one instance."""

    at: str
    words: tuple[str, ...]
    purpose: str

    def __str__(self) -> str:
        return self.purpose


@dataclass(frozen=True)
class Farewell:
    """A node leaves: it forgets the cluster, and everybody forgets it."""

    node_id: str
    endpoint: str
    """where it answers; empty if it does not"""
    tellers: tuple[str, ...]
    """who has to forget it"""
    purpose: str

    def __str__(self) -> str:
        return self.purpose


@dataclass(frozen=True)
class Wait:
    """Others have to do something first: a keeper, the cluster's own heartbeats, a replica that is being filled."""

    reason: str


@dataclass(frozen=True)
class Blocked:
    """A person has to do something first."""

    reason: str


@dataclass(frozen=True)
class Done:
    """Nothing is left to do."""


Step = Move | Command | Farewell | Wait | Blocked | Done
