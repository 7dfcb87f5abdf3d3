"""One ssh connection to a host whose key we know beforehand.

The server's key is compared with the pinned ones after the key exchange and before authentication, so a wrong server
learns nothing. Connecting is repeated within a deadline while a host boots; a wrong key and a refused login are not.
"""

from __future__ import annotations

import base64
import hashlib
import io
import logging
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import paramiko
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_delay, wait_exponential

from hosts.errors import AgentFailed, AuthenticationRefused, HostError, HostKeyMismatch, HostUnreachable, StageTimeout
from hosts.quoting import Argv
from hosts.target import Target

KEY_EXCHANGES = ("mlkem768x25519-sha256", "curve25519-sha256@libssh.org")
CIPHERS = ("aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "aes256-ctr")
MACS = ("hmac-sha2-512-etm@openssh.com", "hmac-sha2-256-etm@openssh.com")
HOST_KEYS = ("ssh-ed25519",)
"""What we offer: of OpenSSH's hardened lists (ssh-audit's guides for Debian 12 and 13) what paramiko 5.1 speaks."""

ATTEMPT_SECONDS = 10.0
"""Limit of one attempt: several round trips at 500 ms and a slow first key exchange fit in."""
LOGIN_ATTEMPTS = 3
"""A refused login is tried again twice: right after its first boot a host may not know the user yet. Not more often,
since OpenSSH 9.8 and later shut out an address after some failures (PerSourcePenalties)."""
LOGIN_WAIT_SECONDS = 5.0
KEEPALIVE_SECONDS = 15
SILENCE_MILLISECONDS = 45_000
"""TCP gives the connection up when nothing that we sent was acknowledged for so long (three keepalives)."""

logging.getLogger("paramiko").addHandler(logging.NullHandler())
logging.getLogger("paramiko").propagate = False


@dataclass(frozen=True)
class Completed:
    """A finished remote command."""

    exit_status: int
    stdout: bytes
    stderr: bytes


class Connection:
    """An authenticated connection. Use as a context manager; counts its channel requests."""

    def __init__(self, target: Target, key: paramiko.PKey, transport: Any, proxy: Connection | None) -> None:
        self.target = target
        self._key = key
        self._transport = transport
        self._proxy = proxy
        self._channels = 0

    @property
    def channels_opened(self) -> int:
        """Channel requests on this connection so far: each costs round trips of up to half a second."""
        return self._channels

    @property
    def host_key_fingerprint(self) -> str:
        """SHA256:... of the key that the server showed."""
        return fingerprint(self._transport.get_remote_server_key().asbytes())

    def run(self, argv: Argv, stdin: bytes = b"", timeout_seconds: float = 60.0) -> Completed:
        """Run one command on one channel, with ``stdin`` sent whole and closed.

        Raises:
            StageTimeout: it did not end in time.
            HostUnreachable: the connection broke.
            AgentFailed: the command was killed by a signal.
        """
        deadline = time.monotonic() + timeout_seconds
        try:
            channel = self._transport.open_session(timeout=ATTEMPT_SECONDS)
            self._channels += 1
            with channel:
                channel.settimeout(timeout_seconds)
                channel.exec_command(str(argv))
                channel.sendall(stdin)
                channel.shutdown_write()
                stderr = _Drain(channel.recv_stderr)
                stdout = bytearray()
                while True:
                    channel.settimeout(max(0.001, deadline - time.monotonic()))
                    if not (piece := channel.recv(1 << 16)):
                        break
                    stdout += piece
                if not channel.status_event.wait(max(0.001, deadline - time.monotonic())):
                    raise TimeoutError
                exit_status = channel.exit_status
            errors = stderr.text()
        except TimeoutError:
            raise StageTimeout(
                f"{self.target}: {argv[0]} did not end within {timeout_seconds:.0f} s. It may still be running there; "
                "the next run says so if it is."
            ) from None
        except (paramiko.SSHException, EOFError, OSError) as broken:
            raise HostUnreachable(
                f"{self.target}: the connection broke while {argv[0]} ran there: {_reason(broken)}. "
                "What it had begun it finishes by itself; run the same command again."
            ) from None
        if exit_status < 0 and self._transport.is_active():
            raise AgentFailed(
                f"{self.target}: {argv[0]} was killed there before it was done. Run the same command again."
            )
        if exit_status < 0:
            raise HostUnreachable(
                f"{self.target}: the connection ended before {argv[0]} did. Run the same command again."
            )
        return Completed(exit_status, bytes(stdout), errors)

    def forward(self, address: str, port: int) -> Any:
        """A channel to an address as seen from this host (direct-tcpip).

        Raises:
            OSError: this host cannot reach it, or refuses to forward.
        """
        try:
            channel = self._transport.open_channel(
                "direct-tcpip", (address, port), ("127.0.0.1", 0), timeout=ATTEMPT_SECONDS
            )
        except (paramiko.SSHException, EOFError) as refused:
            raise OSError(f"not through {self.target.name}: {_reason(refused)}") from None
        self._channels += 1
        return channel

    def reopen(self, deadline_seconds: float) -> Connection:
        """A new connection to the same target with the same key; raises as ``connect`` does."""
        return _connect(self.target, self._key, deadline_seconds, _silent)

    def close(self) -> None:
        """Close it, and the one to its proxy. Closing twice is harmless."""
        self._transport.close()
        if self._proxy is not None:
            self._proxy.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _silent(_message: str) -> None:
    """Progress for nobody."""


def connect(
    target: Target,
    private_key_pem: str,
    deadline_seconds: float,
    progress: Callable[[str], None] = _silent,
    late_key_seconds: float = 0.0,
) -> Connection:
    """Connect, waiting up to ``deadline_seconds`` for the server to answer.

    Args:
        private_key_pem: the login key, an OpenSSH ed25519 private key without passphrase.
        progress: is told what is waited for, once per failed attempt.
        late_key_seconds: for so long another host key is looked at again instead of refused at once, for a server
            whose sshd answers before its first-boot script has installed the pinned key. Nothing is sent meanwhile.

    Raises:
        HostKeyMismatch: another key than the pinned ones; nothing was sent.
        HostUnreachable: no answer in time; says what was waited for and for how long.
        AuthenticationRefused: the server refuses this user or key.
        HostError: the key is not usable, or the server speaks none of our algorithms.
    """
    try:
        key = paramiko.Ed25519Key.from_private_key(io.StringIO(private_key_pem))
    except (paramiko.SSHException, ValueError, IndexError):
        raise HostError(f"{target}: the login key is not an OpenSSH ed25519 private key without passphrase.") from None
    return _connect(target, key, deadline_seconds, progress, late_key_seconds)


def fingerprint(key_blob: bytes) -> str:
    """A public key as ssh-keygen -l shows it: SHA256:<base64 without padding>."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key_blob).digest()).decode().rstrip("=")


class _NotYet(Exception):
    """The server does not answer (yet)."""


class _LoginNotYet(Exception):
    """The server refused the login, which may be too early."""


def _connect(
    target: Target,
    key: paramiko.PKey,
    deadline_seconds: float,
    progress: Callable[[str], None],
    late_key_seconds: float = 0.0,
) -> Connection:
    began = time.monotonic()
    proxy = _connect(target.proxy, key, deadline_seconds, progress) if target.proxy else None
    logins = 0

    def stop(state: RetryCallState) -> bool:
        nonlocal logins
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, _LoginNotYet):
            logins += 1
            left = deadline_seconds - (time.monotonic() - began)
            return logins >= LOGIN_ATTEMPTS or left < LOGIN_WAIT_SECONDS
        if isinstance(error, HostKeyMismatch):
            return time.monotonic() - began >= late_key_seconds
        return stop_after_delay(deadline_seconds)(state)

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        progress(f"{target}: {error}")
        if isinstance(error, _LoginNotYet):
            return LOGIN_WAIT_SECONDS
        left = deadline_seconds - (time.monotonic() - began)
        return max(0.0, min(wait_exponential(multiplier=0.25, max=5.0)(state), left))

    repeated = (_NotYet, _LoginNotYet, HostKeyMismatch)
    retrying = Retrying(stop=stop, wait=wait, retry=retry_if_exception_type(repeated), reraise=True)
    try:
        transport = retrying(_attempt, target, key, proxy, began + deadline_seconds)
    except BaseException as error:
        if proxy is not None:
            proxy.close()
        waited = time.monotonic() - began
        attempts = retrying.statistics.get("attempt_number", 1)
        if isinstance(error, _NotYet):
            raise HostUnreachable(
                f"{target}: no ssh server answered within {waited:.0f} s ({attempts} attempts, "
                f"allowed {deadline_seconds:.0f} s); last: {error}. Check that it runs, that its address is right "
                "and that both firewalls let this machine in."
            ) from None
        if isinstance(error, _LoginNotYet):
            raise AuthenticationRefused(
                f"{target}: the server shows the right host key but refuses user {target.user} with our login key "
                f"{fingerprint(key.asbytes())} ({attempts} attempts in {waited:.0f} s). Its public half must stand in "
                f"~{target.user}/.ssh/authorized_keys, and sshd must allow that user."
            ) from None
        raise
    return Connection(target, key, transport, proxy)


def _attempt(target: Target, key: paramiko.PKey, proxy: Connection | None, deadline: float) -> Any:
    limit = max(1.0, min(ATTEMPT_SECONDS, deadline - time.monotonic()))
    try:
        stream = _stream(target, proxy, limit)
    except OSError as refused:
        raise _NotYet(f"connecting to port {target.port}: {_reason(refused)}") from None
    transport = None
    try:
        transport = paramiko.Transport(stream)
        transport.daemon = True
        transport.banner_timeout = limit
        transport.auth_timeout = ATTEMPT_SECONDS
        options = transport.get_security_options()
        options.kex, options.ciphers, options.digests, options.key_types = KEY_EXCHANGES, CIPHERS, MACS, HOST_KEYS
        transport.start_client(timeout=limit)
        _check_host_key(target, transport.get_remote_server_key().asbytes())
        if transport.auth_publickey(target.user, key):
            raise _LoginNotYet("the server wants more than a public key")
        transport.set_keepalive(KEEPALIVE_SECONDS)
        return transport
    except BaseException as error:
        if transport is not None:
            transport.close()
        stream.close()
        if isinstance(error, paramiko.AuthenticationException):
            raise _LoginNotYet(f"login of {target.user} refused") from None
        if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
            raise HostError(
                f"{target}: the ssh server has no algorithm in common with us ({_reason(error)}). It must offer one of "
                f"KexAlgorithms {','.join(KEY_EXCHANGES)}; Ciphers {','.join(CIPHERS)}; MACs {','.join(MACS)}; "
                f"HostKeyAlgorithms {','.join(HOST_KEYS)}."
            ) from None
        if isinstance(error, (paramiko.SSHException, EOFError, OSError)):
            raise _NotYet(f"speaking ssh: {_reason(error)}") from None
        raise


def _stream(target: Target, proxy: Connection | None, limit: float) -> Any:
    if proxy is not None:
        return proxy.forward(target.address, target.port)
    stream = socket.create_connection((target.address, target.port), timeout=limit)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE_MILLISECONDS)
    return stream


def _check_host_key(target: Target, seen: bytes) -> None:
    pinned = []
    for pin in target.pins:
        try:
            pinned.append(base64.b64decode(pin.split()[1], validate=True))
        except (ValueError, IndexError):
            raise HostError(f"{target}: a pinned host key is not of the form 'ssh-ed25519 AAAA...'.") from None
    if seen not in pinned:
        raise HostKeyMismatch(
            f"{target}: the server shows the host key {fingerprint(seen)}; expected is "
            f"{' or '.join(fingerprint(key) for key in pinned)}. Nothing was sent to it. Either another host answers "
            "at this address, or it was rebuilt or its key changed outside of this tool: compare the fingerprint "
            "with the provider's console before you pin the new key."
        )


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).strip().rstrip(".") or type(error).__name__


class _Drain:
    """Reads a stream to its end beside the main one, so that neither side blocks on a full window."""

    def __init__(self, receive: Callable[[int], bytes]) -> None:
        self._receive = receive
        self._pieces = bytearray()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while piece := self._receive(1 << 16):
                self._pieces += piece
        except OSError:
            return

    def text(self) -> bytes:
        self._thread.join(timeout=1.0)
        return bytes(self._pieces)
