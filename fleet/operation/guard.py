"""What must not reach real servers."""

from __future__ import annotations

from fleet.configuration import Configuration


class PlaceholdersLeft(Exception):
    """Values of the default files still stand where the fleet's own must."""

    exit_code = 2


def refuse_placeholders(configuration: Configuration) -> None:
    """Refuse a configuration in which documentation values still stand.

    Raises:
        PlaceholdersLeft: names each of them.
    """
    if left := [problem for problem in configuration.placeholders() if "operators.keys" not in problem.key]:
        listed = "\n".join(f"  {problem}" for problem in left)
        raise PlaceholdersLeft(f"these values are placeholders; put your own before bringing servers up:\n{listed}")
