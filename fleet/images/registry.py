"""Asking a registry which digest a tag means and how much that is to download.

Over its HTTP API (OCI distribution specification, Docker's API V2).
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from fleet.images.challenge import parse_challenge
from fleet.images.credentials import DOCKER_HUB, Credentials, Logins
from fleet.images.errors import RegistryError
from fleet.model.images import Image

MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
"""Kinds of answer that we take, an index of several architectures first: its digest is good on any host."""

PLATFORM = {"os": "linux", "architecture": "amd64"}.items()
"""Of every plan in the catalogue."""

DOCKER_HUB_API = "registry-1.docker.io"
LARGEST_MANIFEST = 4 * 1024 * 1024
"""Bytes; registries need not take larger ones (OCI distribution specification 1.1, "Pushing manifests")."""
SECONDS = 20.0
CONNECTION_TRIES = 3
LONGEST_MESSAGE = 200


class Registries:
    """Registries under whatever names; one connection pool. To be used in a ``with`` block."""

    def __init__(self, logins: Logins) -> None:
        self._logins = logins
        # The system's authorities and SSL_CERT_FILE, as for every other program of the operator.
        transport = httpx.HTTPTransport(verify=ssl.create_default_context(), retries=CONNECTION_TRIES - 1)
        # Redirects keep the login to themselves: httpx drops it where the host changes.
        self._client = httpx.Client(transport=transport, timeout=SECONDS, follow_redirects=True)
        self._manifests: dict[str, bytes] = {}
        """By digest: what a tag meant need not be asked for again by its digest."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def digest(self, image: Image) -> str:
        """The digest of the manifest that the image's tag means at this moment.

        Raises:
            RegistryError: there is none, we may not see it, or the answer is not to be believed.
        """
        answer, body = self._manifest(image, image.tag)
        digest = _checked_digest(image, answer, body)
        self._manifests[digest] = body
        return digest

    def download_bytes(self, image: Image, digest: str) -> int:
        """What a host downloads of an image when it has nothing of it: the sizes that its manifest names, compressed.

        Raises:
            RegistryError: as ``digest``; or the image is not for the fleet's hosts, which are all of one architecture.
        """
        document = self._described(image, digest)
        if "manifests" in document:
            ours = [entry for entry in _entries(document, "manifests") if entry.get("platform", {}).items() >= PLATFORM]
            if not ours:
                raise RegistryError(f"{image.registry} has no {image.tagged} for {'/'.join(dict(PLATFORM).values())}")
            document = self._described(image, str(ours[0].get("digest")))
        parts = (document.get("config"), *_entries(document, "layers"))
        sizes = [part["size"] for part in parts if isinstance(part, dict) and isinstance(part.get("size"), int)]
        if len(sizes) < len(parts):
            raise RegistryError(f"{image.registry} describes {image.tagged} without the sizes of its parts")
        return sum(sizes)

    def _described(self, image: Image, digest: str) -> dict[str, Any]:
        if (known := self._manifests.get(digest)) is not None:
            return _json(known)
        answer, body = self._manifest(image, digest)
        if (found := _checked_digest(image, answer, body)) != digest:
            raise RegistryError(f"{answer.url.host} was asked for {digest} and sent {found}: not believed")
        return _json(body)

    def _manifest(self, image: Image, reference: str) -> tuple[httpx.Response, bytes]:
        """The manifest under a tag or digest, with the login that the registry asks for."""
        host = DOCKER_HUB_API if image.registry == DOCKER_HUB else image.registry
        base = f"{'http' if _is_this_machine(host) else 'https'}://{host}"
        url = f"{base}/v2/{image.name}/manifests/{reference}"
        accept = {"Accept": ", ".join(MANIFESTS)}
        answer, body = self._get(image, url, accept)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            asked = answer.headers.get("WWW-Authenticate", "")
            answer, body = self._get(image, url, {**accept, "Authorization": self._authorization(image, asked)})
        self._refuse_failures(image, answer, body)
        return answer, body

    def _get(
        self, image: Image, url: str, headers: Mapping[str, str], parameters: Mapping[str, str] | None = None
    ) -> tuple[httpx.Response, bytes]:
        try:
            with self._client.stream("GET", url, headers=headers, params=parameters) as answer:
                body = b""
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > LARGEST_MANIFEST:
                        raise RegistryError(f"{answer.url.host} answered more than {LARGEST_MANIFEST >> 20} MiB")
        except httpx.TimeoutException:
            raise RegistryError(f"{urlsplit(url).netloc} did not answer within {SECONDS:.0f} s") from None
        except httpx.TooManyRedirects:
            raise RegistryError(f"{urlsplit(url).netloc} redirects in a circle") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            own = "; SSL_CERT_FILE can name your own authorities" if "CERTIFICATE_VERIFY_FAILED" in str(error) else ""
            raise RegistryError(f"{urlsplit(url).netloc} cannot be reached: {error}{own}") from None
        if url.startswith("https:") and answer.url.scheme != "https":
            raise RegistryError(
                f"{urlsplit(url).netloc} redirects to {answer.url}, which is not encrypted: not believed"
            )
        return answer, body

    def _authorization(self, image: Image, header: str) -> str:
        """The value of the ``Authorization`` header that a challenge asks for."""
        challenge = parse_challenge(header)
        login = self._logins.at(image.registry)
        if challenge.scheme == "basic":
            if login is None:
                raise RegistryError(self._no_access(image, "asks for a login"))
            return _basic(login)
        if challenge.scheme != "bearer" or "realm" not in challenge.parameters:
            raise RegistryError(
                f"{image.registry} asks for a login in a way that is not known: {header or 'no header'}"
            )
        return f"Bearer {self._token(image, challenge.parameters, login)}"

    def _token(self, image: Image, parameters: Mapping[str, str], login: Credentials | None) -> str:
        realm = urlsplit(parameters["realm"])
        if realm.scheme != "https" and not _is_this_machine(realm.netloc):
            raise RegistryError(
                f"{image.registry} sends logins to {parameters['realm']}, which is not encrypted: refused"
            )
        asked = {name: parameters[name] for name in ("service", "scope") if name in parameters}
        asked.setdefault("scope", f"repository:{image.name}:pull")
        headers = {"Authorization": _basic(login)} if login else {}
        answer, body = self._get(image, parameters["realm"], headers, asked)
        if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise RegistryError(self._no_access(image, "does not accept the login" if login else "asks for a login"))
        self._refuse_failures(image, answer, body)
        document = _json(body)
        token = document.get("token") or document.get("access_token")
        if not isinstance(token, str):
            raise RegistryError(f"{realm.netloc} answered without a token for {image.registry}")
        return token

    def _refuse_failures(self, image: Image, answer: httpx.Response, body: bytes) -> None:
        status = answer.status_code
        if status == httpx.codes.OK:
            return
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise RegistryError(self._no_access(image, "does not show it: it does not exist there or is private"))
        if status == httpx.codes.NOT_FOUND:
            raise RegistryError(f"{image.registry} has no {image.name} with the tag {image.tag}{_said(body)}")
        if status == httpx.codes.TOO_MANY_REQUESTS:
            after = answer.headers.get("Retry-After", "")
            wait = f"try again in {after} s" if after.isdigit() else "try again later"
            raise RegistryError(
                f"{image.registry} takes no more requests for now: {wait}; with a login it allows more{_said(body)}"
            )
        raise RegistryError(f"{answer.url.host} answered {status} {answer.reason_phrase}{_said(body)}")

    def _no_access(self, image: Image, what: str) -> str:
        helper = ", and one that a credential helper keeps is not seen by fleet" if self._logins.has_helper else ""
        return f"{image.registry} {what} ({image.name}); docker login {image.registry} keeps a login{helper}"


def _checked_digest(image: Image, answer: httpx.Response, body: bytes) -> str:
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()
    if kind not in MANIFESTS:
        raise RegistryError(
            f"{answer.url.host} answered {kind or 'something'} instead of an image's manifest. Is a proxy in between, "
            "or is the image of a format older than Docker 1.10?"
        )
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    said = answer.headers.get("Docker-Content-Digest", digest)
    if said != digest:
        raise RegistryError(
            f"{answer.url.host} says {image.tagged} is {said}, and what it sent is {digest}: not believed"
        )
    return digest


def _basic(login: Credentials) -> str:
    return "Basic " + base64.b64encode(f"{login.user}:{login.password}".encode()).decode()


def _json(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _entries(document: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = document.get(key)
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _said(body: bytes) -> str:
    """The first error in a registry's answer, in its own words."""
    errors = _json(body).get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    text = str(first.get("message") or first.get("code") or "") if isinstance(first, dict) else ""
    return f" ({text[:LONGEST_MESSAGE]})" if text else ""


def _is_this_machine(host: str) -> bool:
    """Whether traffic to a host stays on this machine: there a registry may be without TLS, as for Docker."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
