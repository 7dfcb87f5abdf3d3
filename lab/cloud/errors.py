"""Errors of the simulated clouds, with the text that the real provider's plugin would show."""

from __future__ import annotations

from dataclasses import dataclass


class CloudError(Exception):
    """An operation that the provider refused; ``str()`` is the provider's own text."""


@dataclass(frozen=True)
class Failure:
    """One input that the provider's plugin refuses before it asks the cloud.

    ``property`` is the path of the input as the engine writes it; empty when the resource as a whole is wrong.
    """

    property: str
    reason: str
