"""What may happen to an order made ahead, and what its money and the clock say happens next. Pure.

Every refusal is a sentence for the customer or the staff member who pressed; nothing here reads a database."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from saoma.food.orders.shares import Account, Share
from saoma.identity.model import Staff
from saoma.identity.roles import May, refund_limit
from saoma.kit.errors import Conflict, Invalid, NotAllowed
from saoma.kit.money import Money
from saoma.online.model import OVER, Mode, Offer, OnlineOrder, Status, Trouble

NOTHING_CHOSEN: Final = "Choose dishes first."
BEING_PAID: Final = "This order is being paid right now. Wait until that has ended."
PAID_ALREADY: Final = "This order is paid already."
ORDER_OVER: Final = "This order is over. Begin a new one."
ORDER_PLACED: Final = "This order is placed. To change it, cancel it and order again."
AMOUNT_CHANGED: Final = "The order changed meanwhile. Check the amount and press again."
NO_SLOT: Final = "Choose a time first."
SLOT_TAKEN: Final = "This time has just been taken. Choose another one."
SLOT_MOVED: Final = "The kitchen is busier than a moment ago. Look at the new time, then press again."
TOO_LARGE: Final = "This is more than our kitchen can make for one time. Order less, or call the shop."
NOT_TAKING: Final = "This shop takes no orders ahead at the moment."
NOT_LIKE_THIS: Final = "This shop doesn't offer that. Choose another way."
IN_THE_KITCHEN: Final = "The kitchen has begun. This order can't be cancelled here any more; ask the staff."
NOT_YET_MADE: Final = "The kitchen has not begun this order yet."
TAKE_MONEY_FIRST: Final = "This order is not paid. Take the money first."
PAY_AHEAD_HERE: Final = "This shop takes orders ahead only when they are paid. Open this page in Alipay to pay."
COURIER_BRINGS_IT: Final = "A courier brings this order. Look at the deliveries."
ABOVE_LIMIT: Final = (
    "{kept} would go back, and you give back up to {limit} alone. Ask somebody who may give back more to cancel it."
)
NAME_MISSING: Final = "Write a name, so that we can call you."
PHONE_MISSING: Final = "Write a phone number with 6 to 15 digits, in case something is sold out."
TOO_MANY_UNPAID: Final = "You have orders here that are not paid yet. Pay or collect them first."

UNPAID_TOO_FAR: Final = (
    "An order that is paid at the shop can be for the next {hours} hours only. Choose an earlier time, or pay in"
    " Alipay now."
)
PAYING_ELSEWHERE: Final = "You are paying for other orders here right now. Finish or cancel those first."

#: Who came back to an order that nobody touched for so long has gone.
ABANDONED_AFTER: Final = timedelta(hours=2)
#: So long after its end somebody may still ask about an order; then nobody's name, number and door are kept any more.
FORGOTTEN_AFTER: Final = timedelta(days=30)
#: A kitchen that is late makes nobody a no-show: it is looked at again after this.
LOOK_AGAIN: Final = timedelta(minutes=5)
#: Orders that one phone may have promised without having paid.
MOST_UNPAID: Final = 2
#: An order without money takes its slot's room from others no longer than this before the kitchen begins.
UNPAID_HOURS: Final = 3
#: Open payments by which one Alipay user may keep times of a store from others.
MOST_PAYING: Final = 2
#: Different dishes of one basket.
MOST_LINES: Final = 60
#: A soonest time may slip this far while somebody types a name.
SLIPS: Final = timedelta(minutes=10)


def may_give_back(staff: Staff, kept: Money) -> None:
    """Say whether this person may call off an order on which so much money is: all of it goes back at once.

    Raises `NotAllowed` above what they may give back alone."""
    if not staff.may(May.REFUND):
        raise NotAllowed("Your role doesn't give money back. Ask a manager.")
    limit = refund_limit(staff.roles, kept.currency)
    if kept > limit:
        raise NotAllowed(ABOVE_LIMIT, limit=limit, kept=kept)


def check_contact(name: str, phone: str) -> tuple[str, str]:
    """Name and phone as they are kept. Raises `Invalid`."""
    name, digits = " ".join(name.split())[:40], "".join(sign for sign in phone if sign in "+0123456789")
    if not name:
        raise Invalid(NAME_MISSING)
    if not 6 <= len(digits.lstrip("+")) <= 15:
        raise Invalid(PHONE_MISSING)
    return name, digits


def may_wait_for_money(slot_at: datetime, now: datetime) -> bool:
    """Whether an order for this time may be promised without money."""
    return slot_at <= now + timedelta(hours=UNPAID_HOURS)


def surplus_of(status: Status, account: Account, share: Share) -> Money:
    """What of one payment nobody owes: all of it for an order that is over, else what is beyond the order.

    A payment that is not here (late money before anybody has ruled) is weighed as if it came now."""
    if status in OVER:
        return Money(share.amount - share.refunded, account.currency)
    here = account.here + account.held
    if share.state == "released":
        here += share.amount
    return Money(max(0, min(here - account.ordered, share.amount) - share.refunded), account.currency)


def may_change(order: OnlineOrder) -> None:
    """Say whether dishes, time or contact may change. Raises `Conflict`."""
    match order.status:
        case Status.CHOOSING if not order.trouble:
            return
        case Status.PAYING:
            raise Conflict(BEING_PAID)
        case Status.PROMISED | Status.FIRED:
            raise Conflict(ORDER_PLACED)
        case _:
            raise Conflict(ORDER_OVER)


def admit(order: OnlineOrder, account: Account, amount: Money) -> None:
    """Say whether a payment of `amount` may begin. Raises `Conflict`."""
    match order.status:
        case Status.PAYING:
            raise Conflict(BEING_PAID)
        case Status.CHOOSING | Status.PROMISED | Status.FIRED:
            pass
        case _:
            raise Conflict(ORDER_OVER)
    if account.held:
        raise Conflict(BEING_PAID)
    if not account.ordered:
        raise Conflict(NOTHING_CHOSEN)
    if not account.left:
        raise Conflict(PAID_ALREADY)
    if amount != account.left:
        raise Conflict(AMOUNT_CHANGED)


def may_cancel(order: OnlineOrder, account: Account) -> None:
    """Say whether the customer may still call it off: until the kitchen begins. Raises `Conflict`."""
    if account.held:
        raise Conflict(BEING_PAID)
    match order.status:
        case Status.CHOOSING | Status.PROMISED:
            return
        case Status.PAYING:
            raise Conflict(BEING_PAID)
        case Status.FIRED:
            raise Conflict(IN_THE_KITCHEN)
        case _:
            raise Conflict(ORDER_OVER)


def may_collect(order: OnlineOrder, account: Account) -> None:
    """Say whether it may be handed over. Raises `Conflict`."""
    if order.status in (Status.CHOOSING, Status.PAYING, Status.PROMISED):
        raise Conflict(NOT_YET_MADE)
    if order.status is not Status.FIRED:
        raise Conflict(ORDER_OVER)
    if account.left or account.held:
        raise Conflict(BEING_PAID if account.held else TAKE_MONEY_FIRST)


def due_at(order: OnlineOrder) -> datetime | None:
    """When the clock has to look at the order next; None when only people can move it."""
    if order.giving_back:
        return order.ended_at
    match order.status:
        case Status.CHOOSING:
            return None if order.trouble else order.changed_at + ABANDONED_AFTER
        case Status.PROMISED:
            return None if order.trouble else order.fires_at
        case Status.FIRED:
            return None if order.arrived_at or order.mode is Mode.BRING else order.kept_until
        case Status.PAYING:
            return None
        case Status.COLLECTED | Status.NO_SHOW | Status.CANCELLED:
            known = order.name or order.phone or order.note
            return order.ended_at + FORGOTTEN_AFTER if order.ended_at is not None and known else None


def trouble_of(order: OnlineOrder, offer: Offer, local_day: object, gone: str) -> Trouble:
    """Why the kitchen can't begin; `gone` names a dish that is sold out, `local_day` is the slot's day at the store."""
    if offer.closed_on is not None and offer.closed_on == local_day:
        return Trouble.CLOSED
    return Trouble.SOLD_OUT if gone else Trouble.NONE
