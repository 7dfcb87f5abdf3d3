"""Where a fleet lives on this machine: its folder, state backend, passphrase and secrets file."""

from fleet.workspace.workspace import Workspace, WorkspaceError, find_root

__all__ = ["Workspace", "WorkspaceError", "find_root"]
