"""Where copies of the market database go, and how often: from it follows how much a lost disk costs (the RPO)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictInt

from fleet.model.types import Frozen

EVERY = ("1h", "2h", "3h", "4h", "6h", "8h", "12h", "24h")
"""Parts of a day: a copy is due at the same times each day, whenever the hub was started."""


class Backup(Frozen):
    """The schedule of copies off the hub."""

    to: str = Field(description="a rented host of another region, such as nj")
    every: Literal["1h", "2h", "3h", "4h", "6h", "8h", "12h", "24h"] = Field(
        default="6h", description=f"one of {', '.join(EVERY)}"
    )
    keep: Annotated[StrictInt, Field(ge=2, le=1000)] = Field(default=8, description="a whole number 2..1000")
    """Copies that stay at least; none goes before it is as old as so many of them take."""

    @property
    def every_hours(self) -> int:
        """Hours between two copies."""
        return int(self.every.removesuffix("h"))

    @property
    def every_seconds(self) -> int:
        """Seconds between two copies."""
        return self.every_hours * 3600
