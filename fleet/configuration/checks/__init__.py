"""What must hold between values and between files: a file per concern, each a function from a draft to problems.

A check looks at what is well-formed and leaves alone what is not: that has its problem already.
"""

from collections.abc import Callable, Iterator

from fleet.configuration.checks.backup import check_backup
from fleet.configuration.checks.indexes import check_indexes
from fleet.configuration.checks.legality import check_legality
from fleet.configuration.checks.memory import check_memory
from fleet.configuration.checks.networks import check_networks
from fleet.configuration.checks.phases import check_phases
from fleet.configuration.checks.ports import check_ports
from fleet.configuration.checks.references import check_references
from fleet.configuration.checks.rental import check_rental
from fleet.configuration.checks.stores import check_stores
from fleet.configuration.checks.venues import check_venues
from fleet.configuration.draft import Draft
from fleet.model.problems import Problem

CHECKS: tuple[Callable[[Draft], Iterator[Problem]], ...] = (
    check_references,
    check_indexes,
    check_phases,
    check_networks,
    check_ports,
    check_rental,
    check_venues,
    check_legality,
    check_stores,
    check_backup,
    check_memory,
)
"""Every check."""

__all__ = ["CHECKS"]
