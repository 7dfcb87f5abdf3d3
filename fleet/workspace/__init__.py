"""Where a fleet lives on this machine: its folder, state backend, passphrase and secrets file."""

from fleet.workspace.workspace import SETTINGS, Workspace, WorkspaceError, find_root

__all__ = ["SETTINGS", "Workspace", "WorkspaceError", "find_root"]
