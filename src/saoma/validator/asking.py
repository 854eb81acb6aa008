"""What several cases ask of an order: the rhythm of questions, one number, identical repeats, a true end. Pure.

Published seconds are measured between requests as Alipay's side sees them; `TOLERANCE` is for the way there."""

from __future__ import annotations

import itertools
from typing import Final

from saoma.validator.timeline import Call, Order, Timeline
from saoma.validator.verdict import NotSeen, Wrong

#: Seconds by which a request may be early or late because of networks and busy machines.
TOLERANCE: Final = 0.5
#: How long after a barcode payment nothing more can happen to it by itself: Alipay closes it after three minutes.
SETTLED: Final = 200.0


def rhythm(order: Order, first: tuple[float, float], gap: tuple[float, float]) -> list[float]:
    """The gaps between an order's questions, up to its end. Raises `Wrong` where they are not as published."""
    asked = questions(order)
    if not asked:
        raise Wrong("never-asked", order.opening)
    after = order.seconds(asked[0])
    known = {"seconds": tidy(after), "published": span(list(first))}
    if after < first[0] - TOLERANCE:
        raise Wrong("asked-too-soon", asked[0], **known)
    if after > first[1] + TOLERANCE:
        raise Wrong("asked-too-late", asked[0], **known)
    gaps = []
    for earlier, later in itertools.pairwise(asked):
        seconds = (later.at - earlier.at).total_seconds()
        last = later is asked[-1] and bool(order.of("cancel"))
        known = {"seconds": tidy(seconds), "published": span(list(gap))}
        # the last look before a cancel may come at the deadline, whenever the one before was
        if seconds < gap[0] - TOLERANCE and not last:
            raise Wrong("asked-too-often", earlier, later, **known)
        if seconds > gap[1] + TOLERANCE:
            raise Wrong("asked-too-seldom", earlier, later, **known)
        gaps.append(seconds)
    return gaps


def questions(order: Order) -> list[Call]:
    """The queries of an order until it was cancelled or found paid."""
    found: list[Call] = []
    for call in order.later:
        if call.kind == "cancel":
            break
        if call.kind == "query":
            found.append(call)
            if call is order.paid_at:
                break
    return found


def one_number(timeline: Timeline, order: Order) -> None:
    """Raises `Wrong` if another number was tried for the same code before this order was settled."""
    for other in timeline.orders():
        later = other.opening in timeline.after(order.opening)
        same = timeline.driven or other.code == order.code
        settled = [call for call in order.of("cancel") if call.result == "SUCCESS" and _is_before(call, other)]
        if other.number != order.number and later and same and not settled:
            raise Wrong("second-number", order.opening, other.opening, number=other.number)


def _is_before(call: Call, other: Order) -> bool:
    return any(each is other.opening for each in other.timeline.after(call))


def same_again(*calls: Call) -> None:
    """Raises `Wrong` unless all are repeats of the first."""
    for call in calls[1:]:
        if not call.is_repeat_of(calls[0]):
            names = {
                name
                for name in calls[0].asked.keys() | call.asked.keys()
                if calls[0].asked.get(name) != call.asked.get(name)
            } - {"sign", "timestamp", "terminal_timestamp"}
            raise Wrong("changed-repeat", calls[0], call, names=", ".join(sorted(names)))


def ends_paid(order: Order, *, receipt: bool = True) -> None:
    """Raises `Wrong` unless the integration knows that it is paid, and printed one receipt. `NotSeen` while it may
    still learn of it."""
    cancels = order.of("cancel")
    if cancels:
        raise Wrong("cancelled-though-paid", *cancels)
    timeline = order.timeline
    standing = order.standing
    if timeline.driven and standing is not None:
        if standing.status != "paid":
            raise Wrong("not-paid-in-the-end", standing, status=standing.status)
        if receipt and "receipts" in standing.answered and standing.answered["receipts"] != 1:
            raise Wrong("receipts", standing, count=standing.answered["receipts"])
    elif order.paid_at is None and not any(
        each.number == order.number and each.is_accepted for each in timeline.notices
    ):
        if not is_over(order):
            raise NotSeen("still-running")
        raise Wrong("never-learned", order.opening)


def ends_closed(order: Order) -> None:
    """Raises `Wrong` unless the integration knows that it is not paid, and printed no receipt."""
    standing = order.standing
    if standing is None:
        return
    if standing.status not in ("closed", "failed"):
        raise Wrong("not-closed-in-the-end", standing, status=standing.status)
    no_receipt(order)


def no_receipt(order: Order) -> None:
    """Raises `Wrong` if a receipt was printed."""
    for standing in order.standings:
        if standing.answered.get("receipts"):
            raise Wrong("receipt-without-money", standing)


def is_over(order: Order) -> bool:
    """Whether nothing more can be expected to happen by itself."""
    until = order.timeline.until
    return order.timeline.driven or until is None or (until - order.opening.at).total_seconds() > SETTLED


def is_paid_later(order: Order) -> bool:
    """Whether the buyer of an order that was UNKNOWN paid in the end."""
    notices = (each for each in order.timeline.notices if each.number == order.number and each.kind == "first")
    return (
        order.code.endswith("90") or order.paid_at is not None or any("TRADE_SUCCESS" in each.said for each in notices)
    )


def barcode(timeline: Timeline) -> list[Order]:
    """The orders that were paid by code. Raises `NotSeen` when there are none."""
    found = [order for order in timeline.orders() if order.opening.kind == "pay"]
    if not found:
        raise NotSeen
    return found


def first(orders: list[Order]) -> Order:
    """The first of them. Raises `NotSeen` when there are none."""
    if not orders:
        raise NotSeen
    return orders[0]


def span(gaps: list[float]) -> str:
    """The shortest and longest, in words."""
    if not gaps:
        return "0"
    low, high = tidy(min(gaps)), tidy(max(gaps))
    return low if low == high else f"{low}-{high}"


def tidy(seconds: float) -> str:
    """Seconds for people: one decimal at most."""
    return f"{seconds:.1f}".removesuffix(".0")
