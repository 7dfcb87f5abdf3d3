"""Connecting: the pinned key decides before anything is sent, our algorithms fit hardened servers, waiting ends."""

from __future__ import annotations

import os
import signal
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from hosts import (
    Argv,
    AuthenticationRefused,
    HostError,
    HostKeyMismatch,
    HostUnreachable,
    StageTimeout,
    Target,
    connect,
)
from tests.hosts.sshd import Server, SshServers, free_port, new_key

pytestmark = pytest.mark.parts


def test_a_command_runs_on_one_channel_with_stdin_and_both_outputs(server: Server) -> None:
    with connect(server.target, server.login_key, deadline_seconds=10) as connection:
        done = connection.run(Argv("sh", "-c", "cat; echo oops >&2; exit 3"), stdin=b"in\n" * 100_000)
        assert (done.exit_status, done.stdout, done.stderr) == (3, b"in\n" * 100_000, b"oops\n")
        assert connection.channels_opened == 1


def test_another_host_key_ends_it_before_authentication(server: Server) -> None:
    logged = len(server.log.read_text())
    other = new_key().public
    with pytest.raises(HostKeyMismatch) as refusal:
        connect(server.pinned_to(other), server.login_key, deadline_seconds=10)
    text = str(refusal.value)
    assert text.count("SHA256:") == 2
    assert "nj (root@127.0.0.1:" in text
    assert "Nothing was sent" in text
    attempt = server.log.read_text()[logged:]
    assert "Accepted" not in attempt
    assert "Postponed" not in attempt
    assert "Failed" not in attempt


def test_a_late_first_boot_script_is_waited_for_and_nothing_is_sent_meanwhile(ssh_servers: SshServers) -> None:
    server = ssh_servers.start()
    late = new_key()
    seen: list[str] = []

    def the_script_runs(waiting: str) -> None:
        if not seen:
            assert "Accepted" not in server.log.read_text()
            (server.folder / "host_key").write_text(late.private)
            os.kill(int((server.folder / "pid").read_text()), signal.SIGHUP)
        seen.append(waiting)

    target = server.pinned_to(late.public)
    with connect(target, server.login_key, 30, progress=the_script_runs, late_key_seconds=30) as connection:
        assert connection.run(Argv("true")).exit_status == 0
    assert "Nothing was sent" in seen[0]

    with pytest.raises(HostKeyMismatch):
        connect(server.pinned_to(new_key().public), server.login_key, 30, late_key_seconds=1)


def test_any_of_several_pins_is_accepted(server: Server) -> None:
    pins = (new_key().public, server.host_key.public + " comment")
    with connect(server.pinned_to(*pins), server.login_key, deadline_seconds=10) as connection:
        assert connection.run(Argv("true")).exit_status == 0


def test_an_unknown_host_can_not_even_be_described() -> None:
    with pytest.raises(ValueError, match="an unknown host is never trusted"):
        Target("nj", "127.0.0.1", 22, "root", ())


def test_a_refused_login_names_user_and_key(server: Server) -> None:
    with pytest.raises(AuthenticationRefused, match=r"refuses user root with our login key SHA256:.*authorized_keys"):
        connect(server.target, new_key().private, deadline_seconds=1)


def test_a_silent_address_ends_at_the_deadline_and_says_what_was_waited_for() -> None:
    target = Target("sg", "127.0.0.1", free_port(), "root", (new_key().public,))
    told: list[str] = []
    with pytest.raises(HostUnreachable, match=r"sg .* no ssh server answered within .*Connection refused"):
        connect(target, new_key().private, deadline_seconds=1, progress=told.append)
    assert len(told) >= 2


def test_a_server_that_accepts_and_says_nothing_is_unreachable() -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        target = Target("sg", "127.0.0.1", mute.getsockname()[1], "root", (new_key().public,))
        with pytest.raises(HostUnreachable):
            connect(target, new_key().private, deadline_seconds=1)


def test_a_key_that_is_none_is_named_without_its_text(server: Server) -> None:
    with pytest.raises(HostError, match="not an OpenSSH ed25519 private key") as refusal:
        connect(server.target, "hunter2", deadline_seconds=1)
    assert "hunter2" not in str(refusal.value)


HARDENED = (
    "KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org",
    "Ciphers aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr",
    "MACs hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com",
    "HostKeyAlgorithms ssh-ed25519",
)


def test_a_hardened_server_is_no_obstacle(ssh_servers: SshServers) -> None:
    hardened = ssh_servers.start(*HARDENED)
    with connect(hardened.target, hardened.login_key, deadline_seconds=10) as connection:
        assert connection.run(Argv("true")).exit_status == 0


def test_a_server_without_a_common_algorithm_is_told_what_it_must_offer(ssh_servers: SshServers) -> None:
    foreign = ssh_servers.start("Ciphers chacha20-poly1305@openssh.com")
    with pytest.raises(HostError, match=r"no algorithm in common.*Ciphers aes256-gcm"):
        connect(foreign.target, foreign.login_key, deadline_seconds=10)


def test_a_host_behind_another_is_reached_through_it(server: Server, ssh_servers: SshServers) -> None:
    inner = ssh_servers.start()
    (inner.folder / "authorized_keys").write_text((server.folder / "authorized_keys").read_text())
    target = replace(inner.target, name="inner", proxy=replace(server.target, name="hub"))
    with connect(target, server.login_key, deadline_seconds=10) as connection:
        assert connection.run(Argv("echo", "hello")).stdout == b"hello\n"
        assert connection.host_key_fingerprint != ""


def test_a_command_that_does_not_end_is_named(server: Server) -> None:
    with (
        connect(server.target, server.login_key, deadline_seconds=10) as connection,
        pytest.raises(StageTimeout, match="sleep did not end within 0 s"),
    ):
        connection.run(Argv("sleep", "5"), timeout_seconds=0.3)


def test_nothing_of_the_users_own_ssh_is_used(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither agent nor ~/.ssh: one key is offered, so three allowed attempts are enough everywhere."""
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "no-agent"))
    monkeypatch.setenv("HOME", str(tmp_path))
    with connect(server.target, server.login_key, deadline_seconds=10) as connection:
        assert connection.run(Argv("true")).exit_status == 0
