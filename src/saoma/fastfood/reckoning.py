"""What a counter order has, lacks and is called: pure.

What counts as here, held and left is said by `food.order_shares`; here stands what follows from it at a counter."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from saoma.fastfood.model import OrderEvent, OrderStatus, Stage
from saoma.food.model import LineStatus
from saoma.food.orders.shares import Account, Share
from saoma.kit.errors import Conflict
from saoma.kit.money import Money

#: Numbers people can call out and remember.
HIGHEST: Final = 999

NOTHING_CHOSEN: Final = "Choose dishes first, then take the money."
BEING_PAID: Final = "This order is being paid right now. Wait until that has ended."
PAID_ALREADY: Final = "This order is paid. Begin a new one."
ORDER_OVER: Final = "This order was cancelled. Begin a new one."
AMOUNT_CHANGED: Final = "The order changed meanwhile. Check the amount and take it again."
MONEY_IS_HERE: Final = "Part of this order is paid. Take the rest, or give the money back first."
NO_NUMBER_FREE: Final = "All pickup numbers are in use. Hand over what is ready first."


def surplus_of(status: OrderStatus, account: Account, share: Share, forgiven: int = 0) -> Money:
    """What of one payment nobody owes: all of it for an order that was cancelled, else what is beyond the dishes.

    `forgiven` of it went back for dishes that are still on the order: that was no surplus. A payment that is not here
    (late money before anybody has ruled) is weighed as if it came now."""
    if status is OrderStatus.CANCELLED:
        return Money(share.amount - share.refunded, account.currency)
    here = account.here + account.held
    if share.state == "released":
        here += share.amount
    back = share.refunded - forgiven
    return Money(max(0, min(here - account.ordered, share.amount) - back), account.currency)


def next_event(status: OrderStatus, account: Account) -> OrderEvent | None:
    """What the money says happens to an order now; None where money changes nothing any more."""
    if status in (OrderStatus.PAID, OrderStatus.CANCELLED):
        return None
    if account.covered:
        return OrderEvent.COVER
    return OrderEvent.HOLD if account.held else OrderEvent.RELEASE


def admit(status: OrderStatus, account: Account, amount: Money, *, arrived: bool) -> None:
    """Say whether a payment of `amount` may begin. Raises `Conflict`.

    Money that arrived by a printed code is taken whatever its amount: it is here already."""
    match status:
        case OrderStatus.PAID:
            raise Conflict(PAID_ALREADY)
        case OrderStatus.CANCELLED:
            raise Conflict(ORDER_OVER)
        case OrderStatus.PAYING:
            raise Conflict(BEING_PAID)
        case OrderStatus.BUILDING:
            pass
    if not account.ordered:
        raise Conflict(NOTHING_CHOSEN)
    if not arrived and amount != account.left:
        raise Conflict(AMOUNT_CHANGED)


def may_change(status: OrderStatus, account: Account) -> None:
    """Say whether dishes may be added or taken out. Raises `Conflict`."""
    match status:
        case OrderStatus.PAID:
            raise Conflict(PAID_ALREADY)
        case OrderStatus.CANCELLED:
            raise Conflict(ORDER_OVER)
        case OrderStatus.PAYING:
            raise Conflict(BEING_PAID)
        case OrderStatus.BUILDING:
            if account.here:
                raise Conflict(MONEY_IS_HERE)


def stage(status: OrderStatus, dishes: Iterable[LineStatus]) -> Stage:
    """What the order is called now; `dishes` are the states of its lines."""
    match status:
        case OrderStatus.BUILDING:
            return Stage.BUILDING
        case OrderStatus.PAYING:
            return Stage.PAYING
        case OrderStatus.CANCELLED:
            return Stage.CANCELLED
        case OrderStatus.PAID:
            dishes = list(dishes)
            if dishes and all(dish is LineStatus.VOID for dish in dishes):
                return Stage.CANCELLED
            left = {dish for dish in dishes if dish not in (LineStatus.VOID, LineStatus.BASKET, LineStatus.SERVED)}
            if not left:
                return Stage.COLLECTED
            return Stage.READY if left == {LineStatus.READY} else Stage.MAKING


def pickup_number(last: int, taken: Collection[int]) -> tuple[int, int]:
    """The next sequence after `last` whose number (1 to 999, then from 1 again) nobody waits for, and that number.

    Raises `Conflict` when people wait for all of them."""
    for sequence in range(last + 1, last + 1 + HIGHEST):
        number = (sequence - 1) % HIGHEST + 1
        if number not in taken:
            return sequence, number
    raise Conflict(NO_NUMBER_FREE)
