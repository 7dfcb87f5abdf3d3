"""What a registry may answer: tokens, redirects, errors, and things that are not to be believed."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from fleet.images.challenge import parse_challenge
from fleet.images.credentials import DOCKER_HUB_KEY, Logins
from fleet.images.errors import RegistryError
from fleet.images.registry import LARGEST_MANIFEST, MANIFESTS, Registries
from fleet.model.images import Image
from tests.images.conftest import digest_of

pytestmark = pytest.mark.unit

INDEX = b'{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}'
PATH = "/v2/team/app/manifests/1.0"
KIND = {"Content-Type": MANIFESTS[0]}


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: bytes = INDEX
    headers: dict[str, str] = field(default_factory=lambda: dict(KIND))


@dataclass(frozen=True)
class Asked:
    path: str
    query: dict[str, list[str]]
    authorization: str
    accept: str


class Server:
    """Answers each path as a test wants it, and remembers what was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[Asked], Answer]] = {}
        self.asked: list[Asked] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                address = urlsplit(self.path)
                headers = (self.headers.get("Authorization", ""), self.headers.get("Accept", ""))
                asked = Asked(address.path, parse_qs(address.query), *headers)
                outer.asked.append(asked)
                answer = outer.answers[address.path](asked)
                self.send_response(answer.status)
                for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, format: str, *arguments: object) -> None:
                return None

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def stop(self) -> None:
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()

    def ask(self, logins: Logins | None = None) -> str:
        image = Image(repository=f"{self.host}/team/app", tag="1.0")
        with Registries(logins or Logins({})) as registries:
            return registries.digest(image)


@pytest.fixture
def start_server() -> Iterator[Callable[[], Server]]:
    servers: list[Server] = []

    def start() -> Server:
        servers.append(Server())
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def server(start_server: Callable[[], Server]) -> Server:
    return start_server()


def logged_in(host: str) -> Logins:
    return Logins({"auths": {host: {"auth": base64.b64encode(b"operator:correct-horse").decode()}}})


def test_the_digest_is_that_of_the_bytes_and_every_kind_of_manifest_is_accepted(server: Server) -> None:
    server.answers[PATH] = lambda asked: Answer(headers={**KIND, "Docker-Content-Digest": digest_of(INDEX)})
    assert server.ask() == digest_of(INDEX)
    assert server.asked[0].accept == ", ".join(MANIFESTS)


def bearer(server: Server, token: str = "good") -> None:
    """The server wants a token that ``/token`` gives."""
    challenge = f'Bearer realm="http://{server.host}/token",service="the registry",scope="repository:team/app:pull"'

    def manifest(asked: Asked) -> Answer:
        if asked.authorization == f"Bearer {token}":
            return Answer()
        return Answer(401, b"{}", {"WWW-Authenticate": challenge})

    server.answers[PATH] = manifest
    server.answers["/token"] = lambda asked: Answer(body=b'{"token": "good", "expires_in": 300}', headers={})


def test_a_token_is_got_for_what_the_registry_names_without_a_login(server: Server) -> None:
    bearer(server)
    assert server.ask() == digest_of(INDEX)
    token = server.asked[1]
    assert token.query == {"service": ["the registry"], "scope": ["repository:team/app:pull"]}
    assert token.authorization == ""


def test_a_token_is_got_with_the_login_and_the_login_goes_nowhere_else(server: Server) -> None:
    bearer(server)
    assert server.ask(logged_in(server.host)) == digest_of(INDEX)
    basic = "Basic " + base64.b64encode(b"operator:correct-horse").decode()
    assert [asked.authorization for asked in server.asked] == ["", basic, "Bearer good"]


def test_a_token_under_its_other_name_is_one_too(server: Server) -> None:
    bearer(server)
    server.answers["/token"] = lambda asked: Answer(body=b'{"access_token": "good"}', headers={})
    assert server.ask() == digest_of(INDEX)


def test_a_redirect_is_followed_without_taking_the_token_to_another_host(start_server: Callable[[], Server]) -> None:
    registry, storage = start_server(), start_server()
    bearer(registry)
    first = registry.answers[PATH]

    def moved(asked: Asked) -> Answer:
        answer = first(asked)
        return Answer(307, b"", {"Location": f"http://{storage.host}/blob"}) if answer.status == 200 else answer

    registry.answers[PATH] = moved
    storage.answers["/blob"] = lambda asked: Answer()
    assert registry.ask(logged_in(registry.host)) == digest_of(INDEX)
    assert storage.asked[0].authorization == ""


NO_MANIFEST = b'{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "unknown"}]}'
TOO_MANY = b'{"errors": [{"code": "TOOMANYREQUESTS", "message": "rate limit"}]}'
BASIC = {"WWW-Authenticate": 'Basic realm="r"'}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(404, NO_MANIFEST), "no team/app with the tag 1.0 (unknown)"),
        (Answer(429, b"{}", {"Retry-After": "120"}), "no more requests for now: try again in 120 s"),
        (Answer(429, TOO_MANY), "try again later; with a login it allows more (rate limit)"),
        (Answer(500, b"<html>"), "answered 500 Internal Server Error"),
        (Answer(503, b'{"errors": "soon"}'), "answered 503 Service Unavailable"),
        (Answer(403, b"{}"), "does not exist there or is private"),
        (Answer(401, b"{}", BASIC), "asks for a login"),
        (Answer(401, b"{}", {}), "in a way that is not known: no header"),
        (Answer(401, b"{}", {"WWW-Authenticate": "Negotiate"}), "in a way that is not known: Negotiate"),
        (Answer(401, b"{}", {"WWW-Authenticate": 'Bearer realm="http://198.51.100.1/t"'}), "not encrypted: refused"),
        (Answer(200, b"<html>log in", {"Content-Type": "text/html"}), "text/html instead of an image's manifest"),
        (Answer(200, INDEX, {**KIND, "Docker-Content-Digest": digest_of(b"other")}), "not believed"),
        (Answer(200, b" " * (LARGEST_MANIFEST + 1)), "more than 4 MiB"),
        (Answer(302, b"", {"Location": PATH}), "redirects in a circle"),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Answer) else value[:20],
)
def test_what_is_not_a_digest_is_an_error_with_a_reason(server: Server, answer: Answer, said: str) -> None:
    server.answers[PATH] = lambda asked: answer
    with pytest.raises(RegistryError) as error:
        server.ask()
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(401, b"{}"), "does not accept the login"),
        (Answer(200, b"no json"), "answered without a token"),
        (Answer(200, b'{"token": 7}'), "answered without a token"),
        (Answer(200, b'{"token": "expired"}'), "does not exist there or is private"),
        (Answer(500, b"{}"), "answered 500"),
    ],
)
def test_a_token_that_is_not_given_is_an_error_without_the_password(server: Server, answer: Answer, said: str) -> None:
    bearer(server)
    server.answers["/token"] = lambda asked: answer
    with pytest.raises(RegistryError) as error:
        server.ask(logged_in(server.host))
    assert said in str(error.value)
    assert "correct-horse" not in str(error.value)


def test_a_login_of_a_credential_helper_is_not_seen_and_that_is_said(server: Server) -> None:
    server.answers[PATH] = lambda asked: Answer(401, b"{}", BASIC)
    with pytest.raises(RegistryError, match="credential helper"):
        server.ask(Logins({"credsStore": "pass"}))


def test_logins_are_found_under_every_name_that_docker_gives_them() -> None:
    auth = {"auth": base64.b64encode(b"me:pass:word").decode()}
    known = dict.fromkeys((DOCKER_HUB_KEY, "https://one.example", "two.example:5000"), auth)
    logins = Logins({"auths": {**known, "bad": {"auth": "?"}}})
    for registry in ("docker.io", "one.example", "two.example:5000"):
        found = logins.at(registry)
        assert found is not None
        assert (found.user, found.password) == ("me", "pass:word")
        assert "pass" not in repr(found)
    assert logins.at("bad") is None
    assert logins.at("three.example") is None


def test_an_unreadable_docker_configuration_is_no_login(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("docker")
    assert Logins.of_user({"DOCKER_CONFIG": str(folder)}).at("docker.io") is None
    for text in ("{", "[]", json.dumps({"auths": []})):
        (folder / "config.json").write_text(text)
        assert Logins.of_user({"DOCKER_CONFIG": str(folder)}).at("docker.io") is None


def test_a_challenge_is_read_with_quotes_commas_and_escapes() -> None:
    header = r'Bearer realm="https://auth.example/t?a=b,c",service="a \"quoted\" one", scope=repository:x:pull'
    challenge = parse_challenge(header)
    assert challenge.scheme == "bearer"
    assert challenge.parameters == {
        "realm": "https://auth.example/t?a=b,c",
        "service": 'a "quoted" one',
        "scope": "repository:x:pull",
    }
