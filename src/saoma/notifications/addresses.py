"""Where a webhook may be sent: public http(s) addresses, so that nobody makes this house knock at its own doors.

A name is judged by what it resolves to when it is called; the very address that was judged is connected to."""

from __future__ import annotations

import asyncio
import socket
from typing import Final
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult

from saoma.kit.addresses import AddressRefused, allowed, is_literal, named_at_home
from saoma.kit.errors import Invalid

LONGEST: Final = 500


def check_url(url: str, *, loopback: bool) -> str:
    """The address as it may be kept. Raises `Invalid`, saying what is wrong with it. Looks nothing up."""
    if len(url) > LONGEST or not url.isascii() or any(letter <= " " or letter in "\\\x7f" for letter in url):
        raise Invalid("Give a plain http(s) address of at most 500 letters, without spaces.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Invalid("This is not an address. Write one such as https://shop.example/saoma.") from None
    if parts.scheme not in ("https", "http") or not host:
        raise Invalid("A webhook needs an http or https address, such as https://shop.example/saoma.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise Invalid("A webhook's address has no user name, password or fragment in it.")
    if port is not None and port not in (80, 443) and port < 1024:
        raise Invalid("A webhook's port is 80, 443, or 1024 and above.")
    at_home = named_at_home(host) or ("." not in host.strip("[]") and ":" not in host)
    if (not loopback and at_home) or (is_literal(host) and not allowed(host, loopback=loopback)):
        raise Invalid("A webhook goes to a public address; this one is private to a machine or a network.")
    return url


class PublicOnly(AbstractResolver):
    """Resolves names for the webhook client, and refuses those with an address that is not allowed among theirs."""

    def __init__(self, *, loopback: bool) -> None:
        self.loopback = loopback

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of `host`. Raises `AddressRefused`, or `OSError` for a name nobody knows."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
        results = []
        for kind, _, protocol, _, address in found:
            ip = str(address[0])
            if not allowed(ip, loopback=self.loopback):
                raise AddressRefused(f"{host} leads to {ip}, which is not public")
            results.append(
                ResolveResult(
                    hostname=host,
                    host=ip,
                    port=port,
                    family=kind,
                    proto=protocol,
                    flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
                )
            )
        return results

    async def close(self) -> None:
        """Nothing is kept open."""
