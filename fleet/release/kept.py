"""The releases that a host keeps."""

from __future__ import annotations

from fleet.operation.hosts_of import RunningHost
from fleet.secrets import Vault
from hosts import KnownRelease, connect, list_releases
from infra.first_boot import DEPLOY_PATH

CONNECT_SECONDS = 20.0


class NoSuchRelease(Exception):
    """A bundle or release that the host does not have."""

    exit_code = 2


def kept_releases(host: RunningHost, bundles: tuple[str, ...], vault: Vault) -> dict[str, tuple[KnownRelease, ...]]:
    """What a host keeps of each bundle, the newest promotion first.

    Raises:
        HostError: the host cannot be reached or asked.
    """
    with connect(host.target, vault.ed25519_private(*DEPLOY_PATH), deadline_seconds=CONNECT_SECONDS) as connection:
        return {bundle: list_releases(connection, bundle) for bundle in bundles}


def chosen(releases: tuple[KnownRelease, ...], host: str, bundle: str, digest: str) -> KnownRelease:
    """A release by its digest or the beginning of one; without any, the one that was promoted before the current.

    Raises:
        NoSuchRelease: there is none, or the beginning fits several.
    """
    promoted = [release for release in releases if release.promoted]
    if not digest:
        earlier = [release for release in promoted if not release.current]
        if not earlier:
            raise NoSuchRelease(f"{host}: {bundle} has no release from before the current one")
        return earlier[0]
    fitting = [release for release in promoted if release.digest.startswith(digest)]
    if len(fitting) != 1:
        known = ", ".join(release.digest for release in promoted) or "none"
        what = "several releases" if fitting else "no promoted release"
        raise NoSuchRelease(f"{host}: {digest} is {what} of {bundle}. It keeps: {known}")
    return fitting[0]
