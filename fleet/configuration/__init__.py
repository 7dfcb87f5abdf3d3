"""The whole configuration of a fleet, read and checked: ``load`` gives all of it or every problem in it."""

from fleet.configuration.configuration import Configuration, HostRef
from fleet.configuration.loading import load

__all__ = ["Configuration", "HostRef", "load"]
