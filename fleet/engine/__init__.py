"""The engine: a ``pulumi`` that is installed and new enough, else one built once from its published Go modules."""

from fleet.engine.build import build_engine, cache_folder, cache_root
from fleet.engine.engine import Engine, EngineError, Unusable
from fleet.engine.find import built_engine, examine_installed, find_engine, installed_engine

__all__ = [
    "Engine",
    "EngineError",
    "Unusable",
    "build_engine",
    "built_engine",
    "cache_folder",
    "cache_root",
    "examine_installed",
    "find_engine",
    "installed_engine",
]
