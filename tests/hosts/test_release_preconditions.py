"""What is judged before anything is touched: room on the disk, and ports that somebody else has."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from hosts.agent.machine import Machine
from hosts.agent.preconditions import need_ports, need_room
from hosts.agent.report import ReleaseFailed

MACHINE = Machine("/", f"/usr/sbin:{os.defpath}")


def test_room_is_asked_for_where_the_folder_will_be(tmp_path: Path) -> None:
    place = str(tmp_path / "not" / "there" / "yet")
    need_room(place, 0, "files")
    with pytest.raises(ReleaseFailed, match=f"images need 1073741888 MB free at {place}, and there are") as failed:
        need_room(place, 1 << 50, "images")
    assert failed.value.code == "space"


def test_a_port_that_somebody_has_is_refused_with_its_holder() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ReleaseFailed, match=rf"127.0.0.1:{port}/tcp cannot be published: .*process {os.getpid()}"):
            need_ports(MACHINE, frozenset({("127.0.0.1", port, "tcp")}))
    need_ports(MACHINE, frozenset({("127.0.0.1", port, "tcp")}))


def test_a_udp_port_and_an_address_that_is_not_here() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        with pytest.raises(ReleaseFailed, match=f"127.0.0.1:{port}/udp cannot be published"):
            need_ports(MACHINE, frozenset({("127.0.0.1", port, "udp")}))
    with pytest.raises(ReleaseFailed, match=r"no address 198.18.255.254 now"):
        need_ports(MACHINE, frozenset({("198.18.255.254", 8080, "tcp")}))
