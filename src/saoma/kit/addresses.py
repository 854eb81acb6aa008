"""Where this house may knock when somebody typed the address: nobody shall make it knock at its own doors.

A name is judged by what it resolves to when it is called, and the very address that was judged is connected to: a name
that was harmless when it was typed may lead elsewhere a second later."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import Final

_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_HOME_NAMES: Final = ("localhost", ".localhost", ".local", ".internal", ".home.arpa")
#: Networks that a shop or its provider may have of its own.
_OWN_NETWORKS: Final = tuple(
    ipaddress.ip_network(each)
    for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)
#: In such networks, the addresses at which clouds tell a machine's own keys to whoever asks from it.
_METADATA: Final = tuple(ipaddress.ip_address(each) for each in ("100.100.100.200", "192.0.0.192", "fd00:ec2::254"))


class AddressRefused(OSError):
    """The name leads to an address that may not be called."""


def allowed(address: str, *, loopback: bool, own_network: bool = False) -> bool:
    """Whether this IP address may be called. Pure.

    Public ones may. `loopback` admits this very machine, `own_network` private networks; nothing admits link-local
    addresses and those at which clouds tell secrets."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        # An IPv4 address in another dress is judged as what it is.
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return allowed(str(inner), loopback=loopback, own_network=own_network)
    if ip.is_loopback:
        return loopback
    if ip in _METADATA:
        return False
    if own_network and any(ip in network for network in _OWN_NETWORKS if network.version == ip.version):
        return True
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def named_at_home(host: str) -> bool:
    """Whether a name is one that means this machine or its network wherever it is asked for."""
    return host.rstrip(".").lower().endswith(_HOME_NAMES)


def is_literal(host: str) -> bool:
    """Whether a host is an IP address and no name."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


async def judged(host: str, port: int, *, loopback: bool, own_network: bool = False) -> list[str]:
    """The addresses of `host`. Raises `AddressRefused` if one of them may not be called, `socket.gaierror` for a name
    nobody knows."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(each[4][0]) for each in found]
    for ip in addresses:
        if not allowed(ip, loopback=loopback, own_network=own_network):
            raise AddressRefused(f"{host} leads to {ip}, which may not be called")
    return addresses
