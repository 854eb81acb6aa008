"""Who is holding this phone, and what it is putting together: the shop its code names, the basket its session began.

Knowing a shop's code lets you look at its menu; knowing an order's own address lets you follow, pay and cancel that
order, as a letter in your hand would."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from litestar import Request

from saoma.alipay.wallet import Wallet, which_wallet
from saoma.food.model import Line, LineStatus
from saoma.food.orders import ordering
from saoma.food.orders.discounts import Discount, discounts_of
from saoma.food.orders.shares import Account
from saoma.identity.wallet_sign_in import buyer_in
from saoma.kit.db import Rows
from saoma.kit.errors import NotFound
from saoma.kit.ids import new_id
from saoma.online import offers, orders
from saoma.online.model import Mode, Offer, OnlineOrder
from saoma.online.slots import Slot, soonest

AnyRequest = Request[Any, Any, Any]
_AHEAD: Final = "ahead"
#: How many shops and orders one phone remembers; the oldest is forgotten first.
_SHOPS_KEPT: Final = 4
_ORDERS_KEPT: Final = 5


@dataclass(frozen=True, slots=True)
class Visit:
    """One phone at one shop. `order` is what it is putting together, None until the first dish."""

    offer: Offer
    wallet: Wallet
    buyer_id: str
    key: str
    mode: Mode
    slot_at: datetime | None
    order: OnlineOrder | None
    basket: tuple[Line, ...]
    account: Account
    discounts: tuple[Discount, ...]
    slots: tuple[Slot, ...]
    placed: tuple[OnlineOrder, ...]

    @property
    def in_wallet(self) -> bool:
        """Whether the page runs inside the Alipay app."""
        return self.wallet is Wallet.ALIPAY

    @property
    def root(self) -> str:
        """The shop's page."""
        return path_of(self.offer.code)

    @property
    def soonest(self) -> datetime | None:
        """The first time there is room for what is in the basket."""
        first = soonest(self.slots)
        return first.at if first else None

    @property
    def at(self) -> datetime | None:
        """The time that is meant: the chosen one, or the soonest."""
        return self.slot_at or self.soonest

    @property
    def buyer(self) -> str:
        """Who is known to hold this phone, "" outside the wallet."""
        return self.buyer_id if self.in_wallet else ""

    @property
    def gone(self) -> bool:
        """Whether the chosen time can't be had any more."""
        return self.slot_at is not None and not any(slot.room for slot in self.slots if slot.at == self.slot_at)


def path_of(code: str) -> str:
    """Where the shop's QR code leads, relative to its address."""
    return f"/order/{code}"


def order_path(offer: Offer, order: OnlineOrder) -> str:
    """The order's own page."""
    return f"{path_of(offer.code)}/o/{order.token}"


def _kept(session: Any, store_id: str) -> dict[str, Any]:
    shops = dict(dict(session or {}).get(_AHEAD) or {})
    found = shops.get(store_id)
    return dict(found) if isinstance(found, Mapping) else {}


def placed_tokens(session: Any, store_id: str) -> list[str]:
    """The addresses of the orders that this phone placed at a shop, the oldest first."""
    return [str(token) for token in _kept(session, store_id).get("placed", [])]


def keep(request: AnyRequest, store_id: str, **values: Any) -> dict[str, Any]:
    """Remember something about this phone at a shop; answers all that is remembered."""
    kept = _kept(request.session, store_id) | values
    others = {shop: value for shop, value in dict(request.session.get(_AHEAD) or {}).items() if shop != store_id}
    request.session[_AHEAD] = {**dict(list(others.items())[-(_SHOPS_KEPT - 1) :]), store_id: kept}
    return kept


def draft_key(request: AnyRequest, store_id: str) -> str:
    """The key under which this phone's next order is begun."""
    key = _kept(request.session, store_id).get("key")
    return str(key) if key else str(keep(request, store_id, key=new_id("tap"))["key"])


def placed_one(request: AnyRequest, offer: Offer, order: OnlineOrder) -> None:
    """The order is the shop's now: this phone remembers its address and begins the next one afresh."""
    kept = _kept(request.session, offer.store_id)
    tokens = [token for token in kept.get("placed", []) if token != order.token][-(_ORDERS_KEPT - 1) :]
    fresh = {"key": new_id("tap"), "slot": ""} if kept.get("key") == order.key else {}
    keep(request, offer.store_id, placed=[*tokens, order.token], **fresh)


def moment_in(text: str) -> datetime | None:
    """A slot as forms and sessions write it; None for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None


def mode_in(text: str, offer: Offer) -> Mode:
    """The way that is meant; the first one offered for anything else."""
    return next((mode for mode in offer.modes if mode.value == text), (*offer.modes, Mode.PICK_UP)[0])


async def visit(request: AnyRequest, rows: Rows, code: str, now: datetime) -> Visit:
    """Look who this is and what is in the basket, changing nothing but the session. Raises `NotFound`."""
    offer = await offers.offer_of_code(rows, code)
    kept = _kept(request.session, offer.store_id)
    key = draft_key(request, offer.store_id)
    order = await orders.order_of_key(rows, offer.store_id, key)
    if order is not None and order.over:
        # Given up or called off: the next dish begins another one.
        key = str(keep(request, offer.store_id, key=new_id("tap"))["key"])
        order = None
    lines = await ordering.lines(rows, order.tab_id) if order else []
    basket = tuple(line for line in lines if line.status is LineStatus.BASKET)
    account = await orders.account(rows, order, lines) if order else Account(offer.currency, 0)
    asks = await offers.effort(rows, offer, order.tab_id) if order and basket else offers.NOTHING
    found = await offers.free_slots(rows, offer, asks, now, order.id if order else "") if offer.takes else []
    return Visit(
        offer=offer,
        wallet=which_wallet(request.headers.get("user-agent", "")),
        buyer_id=buyer_in(request.session, offer.account_id),
        key=key,
        mode=mode_in(str(kept.get("mode", "")), offer),
        slot_at=moment_in(str(kept.get("slot", ""))),
        order=order,
        basket=basket,
        account=account,
        discounts=tuple(await discounts_of(rows, order.tab_id)) if order else (),
        slots=tuple(found),
        placed=tuple(await _placed(rows, offer, placed_tokens(request.session, offer.store_id))),
    )


async def _placed(rows: Rows, offer: Offer, tokens: Iterable[str]) -> list[OnlineOrder]:
    found = []
    for token in tokens:
        try:
            one = await orders.order_of_token(rows, offer.store_id, token)
        except NotFound:
            continue
        if not one.over:
            found.append(one)
    return found
