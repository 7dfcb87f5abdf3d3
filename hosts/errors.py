"""What can go wrong on a host, in words for who runs the tool: what, where, what is allowed, what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hosts.release_report import ReleaseReport
    from hosts.report import Report


class HostError(Exception):
    """Base of every error of this package. Its text is complete: no traceback and no secret belongs to it."""


class HostUnreachable(HostError):
    """No ssh server answered, or the connection broke, within the deadline."""


class HostKeyMismatch(HostError):
    """The server showed another host key than the pinned ones. Raised before anything is sent to it."""


class AuthenticationRefused(HostError):
    """The server is the right one but does not let this user in with this key."""


class StageTimeout(HostError):
    """A stage did not end within its limit. It may still be running on the host."""


class AgentFailed(HostError):
    """The program on the host could not start, or could not do what was asked."""


class HostBusy(AgentFailed):
    """Another run holds the host's lock."""


class ApplyFailed(HostError):
    """A stage of apply failed; later stages did not run. ``report`` says what was done before."""

    def __init__(self, message: str, report: Report) -> None:
        super().__init__(message)
        self.report = report


class ValidationRefused(ApplyFailed):
    """A validator refused a file. No file of the state was changed."""


class Unsettled(ApplyFailed):
    """Everything was applied, but looking again shows differences: something on the host works against the state."""


class ChangeReverted(HostError):
    """A dangerous change was taken back by the host itself, since no new connection confirmed it."""


class ReleaseFailed(HostError):
    """A release was not promoted. ``report`` says what the host has and runs now."""

    def __init__(self, message: str, report: ReleaseReport) -> None:
        super().__init__(message)
        self.report = report


class NotEnoughSpace(ReleaseFailed):
    """The host's disk has no room for the release. Nothing was changed."""


class PullFailed(ReleaseFailed):
    """An image is not on the host and could not be pulled. What ran still runs."""


class ComposeRefused(ReleaseFailed):
    """The Compose file is not one that can be run: refused by Compose, or against the rules of a release."""


class PortTaken(ReleaseFailed):
    """A port of the plan is held by somebody else on the host, or its address is not there. Nothing was changed."""


class DataChangeUnprepared(ReleaseFailed):
    """``before_data_change`` failed in the old container. Nothing was changed."""


class RollBackRefused(ReleaseFailed):
    """An older version would open data that a newer one has written. Nothing was changed."""


class ReleaseUnknown(ReleaseFailed):
    """The host keeps no such release. Nothing was changed."""


class GateRed(ReleaseFailed):
    """The release did not run as it must; the host went back to the last good one where it could."""

    def __init__(self, message: str, report: ReleaseReport, service: str, cause: str, log: str) -> None:
        super().__init__(message, report)
        self.service = service
        """the service that failed; empty where none can be named"""
        self.cause = cause
        self.log = log
        """the service's last log lines"""
