"""What the clouds do with packets: translations of addresses and the providers' firewalls, as one nftables table.

The table lives in the lab's namespace, before and behind which every packet of every server passes; no server can see
or undo it. Pure: from the state to the text that nft takes in one transaction.

Translations are stateless, so that an address that moves to another server takes its running flows along: a peer that
sends every 25 s would otherwise keep the old translation alive for ever. Inside the table a packet has the
addresses that the servers' own interfaces have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network

from lab.errors import LabError
from lab.ranges import Ranges
from lab.server import OPEN, Rule
from lab.state import LabState, Machine

TABLE = "inet lab_cloud"
TRANSLATED_MARK = 1


def render(state: LabState, networks: Ranges, link: str) -> str:
    """The whole table. ``link`` is the interface that leads to the machine."""
    return "\n".join(
        [
            f"add table {TABLE}",
            # `raw`: before connection tracking, which must see the addresses that the servers have.
            f"add chain {TABLE} translate_in {{ type filter hook prerouting priority raw; policy accept; }}",
            f"add chain {TABLE} firewall {{ type filter hook forward priority filter; policy accept; }}",
            f"add chain {TABLE} translate_out {{ type filter hook postrouting priority srcnat; policy accept; }}",
            # Rules go, counters stay.
            f"flush table {TABLE}",
            *(f"add counter {TABLE} {name}" for name in _counters(state)),
            *(f"add rule {TABLE} {rule}" for rule in _rules(state, networks, link)),
            "",
        ]
    )


def blocked_counter(machine: Machine) -> str:
    """Name of the counter of what the provider's firewall kept from a server."""
    return f"blocked-{machine.container}"


def _counters(state: LabState) -> Iterator[str]:
    yield "blocked-nobody"
    yield "cut"
    for machine in state.machines.values():
        yield blocked_counter(machine)


def _rules(state: LabState, networks: Ranges, link: str) -> Iterator[str]:
    translations = state.translations()
    if translations:
        inward = ", ".join(f"{public} : {inside}" for public, inside in translations.items())
        yield f"translate_in ip daddr {_set(translations)} meta mark set {TRANSLATED_MARK}"
        yield f"translate_in ip daddr set ip daddr map {{ {inward} }}"
        # The first public address of a server is the one it is seen by.
        seen_as = {inside: public for public, inside in reversed(translations.items())}
        outward = ", ".join(f"{inside} : {public}" for inside, public in seen_as.items())
        # Inside one private network servers see each other as they are, unless they asked for the public address.
        private = f"{{ {networks.aws}, {networks.anchor} }}"
        yield f"translate_out meta mark != {TRANSLATED_MARK} ip saddr {private} ip daddr {private} return"
        yield f"translate_out ip saddr set ip saddr map {{ {outward} }}"
    yield "firewall meta nfproto ipv6 drop"
    yield from _cuts(state)
    yield "firewall ct state established,related accept"
    yield from _nobodys(state, networks)
    # Servers do not call the machine; it calls them.
    yield f'firewall oifname "{link}" counter name "blocked-nobody" drop'
    for machine in state.machines.values():
        yield from _firewall(machine, state, translations)


def _cuts(state: LabState) -> Iterator[str]:
    for cut in state.cuts:
        ends = [state.machines.get(cut.one), state.machines.get(cut.other)]
        if ends[0] is None or ends[1] is None:
            continue
        one, other = (_set(state.inner_addresses(machine)) for machine in ends if machine)
        for source, target in ((one, other), (other, one)):
            yield f"firewall ip saddr {source} ip daddr {target} udp dport {cut.ports} counter name cut drop"


def _nobodys(state: LabState, networks: Ranges) -> Iterator[str]:
    """Addresses of the lab that lead to no server, and anchor addresses without a reserved one, go nowhere."""
    known = [a for machine in state.machines.values() for a in state.inner_addresses(machine)]
    fixtures = [f"{networks.venue.network_address}-{networks.venue[99]}"]
    nobody = 'counter name "blocked-nobody" drop'
    yield f"firewall ip daddr {networks.outside} ip daddr != {_set([*known, *fixtures])} {nobody}"
    translated = [inside for inside in state.translations().values() if IPv4Address(inside) in networks.anchor]
    without = f"ip saddr != {_set(translated)} " if translated else ""
    yield f"firewall ip saddr {networks.anchor} {without}ip daddr != {networks.anchor} {nobody}"


def _firewall(machine: Machine, state: LabState, translations: dict[str, str]) -> Iterator[str]:
    rules = machine.rules
    if rules is None:
        # At AWS a server is closed until something is declared open, elsewhere open until a group is attached.
        rules = () if machine.provider == "aws" else OPEN
    target = f"firewall ip daddr {_set(state.inner_addresses(machine))}"
    for rule in rules:
        sources = [source for source in rule.sources if ":" not in source]
        if not sources:
            continue
        networks = [IPv4Network(source, strict=False) for source in sources]
        if not any(network.prefixlen == 0 for network in networks):
            # A server behind a translation comes with its inner address here.
            inner = [i for p, i in translations.items() if any(IPv4Address(p) in network for network in networks)]
            origin = f" ip saddr {_set([*map(str, networks), *inner])}"
        else:
            origin = ""
        yield f"{target}{origin}{_match(rule)} accept"
    yield f'{target} counter name "{blocked_counter(machine)}" drop'


def _match(rule: Rule) -> str:
    if rule.protocol in ("all", "-1"):
        return ""
    if rule.protocol == "icmp":
        return " ip protocol icmp"
    if rule.protocol not in ("tcp", "udp"):
        raise LabError(f"the lab's firewalls know tcp, udp, icmp and all, not '{rule.protocol}'")
    ports = "" if rule.ports in ("", "1-65535", "0-65535") else f" {rule.protocol} dport {rule.ports}"
    return ports or f" meta l4proto {rule.protocol}"


def _set(elements: Iterable[str]) -> str:
    return "{ " + ", ".join(_without_contained(list(elements))) + " }"


def _without_contained(elements: list[str]) -> list[str]:
    """nft refuses a set whose elements overlap."""
    networks = {e: IPv4Network(e) for e in dict.fromkeys(elements) if "-" not in e}
    return [e for e in dict.fromkeys(elements) if "-" in e] + [
        text
        for text, network in networks.items()
        if not any(network != other and network.subnet_of(other) for other in networks.values())
    ]
