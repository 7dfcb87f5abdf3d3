"""The interface that every provider's lists keep, and how they fail."""

from __future__ import annotations

from typing import Protocol

from fleet.orphans.owned import Mark, Owned


class ListingFailed(Exception):
    """A provider did not answer as it should. One line: what it said, and what that means."""


class Listing(Protocol):
    """The lists of one provider, or of one service in one region."""

    @property
    def source(self) -> str:
        """What is looked at: ``vultr``, ``ec2 us-east-1``."""

    def list_owned(self, mark: Mark) -> tuple[Owned, ...]:
        """Every server and static address that carries the mark, or may be ours where there are no marks.

        Raises:
            ListingFailed: not all of them could be read.
        """

    def delete(self, owned: Owned) -> None:
        """Delete a server with its disk, or give an address back.

        Raises:
            ListingFailed: the provider refused, or it is not known what came of it.
        """
