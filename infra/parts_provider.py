"""The provider's process in which host parts and bundles are worked on, started as the first thing of a run.

The engine starts a provider at the first resource that needs it, and this one is a Python that imports the SDK: half a
second. Declared by itself, it starts while the program reads its configuration; so this module needs nothing but the
SDK.
"""

from __future__ import annotations

import pulumi

PACKAGE = "pulumi-python"
"""Of every dynamic resource (``pulumi.dynamic``)."""


class PartsProvider(pulumi.ProviderResource):
    """What ``HostPartResource`` and ``BundleRelease`` are declared with."""

    def __init__(self) -> None:
        super().__init__(PACKAGE, "parts", {})
