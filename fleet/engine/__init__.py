"""The engine: a ``pulumi`` that is installed and new enough, else one built once from its published Go modules."""

from fleet.engine.build import build_engine
from fleet.engine.engine import Engine, EngineError
from fleet.engine.find import built_engine, find_engine, installed_engine

__all__ = ["Engine", "EngineError", "build_engine", "built_engine", "find_engine", "installed_engine"]
