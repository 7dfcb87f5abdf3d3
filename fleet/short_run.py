"""A process that is over in moments and keeps what it makes: what Python does for longer ones is put off."""

import atexit
import gc
import os

OBJECTS = 5_000_000
"""Made and kept before rings among them are looked for: more than a usual fleet's configuration has. Python's own 700
would go over it again and again."""


def begin() -> None:
    """Called first by the command line and by the programs of the stacks, before anything large is imported."""
    gc.set_threshold(OBJECTS)
    # At its end an interpreter looks for rings among all that it ever kept, twice: a tenth of a second and more, for
    # memory that goes with the process. What is frozen it does not look at.
    atexit.register(gc.freeze)
    # pydantic would read the metadata of every package here to find plugins for itself.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
