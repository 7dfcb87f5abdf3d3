"""A venue on loopback: HTTPS with keep-alive and a WebSocket, under a certificate of an authority made for the test."""

from __future__ import annotations

import base64
import datetime
import hashlib
import ipaddress
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455, section 1.3."""
NAME = "localhost"


@dataclass(frozen=True)
class Certificate:
    """A server's certificate with its key, and the authority that signed it."""

    authority: Path
    chain: Path


def certificate(folder: Path, name: str = NAME) -> Certificate:
    """A new authority, and a server certificate of it for one name."""
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.datetime.now(datetime.UTC)
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Authority of {folder.name}")])
    usage = dict.fromkeys(("content_commitment", "data_encipherment", "key_agreement", "encipher_only"), False)
    usage |= {"decipher_only": False, "key_encipherment": False}
    root = (
        _builder(root_name, root_name, root_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=False, key_cert_sign=True, crl_sign=True, **usage), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(root_key.public_key()), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    names = (
        [x509.DNSName(name), x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))]
        if name == NAME
        else [x509.DNSName(name)]
    )
    server = (
        _builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), root_name, key.public_key(), now)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.KeyUsage(digital_signature=True, key_cert_sign=False, crl_sign=False, **usage), True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    authority, chain = folder / "authority.pem", folder / "chain.pem"
    authority.write_bytes(root.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain.write_bytes(private + server.public_bytes(serialization.Encoding.PEM))
    return Certificate(authority, chain)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime.datetime
) -> x509.CertificateBuilder:
    hour = datetime.timedelta(hours=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - hour)
        .not_valid_after(now + 24 * hour)
    )


Answer = Callable[[], tuple[int, dict[str, str]]]


class Venue:
    """Answers each path as it is told to; counts what it is asked."""

    def __init__(self, certificate: Certificate) -> None:
        self.delays: dict[str, float] = {}
        """Seconds until the answer to a path, and to a ping on it."""
        self.statuses: dict[str, int] = {}
        self.headers: dict[str, str] = {}
        self.stall: tuple[int, float] | None = None
        """The n-th request (from 0) of a path is answered after so many seconds."""
        self.close_after: int | None = None
        """Requests that a connection gets answered before it is closed."""
        self.asked: dict[str, int] = {}
        self.connections = 0
        venue = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def setup(self) -> None:
                super().setup()
                venue.connections += 1
                self.answered = 0

            def do_GET(self) -> None:
                number = venue.asked.get(self.path, 0)
                venue.asked[self.path] = number + 1
                if venue.stall is not None and venue.stall[0] == number:
                    time.sleep(venue.stall[1])
                if self.headers.get("Upgrade", "") == "websocket" and self.path not in venue.statuses:
                    self.close_connection = True
                    _pongs(self, venue.delays.get(self.path, 0.0))
                    return
                time.sleep(venue.delays.get(self.path, 0.0))
                body = b'{"time": 0}'
                self.send_response(venue.statuses.get(self.path, 200))
                for name, value in venue.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                self.answered += 1
                if self.answered == venue.close_after:
                    self.close_connection = True

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                """A caller who hangs up is no news."""

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.chain)
        self._server = Server(("127.0.0.1", 0), Handler)
        # The handshake belongs to the thread of the connection, not to the one that accepts.
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def url(self, path: str, scheme: str = "https") -> str:
        """Of a path."""
        return f"{scheme}://{NAME}:{self.port}{path}"

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _pongs(handler: BaseHTTPRequestHandler, delay: float) -> None:
    accept = base64.b64encode(hashlib.sha1(handler.headers["Sec-WebSocket-Key"].encode() + MAGIC).digest())
    handler.send_response_only(101)
    handler.send_header("Upgrade", "websocket")
    handler.send_header("Connection", "Upgrade")
    handler.send_header("Sec-WebSocket-Accept", accept.decode())
    handler.end_headers()
    handler.wfile.flush()
    # A message that nobody asked for, as venues send them.
    handler.wfile.write(b"\x81\x7e\x01\x00" + b"x" * 256)
    handler.wfile.flush()
    while True:
        head = handler.rfile.read(2)
        if len(head) < 2 or head[0] & 0x0F == 8:
            return
        mask = handler.rfile.read(4)
        payload = bytes(byte ^ mask[at % 4] for at, byte in enumerate(handler.rfile.read(head[1] & 0x7F)))
        if head[0] & 0x0F == 9:
            time.sleep(delay)
            handler.wfile.write(bytes([0x8A, len(payload)]) + payload)
            handler.wfile.flush()
