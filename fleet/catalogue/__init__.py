"""What can be rented where and for how much: YAML rows, each with its source and the day it was read."""

from fleet.catalogue.catalogue import Catalogue, Location, Place, Plan, Service
from fleet.catalogue.reading import load

__all__ = ["Catalogue", "Location", "Place", "Plan", "Service", "load"]
