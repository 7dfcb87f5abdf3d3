"""How each part of the fleet is declared to Pulumi: servers, addresses, firewalls, the base host and its mesh node.

One file per concern. Everything here is declarative or a thin adapter: what a file on a host contains is decided by
``templates``, how it gets there by ``hosts``, who talks to whom by ``wireguard``.
"""
