"""WireGuard's two texts - wg-quick configuration and ``wg show dump`` - as values, and the differences between them.

Pure functions: no command is run here.
"""

from __future__ import annotations

import base64
import ipaddress
from dataclasses import dataclass, replace

NO_PSK = base64.b64encode(bytes(32)).decode()
"""A preshared key of zeros is WireGuard's way to say none; ``wg syncconf`` leaves a key alone that is not mentioned."""

SESSION_SECONDS = 180
"""REJECT_AFTER_TIME of the protocol: a younger handshake means that the peer is there, wherever it answers from."""

NOT_FOR_WG = frozenset({"address", "dns", "mtu", "table", "preup", "postup", "predown", "postdown", "saveconfig"})


@dataclass(frozen=True)
class Peer:
    """One peer, configured or running."""

    public_key: str
    preshared_key: str = NO_PSK
    endpoint: str = ""
    allowed_ips: frozenset[str] = frozenset()
    keepalive: int = 0
    latest_handshake: int = 0
    """seconds since the epoch; 0: never"""


@dataclass(frozen=True)
class Interface:
    """One interface: what ``wg`` knows of it."""

    private_key: str
    listen_port: int
    fwmark: int
    peers: dict[str, Peer]


class BadConfig(ValueError):
    """The text is not a configuration we apply. The message holds no key."""


def parse_config(text: str) -> Interface:
    """A configuration in wg-quick's format; its Address, MTU and hooks are ignored here.

    Raises:
        BadConfig: unknown key, missing key, an AllowedIPs entry with host bits or claimed twice.
    """
    section, interface, peers = "", {"listenport": "0", "fwmark": "0"}, []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.partition("#")[0].strip()
        if not line:
            continue
        if line.startswith("["):
            section = line.lower()
            if section == "[peer]":
                peers.append({"allowedips": ""})
            elif section != "[interface]":
                raise BadConfig(f"line {number}: neither [Interface] nor [Peer]")
            continue
        name, separator, value = line.partition("=")
        key, value = name.strip().lower(), value.strip()
        if not separator or not section:
            raise BadConfig(f"line {number}: not a key in a section")
        if section == "[interface]":
            if key not in NOT_FOR_WG | {"privatekey", "listenport", "fwmark"}:
                raise BadConfig(f"line {number}: [Interface] has no key of that name")
            interface[key] = value
        elif key == "allowedips":
            peers[-1][key] = ",".join(filter(None, (peers[-1][key], value)))
        elif key in ("publickey", "presharedkey", "endpoint", "persistentkeepalive"):
            peers[-1][key] = value
        else:
            raise BadConfig(f"line {number}: [Peer] has no key of that name")
    if "privatekey" not in interface:
        raise BadConfig("[Interface] has no PrivateKey")
    built = [_peer(values) for values in peers]
    _disjoint(built)
    return Interface(
        private_key=_key(interface["privatekey"], "PrivateKey"),
        listen_port=_number(interface["listenport"], "ListenPort"),
        fwmark=_number(interface["fwmark"], "FwMark"),
        peers={peer.public_key: peer for peer in built},
    )


def _peer(values: dict[str, str]) -> Peer:
    public = _key(values.get("publickey", ""), "PublicKey")
    return Peer(
        public_key=public,
        preshared_key=_key(values.get("presharedkey", NO_PSK), f"PresharedKey of peer {short(public)}"),
        endpoint=values.get("endpoint", ""),
        allowed_ips=frozenset(_network(item, public) for item in values["allowedips"].split(",") if item.strip()),
        keepalive=_number(values.get("persistentkeepalive", "0"), f"PersistentKeepalive of peer {short(public)}"),
    )


def _key(text: str, what: str) -> str:
    try:
        if len(base64.b64decode(text, validate=True)) == 32:
            return text
    except ValueError:
        pass
    raise BadConfig(f"{what} is missing or not a WireGuard key")


def _number(text: str, what: str) -> int:
    if text.lower() == "off":
        return 0
    try:
        return int(text, 0)
    except ValueError:
        raise BadConfig(f"{what} is not a number") from None


def _network(text: str, public: str) -> str:
    try:
        return str(ipaddress.ip_network(text.strip()))
    except ValueError:
        # ``wg`` would mask the host bits, and one peer would silently take the other's addresses.
        raise BadConfig(f"AllowedIPs of peer {short(public)}: {text.strip()} is not a canonical prefix") from None


def _disjoint(peers: list[Peer]) -> None:
    if len({peer.public_key for peer in peers}) != len(peers):
        raise BadConfig("a peer is given twice")
    claimed: dict[str, str] = {}
    for peer in peers:
        for prefix in sorted(peer.allowed_ips):
            if prefix in claimed:
                raise BadConfig(f"peers {claimed[prefix]} and {short(peer.public_key)} both claim {prefix}")
            claimed[prefix] = short(peer.public_key)


def parse_dump(text: str) -> Interface:
    """The output of ``wg show INTERFACE dump``."""
    rows = [line.split("\t") for line in text.splitlines() if line.strip()]
    private, _public, port, fwmark = rows[0]
    peers = {}
    for public, psk, endpoint, allowed, handshake, _received, _sent, keepalive in rows[1:]:
        peers[public] = Peer(
            public_key=public,
            preshared_key=NO_PSK if psk == "(none)" else psk,
            endpoint="" if endpoint == "(none)" else endpoint,
            allowed_ips=frozenset(allowed.split(",")) if allowed != "(none)" else frozenset(),
            keepalive=_number(keepalive, "keepalive"),
            latest_handshake=int(handshake),
        )
    return Interface(private, int(port), _number(fwmark, "fwmark"), peers)


def render_for_wg(interface: Interface) -> str:
    """The text for ``wg syncconf``, with everything stated, since it leaves alone what is not mentioned."""
    lines = ["[Interface]", f"PrivateKey = {interface.private_key}", f"ListenPort = {interface.listen_port}"]
    lines.append(f"FwMark = {interface.fwmark}")
    for peer in interface.peers.values():
        lines += ["[Peer]", f"PublicKey = {peer.public_key}", f"PresharedKey = {peer.preshared_key}"]
        if peer.allowed_ips:
            # Missing means none, unlike for all other keys; an empty value would be refused.
            lines.append(f"AllowedIPs = {', '.join(sorted(peer.allowed_ips))}")
        lines.append(f"PersistentKeepalive = {peer.keepalive or 'off'}")
        if peer.endpoint:
            lines.append(f"Endpoint = {peer.endpoint}")
    return "\n".join(lines) + "\n"


def keep_roaming(desired: Interface, running: Interface, persisted: Interface | None, now: float) -> Interface:
    """``desired`` without the endpoints of peers that are alive elsewhere.

    A peer whose handshake is younger than SESSION_SECONDS has roamed to where it is; its endpoint stays, unless the
    wanted one is new compared with the persisted configuration.
    """
    peers = {}
    for public, peer in desired.peers.items():
        found = running.peers.get(public)
        before = persisted.peers.get(public) if persisted else None
        alive = found is not None and now - found.latest_handshake <= SESSION_SECONDS
        known = before is not None and before.endpoint == peer.endpoint
        peers[public] = replace(peer, endpoint="") if alive and known else peer
    return replace(desired, peers=peers)


def differences(desired: Interface, running: Interface) -> list[str]:
    """What ``wg syncconf`` would change, in words without secrets. An endpoint that is not wanted is left."""
    said = []
    if desired.private_key != running.private_key:
        said.append("private key differs")
    if desired.listen_port and desired.listen_port != running.listen_port:
        said.append(f"listen port {running.listen_port} -> {desired.listen_port}")
    if desired.fwmark != running.fwmark:
        said.append(f"fwmark {running.fwmark} -> {desired.fwmark}")
    said += [f"peer {short(public)}: removed" for public in running.peers if public not in desired.peers]
    for public, peer in desired.peers.items():
        found = running.peers.get(public)
        if found is None:
            said.append(
                f"peer {short(public)}: added for {_list(peer.allowed_ips)}, endpoint {peer.endpoint or 'none'}"
            )
            continue
        if peer.allowed_ips != found.allowed_ips:
            said.append(f"peer {short(public)}: allowed ips {_list(found.allowed_ips)} -> {_list(peer.allowed_ips)}")
        if peer.preshared_key != found.preshared_key:
            said.append(f"peer {short(public)}: preshared key differs")
        if peer.keepalive != found.keepalive:
            said.append(f"peer {short(public)}: keepalive {found.keepalive} -> {peer.keepalive}")
        if peer.endpoint and peer.endpoint != found.endpoint:
            said.append(f"peer {short(public)}: endpoint {found.endpoint or 'none'} -> {peer.endpoint}")
    return said


def short(public_key: str) -> str:
    """The beginning of a public key, as people compare it."""
    return f"{public_key[:8]}..."


def _list(prefixes: frozenset[str]) -> str:
    return ", ".join(sorted(prefixes)) or "nothing"
