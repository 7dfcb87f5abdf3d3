"""Secrets of a fleet: one master secret in one encrypted file, everything else derived from it.

Nothing derived is ever stored: texts that pass through Pulumi carry references (``reference``), and the values are
filled in right before a file goes to its host.
"""

from fleet.secrets.errors import SecretError
from fleet.secrets.reference import Vault
from fleet.secrets.store import SecretStore

__all__ = ["SecretError", "SecretStore", "Vault"]
