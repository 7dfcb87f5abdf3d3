"""Reading a fleet's folder: every file, every problem, one answer."""

from __future__ import annotations

from pathlib import Path

from fleet.configuration.configuration import Configuration


def load(root: Path) -> Configuration:
    """Read ``fleet.yaml`` and every ``Pulumi.<stack>.yaml`` in ``root``.

    Raises:
        ConfigurationError: with every problem of every file.
    """
    raise NotImplementedError
