"""JSON over HTTPS as Vultr and DigitalOcean speak it: a bearer token, rate limits with Retry-After, errors as JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Self, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ValidationError

from fleet.orphans.providers.listing import ListingFailed

TIMEOUT_SECONDS, CONNECT_SECONDS = 20.0, 5.0
PATIENCE_SECONDS = 30.0
"""How long a rate limit is waited for, all waits of one call together."""
FIRST_WAIT_SECONDS = 1.0
"""First wait where the answer names none; doubled each time."""

Page = TypeVar("Page", bound=BaseModel)


class WebApi:
    """One account at one provider; its connections are kept while it is open."""

    def __init__(
        self, title: str, base: str, token: str, token_variable: str, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._title, self._token_variable, self._sleep = title, token_variable, sleep
        self._client = httpx.Client(
            base_url=base,
            # Some lists (of plans and prices) need no token.
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=httpx.Timeout(TIMEOUT_SECONDS, connect=CONNECT_SECONDS),
            # A proxy of the machine is for the world outside, not for what answers on this machine.
            trust_env=not is_loopback(base),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, parameters: Mapping[str, str], page: type[Page]) -> Page:
        """One page of a list.

        Raises:
            ListingFailed: it was refused, cut short, or has another shape than the provider documents.
        """
        answer = self._call("GET", path, parameters)
        try:
            return page.model_validate_json(answer.content)
        except ValidationError as wrong:
            first = wrong.errors()[0]
            if first["type"] == "json_invalid":
                raise ListingFailed(f"{self._title}: its answer on {path} is cut short or no JSON") from None
            where = ".".join(str(part) for part in first["loc"])
            raise ListingFailed(
                f"{self._title}: its answer on {path} has another shape: {where}: {first['msg']}"
            ) from None

    def delete(self, path: str) -> None:
        """Delete one object.

        Raises:
            ListingFailed: it was refused or no answer came.
        """
        self._call("DELETE", path, {})

    def _call(self, method: str, path: str, parameters: Mapping[str, str]) -> httpx.Response:
        waited, wait = 0.0, FIRST_WAIT_SECONDS
        while True:
            try:
                answer = self._client.request(method, path, params=dict(parameters))
            except httpx.HTTPError as failure:
                reason = str(failure) or type(failure).__name__
                raise ListingFailed(f"{self._title}: no answer from {self._client.base_url.host}: {reason}") from None
            if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
                break
            asked = _retry_after(answer) if "retry-after" in answer.headers else wait
            if waited + asked > PATIENCE_SECONDS:
                raise ListingFailed(
                    f"{self._title}: too many requests (429); it asks to wait {asked:.0f} s more. Try again then"
                )
            self._sleep(asked)
            waited, wait = waited + max(asked, FIRST_WAIT_SECONDS), wait * 2
        if answer.is_success:
            return answer
        raise ListingFailed(f"{self._title}: {self._refusal(answer)}")

    def _refusal(self, answer: httpx.Response) -> str:
        said = _said(answer.text)
        match answer.status_code:
            case 401 | 403:
                return f"{answer.status_code}: it does not take the token in {self._token_variable} ({said})"
            case status if status >= 500:
                return f"{status}: it has a fault of its own ({said}). Try again later"
            case status:
                return f"{status}: {said}"


def is_loopback(url: str) -> bool:
    """True if a URL leads to this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _retry_after(answer: httpx.Response) -> float:
    """Seconds; a date (which neither provider sends) counts as a second."""
    text = answer.headers["retry-after"]
    return float(text) if text.replace(".", "", 1).isdigit() else FIRST_WAIT_SECONDS


def _said(text: str) -> str:
    """The provider's sentence in an error: under ``error`` at Vultr, ``message`` at DigitalOcean."""
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if isinstance(document, dict):
        for key in ("error", "message"):
            if isinstance(document.get(key), str):
                return str(document[key])
    first = next(iter(text.strip().splitlines()), "")
    return first[:120] or "without a word"
