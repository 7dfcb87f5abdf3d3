"""Whether a fleet's folder is a lab's: what is measured there is made up."""

from __future__ import annotations

from pathlib import Path

from fleet.workspace import Workspace
from fleet.workspace.workspace import WorkspaceError
from lab.settings import HOME_VARIABLE

SIMULATED = "SIMULATED: measured in a lab, whose delays are made up"
"""What is printed with everything that is."""


def is_lab(workspace: Workspace) -> bool:
    """Whether its engine meets a lab instead of the clouds."""
    return HOME_VARIABLE in workspace.environment


def is_labs_folder(root: Path) -> bool:
    """The same of a folder, which may not be initialised."""
    try:
        return is_lab(Workspace.open(root))
    except WorkspaceError:
        return False
