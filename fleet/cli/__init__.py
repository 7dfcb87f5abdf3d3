"""The ``fleet`` command: thin. What a command does is in the room that it calls."""

from fleet.cli.main import main

__all__ = ["main"]
