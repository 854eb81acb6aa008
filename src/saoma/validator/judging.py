"""The verdicts of the wire, V1-V14: pure functions of a timeline. Those of the solutions are in `judging_solutions`.

Each first finds what it is about (`NotSeen` otherwise), then raises `Wrong` at the first thing that is not as it
should be, and else returns the reason for which it passes."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from typing import Final

from saoma.validator.asking import (
    barcode,
    ends_closed,
    ends_paid,
    first,
    is_over,
    is_paid_later,
    no_receipt,
    one_number,
    questions,
    rhythm,
    same_again,
    span,
    tidy,
)
from saoma.validator.timeline import Call, Notice, Order, Timeline, Told
from saoma.validator.verdict import NotSeen, Wrong
from saoma.validator.words import Reason

#: A cashier may cancel by hand at any time: in watch mode an earlier cancel than this says nothing about a deadline.
EARLIEST_GIVING_UP: Final = 30.0
#: Alipay closes an unpaid barcode trade by itself after so many seconds.
CLOSES_ITSELF: Final = 180.0
#: No more cancels than this for one order, and quiet for so many seconds behind the last.
MOST_CANCELS: Final = 60
QUIET: Final = 600.0
#: A code of 24 digits begins so, that one which was cut is known again.
WHOLE_CODE: Final = "2800240024002400"
_SHOP: Final = (
    "secondary_merchant_id",
    "secondary_merchant_name",
    "secondary_merchant_industry",
    "store_id",
    "store_name",
)
_SHOUTED: Final = re.compile(r"\b[A-Z]+(?:_[A-Z]+)+\b")


def v1(timeline: Timeline) -> Reason:
    """pay -> SUCCESS"""
    plain = [order for order in barcode(timeline) if not order.opening.planned]
    order = first([o for o in plain if o.opening.result == "SUCCESS" or "rejected" in o.opening.fields])
    opening = order.opening
    if "rejected" in opening.fields:
        if opening.is_turned_away:
            # the reason in the log is the whole text to sign
            raise Wrong("refused-at-the-door", opening, code=opening.result)
        if "extend_info" in opening.why:
            raise Wrong("incomplete-extend-info", opening, why=opening.why)
        raise Wrong("refused", opening, code=opening.result, why=opening.why)
    shop = json.loads(opening.asked.get("extend_info") or "{}")
    if missing := [name for name in _SHOP if not shop.get(name)]:
        raise Wrong("incomplete-extend-info", opening, why=", ".join(missing))
    if again := [call for call in order.later if call.kind == "pay"]:
        raise Wrong("paid-twice", opening, *again)
    ends_paid(order)
    return Reason("paid-once")


def v2(timeline: Timeline) -> Reason:
    """24-digit code"""
    order = first([o for o in barcode(timeline) if o.code.startswith(WHOLE_CODE) or len(o.code) == 24])
    if len(order.code) != 24:
        raise Wrong("code-cut", order.opening, digits=len(order.code))
    return Reason("whole-code")


def v3(timeline: Timeline) -> Reason:
    """pay UNKNOWN, paid later"""
    order = first([o for o in barcode(timeline) if _is_unknown(o) and is_paid_later(o)])
    if order.of("cancel"):
        raise Wrong("cancelled-though-paid", *order.of("cancel"))
    gaps = rhythm(order, (3, 5), (3, 5))
    ends_paid(order)
    return Reason("asked-until-paid", {"asked": len(questions(order)), "gaps": span(gaps)})


def v4(timeline: Timeline) -> Reason:
    """pay UNKNOWN, never paid"""
    found = [o for o in barcode(timeline) if _is_unknown(o) and not is_paid_later(o)]
    order = first([o for o in found if timeline.driven or not _cancelled_by_hand(o)])
    rhythm(order, (3, 5), (3, 5))
    cancels = order.of("cancel")
    if not cancels:
        if not is_over(order):
            raise NotSeen("still-running")
        raise Wrong("no-cancel", *order.later[-1:])
    seconds = order.seconds(cancels[0])
    if seconds < EARLIEST_GIVING_UP:
        raise Wrong("gave-up-early", cancels[0], seconds=tidy(seconds))
    if seconds >= CLOSES_ITSELF:
        raise Wrong("gave-up-late", cancels[0], seconds=tidy(seconds))
    if cancels[-1].result != "SUCCESS":
        raise Wrong("cancel-left-open", cancels[-1], answer=cancels[-1].result)
    ends_closed(order)
    asked = len(questions(order))
    return Reason("asked-then-cancelled", {"asked": asked, "seconds": tidy(seconds), "cancels": len(cancels)})


def v5(timeline: Timeline) -> Reason:
    """pay SYSTEM_ERROR, trade paid"""
    return _paid_unheard(timeline, "system_error_after")


def v6(timeline: Timeline) -> Reason:
    """pay SYSTEM_ERROR, nothing created"""
    order = first([o for o in barcode(timeline) if o.opening.planned == "system_error_before"])
    one_number(timeline, order)
    again, cancels = [call for call in order.later if call.kind == "pay"], order.of("cancel")
    same_again(order.opening, *again)
    if order.paid_at is None and not cancels:
        if not is_over(order):
            raise NotSeen("still-running")
        raise Wrong("left-open", order.opening, *order.later[-1:])
    if cancels and cancels[-1].result != "SUCCESS":
        raise Wrong("cancel-left-open", cancels[-1], answer=cancels[-1].result)
    if cancels:
        ends_closed(order)
    else:
        ends_paid(order)
    return Reason("solved-nothing", {"way": "cancel" if cancels else "pay"})


def v7(timeline: Timeline) -> Reason:
    """pay times out, trade paid"""
    return _paid_unheard(timeline, "silence_after")


def v8(timeline: Timeline) -> Reason:
    """cancel SYSTEM_ERROR twice, then SUCCESS"""
    order = first([o for o in timeline.orders() if 0 < _failing(o) <= 2])
    return Reason("cancel-repeated", {"cancels": repeated_cancels(order)})


def v9(timeline: Timeline) -> Reason:
    """cancel keeps failing"""
    found = [o for o in timeline.orders() if _failing(o) == len(o.of("cancel")) > 0]
    order = first([o for o in found if timeline.driven or _failing(o) > 2])
    cancels = order.of("cancel")
    same_again(*cancels)
    if len(cancels) < 3:
        raise Wrong("cancel-given-up", *cancels, cancels=len(cancels))
    standing = order.standing
    quiet = (timeline.until - cancels[-1].at).total_seconds() if timeline.until else QUIET
    handed_over = standing is not None and bool(standing.answered.get("needs_person"))
    if len(cancels) > MOST_CANCELS or (timeline.driven and quiet < QUIET and not handed_over):
        raise Wrong("endless-cancel", cancels[-1], cancels=len(cancels))
    if standing is None:
        if quiet < QUIET:
            raise NotSeen("still-running")
        return Reason("bounded", {"cancels": len(cancels)})
    if standing.status in ("closed", "failed"):
        raise Wrong("closed-without-proof", standing, status=standing.status)
    if not handed_over:
        raise Wrong("nobody-called", cancels[-1], standing)
    if not standing.answered.get("alarm"):
        raise Wrong("no-alarm", cancels[-1], standing)
    return Reason("person-called", {"cancels": len(cancels)})


def v10(timeline: Timeline) -> Reason:
    """cancel retry_flag=N"""
    order = first([o for o in timeline.orders() if any(_is_no(call) for call in o.of("cancel"))])
    no = next(call for call in order.of("cancel") if _is_no(call))
    if after := [call for call in order.of("cancel") if call in timeline.after(no)]:
        raise Wrong("cancel-after-no", no, *after, times=len(after))
    if order.standing is not None and order.standing.status in ("closed", "failed") and not _is_closed(order):
        raise Wrong("closed-without-proof", no, order.standing, status=order.standing.status)
    return Reason("took-no")


def v11(timeline: Timeline) -> Reason:
    """refund timeout"""
    lost = [call for call in timeline.of("refund") if call.planned.startswith("silence")]
    if not lost:
        raise NotSeen
    return Reason("refund-repeated", {"times": repeated_refund(timeline, lost[0])})


def v12(timeline: Timeline) -> Reason:
    """bad response signature"""
    orders = [o for o in timeline.orders() if any(not call.is_believable for call in (o.opening, *o.later))]
    first(orders)
    for order in orders:
        _asks_after_forgery(order)
    return Reason("asked-again")


def _asks_after_forgery(order: Order) -> None:
    """Raises `Wrong` unless something genuine was heard before a forged answer's word was taken."""
    forged = [call for call in (order.opening, *order.later) if not call.is_believable]
    for call in forged:
        if call.kind == "cancel" and not [each for each in order.timeline.after(call) if each.kind == "cancel"]:
            if not is_over(order):
                raise NotSeen("still-running")
            raise Wrong("believed-forgery", call, *order.standings[-1:])
    if order.opening.is_believable:
        return
    heard = [each.at for each in order.timeline.notices if each.number == order.number and each.status == 200]
    known = min([*heard, *([order.paid_at.at] if order.paid_at else [])], default=None)
    for standing in order.standings:
        if standing.status == "paid" and (known is None or standing.at < known):
            raise Wrong("believed-forgery", forged[-1], standing)
    if known is None:
        if not is_over(order):
            raise NotSeen("still-running")
        asked = [call for call in order.later if call.kind in ("pay", "query", "cancel")]
        raise Wrong("believed-forgery" if asked else "never-asked", forged[-1])
    ends_paid(order)


def v13(timeline: Timeline) -> Reason:
    """notification twice, out of order, bad signature, wrong amount"""
    if not [each for each in timeline.notices if each.kind in ("first", "again")]:
        raise NotSeen
    acknowledged(timeline)
    for kind, key in (("wrong amount", "accepted-wrong-amount"), ("spoiled", "accepted-forgery")):
        for notice in timeline.notices:
            if notice.kind == kind:
                believed = _believed(timeline, notice)
                if notice.is_accepted or believed:
                    raise Wrong(key, notice, *believed[:1])
    if not timeline.driven:
        return Reason("notices-seen", {"times": len(timeline.notices)})
    for order in timeline.orders():
        if any(each.kind == "first" and each.number == order.number for each in timeline.notices):
            booked_once(order)
    return Reason("notices-right")


def _believed(timeline: Timeline, notice: Notice) -> list[Told]:
    """The first word about the order behind a notification, if it says that it is paid."""
    behind = itertools.dropwhile(lambda event: event is not notice, timeline.events)
    said = [event for event in behind if isinstance(event, Told) and event.number == notice.number]
    return [each for each in said[:1] if each.status == "paid"]


def v14(timeline: Timeline) -> Reason:
    """business error"""
    order = first([o for o in barcode(timeline) if o.opening.result == "FAILED"])
    return Reason("plain-words", {"words": plain_words(order)})


# --- shared with the solutions' cases -------------------------------------------------------------------------------


def repeated_cancels(order: Order) -> int:
    """How many identical cancels it took. Raises `Wrong` when it was given up or goes on after SUCCESS."""
    cancels = order.of("cancel")
    same_again(*cancels)
    done = [call for call in cancels if call.result == "SUCCESS"]
    if not done:
        if not is_over(order):
            raise NotSeen("still-running")
        raise Wrong("cancel-given-up", *cancels, cancels=len(cancels))
    if cancels[-1] is not done[0]:
        raise Wrong("cancel-after-success", done[0], cancels[-1])
    ends_closed(order)
    return len(cancels)


def repeated_refund(timeline: Timeline, lost: Call) -> int:
    """How often a refund was sent until SUCCESS. Raises `Wrong` for another number or when it was given up."""
    after = [call for call in timeline.after(lost) if call.kind == "refund" and call.number == lost.number]
    mine = lost.asked.get("partner_refund_id")
    for call in after:
        if call.asked.get("partner_refund_id") != mine and call.asked["refund_amount"] == lost.asked["refund_amount"]:
            raise Wrong("new-refund-number", lost, call, number=call.asked.get("partner_refund_id", ""))
    again = [call for call in after if call.asked.get("partner_refund_id") == mine]
    if not again:
        raise Wrong("refund-given-up", lost)
    same_again(lost, *again)
    if again[-1].is_unclear and not timeline.driven:
        raise NotSeen("still-running")
    if again[-1].result != "SUCCESS":
        raise Wrong("refund-not-done", again[-1], answer=again[-1].result)
    return len([call for call in timeline.of("refund", lost.number) if call.asked.get("partner_refund_id") == mine])


def acknowledged(timeline: Timeline) -> None:
    """Raises `Wrong` if a true notification was not answered with success."""
    for notice in timeline.notices:
        if notice.kind in ("first", "again", "older") and not notice.is_accepted:
            if notice.answer.startswith("[ClientConnector"):
                raise Wrong("nobody-listens", notice)
            raise Wrong("not-acknowledged", notice, answer=notice.answer[:40] or "nothing")


def booked_once(order: Order) -> None:
    """Raises `Wrong` unless a paid order is still paid, and booked once."""
    standing = order.standing
    if standing is None:
        return
    if standing.status != "paid":
        raise Wrong("went-back", standing, status=standing.status)
    if standing.answered.get("receipts", 1) != 1:
        raise Wrong("booked-twice", standing, count=standing.answered["receipts"])


def plain_words(order: Order) -> str:
    """What the cashier reads. Raises `Wrong` for nothing, for technical words and for a receipt."""
    if not order.timeline.driven:
        raise NotSeen("only-driven")
    no_receipt(order)
    words = next((str(said.answered["message"]) for said in order.standings if said.answered.get("message")), "")
    if not words.strip():
        raise Wrong("no-words", order.opening)
    if _SHOUTED.search(words) or (order.opening.code and order.opening.code in words):
        raise Wrong("technical-words", order.opening, words=words)
    return words


def _is_unknown(order: Order) -> bool:
    planned = [call.planned for call in (order.opening, *order.later)]
    return order.opening.result == "UNKNOWN" and not any(each and each != "unknown" for each in planned)


def _cancelled_by_hand(order: Order) -> bool:
    cancels = order.of("cancel")
    return bool(cancels) and order.seconds(cancels[0]) < EARLIEST_GIVING_UP


def _failing(order: Order) -> int:
    """How many cancels met a planned system error before anything else was said."""
    count = 0
    for call in order.of("cancel"):
        if call.result != "SYSTEM_ERROR":
            break
        count += 1
    return count


def _is_no(call: Call) -> bool:
    return call.result == "FAIL" and call.fields.get("retry_flag") == "N"


def _is_closed(order: Order) -> bool:
    return any(call.status == "TRADE_CLOSED" for call in order.of("query"))


def _paid_unheard(timeline: Timeline, planned: str) -> Reason:
    order = first([o for o in barcode(timeline) if o.opening.planned == planned])
    one_number(timeline, order)
    same_again(order.opening, *(call for call in order.later if call.kind == "pay"))
    if not [call for call in order.later if call.kind in ("pay", "query", "cancel")]:
        if not is_over(order):
            raise NotSeen("still-running")
        raise Wrong("never-asked", order.opening)
    ends_paid(order)
    return Reason("found-paid")


#: Every case of the wire, by its id.
WIRE: Final[dict[str, Callable[[Timeline], Reason]]] = {
    "V1": v1, "V2": v2, "V3": v3, "V4": v4, "V5": v5, "V6": v6, "V7": v7,
    "V8": v8, "V9": v9, "V10": v10, "V11": v11, "V12": v12, "V13": v13, "V14": v14,
}  # fmt: skip
