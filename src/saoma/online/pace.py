"""How many orders one person, and one address, may begin in an hour; and how many of them without paying.

Nobody signs in to order from home, so strangers are counted by browser and by address; whom Alipay has named is counted
by that name alone, as many of them may share an address."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from litestar import Request

from saoma.identity.tries import TooManyTries, Tries
from saoma.kit.errors import Refused
from saoma.kit.ids import new_id
from saoma.web.page import house_of
from saoma.web.security import HEADERS_OF_STATE, client_address

AnyRequest = Request[Any, Any, Any]
_WINDOW: Final = timedelta(hours=1)
#: A home, an office or a mall's network: so many people may be behind one address.
_PEOPLE: Final = 10
_BROWSER: Final = "ahead_browser"

TOO_MANY: Final = "Many orders were begun here in a short time. Try again in {minutes} min, or call the shop."
TOO_MANY_UNPAID: Final = (
    "Many orders that are paid at the shop came from here. Try again in {minutes} min, or pay in Alipay now."
)


class TooManyOrders(Refused):
    """So many orders came from one person or address that the next must wait; the sentence says how long."""

    status = 429


async def may_begin(request: AnyRequest, tries: Tries, buyer: str, per_hour: int) -> None:
    """Count an order that is about to begin. Raises `TooManyOrders`."""
    if buyer:
        await _count(request, tries, f"buyer:{buyer}", per_hour, TOO_MANY)
        return
    await _count(request, tries, f"browser:{_browser(request)}", per_hour, TOO_MANY)
    await _count(request, tries, f"address:{_address(request)}", per_hour * _PEOPLE, TOO_MANY)


async def may_order_unpaid(request: AnyRequest, tries: Tries, buyer: str, per_hour: int) -> None:
    """Count an order that is about to be promised without money. Raises `TooManyOrders`."""
    who = f"buyer:{buyer}" if buyer else f"address:{_address(request)}"
    await _count(request, tries, f"unpaid:{who}", per_hour, TOO_MANY_UNPAID)


async def _count(request: AnyRequest, tries: Tries, what: str, limit: int, words: str) -> None:
    try:
        await tries.count(f"ahead:{what}", limit, _WINDOW)
    except TooManyTries as refusal:
        request.scope["state"][HEADERS_OF_STATE] = {"retry-after": str(refusal.minutes * 60)}
        raise TooManyOrders(words, minutes=refusal.minutes) from None


def _browser(request: AnyRequest) -> str:
    """What this browser is known by, from its first order on."""
    known = request.session.get(_BROWSER)
    if not known:
        known = request.session[_BROWSER] = new_id("web")
    return str(known)


def _address(request: AnyRequest) -> str:
    return client_address(request, behind_proxy=house_of(request).behind_proxy) or "unknown"
