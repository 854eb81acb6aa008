"""Where an address leads when the toy wallet opens it: a partner's page, our own page, a code to pay, or nowhere.

The wallet fetches pages on its user's behalf, so this is the fence against being used as an open proxy: only this
machine and origins named in the configuration are ever fetched, and the answer is given afresh for every request."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from saoma.kit.errors import Invalid

_PORTS: Final = {"http": 80, "https": 443}
#: A browser and Python read these characters in an address differently, so an address with one of them is refused.
_AMBIGUOUS = re.compile(r"[\x00-\x20\x7f\\]")
#: Hosts of Alipay's payment codes and authorization pages: inside the toy wallet they mean the sandbox itself.
#: https://docs.antom.com/ac/global/precreate_transaction, https://global.alipay.com/docs/ac/common/obtain_uid
CODE_HOSTS: Final = frozenset({"qr.alipay.com"})
AUTHORIZATION_HOSTS: Final = frozenset(
    {"openauth.alipay.com", "openauth.alipaydev.com", "openauth-sandbox.dl.alipaydev.com"}
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port: what a browser means by the same place. `text` is how it is written."""

    scheme: str
    host: str
    port: int

    @property
    def text(self) -> str:
        """As in an `Origin` header: the port only when it isn't the scheme's own."""
        return f"{self.scheme}://{self.authority}"

    @property
    def authority(self) -> str:
        """As in a `Host` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def on_this_machine(self) -> bool:
        """Whether the host can only be this machine: a loopback address, `localhost`, or a name under it."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class PartnerPage:
    """A page the wallet may fetch. `path` has the query and, for links, the fragment."""

    origin: Origin
    path: str


@dataclass(frozen=True, slots=True)
class OwnPage:
    """A page of the sandbox itself, reached on the buyer's own host."""

    path: str


@dataclass(frozen=True, slots=True)
class PaymentAddress:
    """The text of an order code or a shop's printed code."""

    text: str


@dataclass(frozen=True, slots=True)
class Nowhere:
    """The wallet doesn't go there. `why` is an English sentence with its Chinese in `zh.po`."""

    why: str


Destination = PartnerPage | OwnPage | PaymentAddress | Nowhere


def read_origin(url: str) -> tuple[Origin, str]:
    """The origin of an absolute http(s) address and the rest of it (path, query, fragment).

    Raises `Invalid` for another scheme, a user name in the address, or characters that two readers read differently."""
    if _AMBIGUOUS.search(url):
        raise Invalid("That address has characters that do not belong in one.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Invalid("That is not a web address.") from None
    if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc:
        raise Invalid("That is not a web address.")
    path = parts.path or "/"
    if path.startswith("//"):
        # As a bare path it would name another host.
        path = f"/.{path}"
    rest = path + (f"?{parts.query}" if parts.query else "") + (f"#{parts.fragment}" if parts.fragment else "")
    return Origin(parts.scheme, parts.hostname, port or _PORTS[parts.scheme]), rest


def partner_origins(texts: Iterable[str]) -> frozenset[Origin]:
    """The allowed partner origins from configuration. Raises `Invalid` naming the first entry that is not an origin."""
    found = set()
    for text in texts:
        origin, rest = read_origin(text)
        if rest != "/":
            raise Invalid(f"{text!r} is a page; a partner origin is only scheme, host and port, such as {origin.text}")
        found.add(origin)
    return frozenset(found)


def destination(url: str, own_port: int, allowed: frozenset[Origin]) -> Destination:
    """Where `url` leads for a wallet that listens on `own_port` and may also fetch from `allowed`.

    The port decides what is ourselves: fetching our own port would go round in circles."""
    try:
        origin, path = read_origin(url.strip())
    except Invalid as wrong:
        return Nowhere(str(wrong))
    if origin.host in CODE_HOSTS:
        return PaymentAddress(url.strip())
    if origin.host in AUTHORIZATION_HOSTS:
        return OwnPage(path)
    if origin.on_this_machine and origin.port == own_port:
        return OwnPage(path)
    if origin.on_this_machine or origin in allowed:
        return PartnerPage(origin, path)
    return Nowhere(
        "The toy wallet opens pages on this computer and on partner origins named in the sandbox's settings."
    )


def inside(location: str, partner: Origin | None, own_port: int, allowed: frozenset[Origin]) -> str:
    """A redirect's target as the phone must see it: the partner's pages appear on the buyer's own host.

    Other places go through `/wallet/go`, which remembers the new partner or says why not."""
    if location.startswith("//"):
        location = f"{partner.scheme if partner else 'http'}:{location}"
    if not re.match(r"https?:", location, re.IGNORECASE):
        return location
    match destination(location, own_port, allowed):
        case OwnPage(path):
            return path
        case PartnerPage(origin, path) if origin == partner:
            return path
        case PartnerPage() | PaymentAddress() | Nowhere():
            return f"/wallet/go?url={quote(location, safe='')}"


def buyer_of_host(host: str) -> str | None:
    """The buyer whose phone `host` is: `amy` for `amy.localhost:8001`; `None` for the bare host."""
    name = host.rsplit(":", 1)[0] if re.search(r":\d+$", host) else host
    label, dot, rest = name.lower().partition(".")
    return label if dot and rest == "localhost" and label else None


def port_of_host(host: str, scheme: str = "http") -> int:
    """The port in a `Host` header, or the scheme's own."""
    match = re.search(r":(\d{1,5})$", host)
    return int(match[1]) if match else _PORTS.get(scheme, 80)
