"""When to ask, when to stop: each policy is one frozen value, and time is an argument.

The gaps are measured from the last answer; jitter only makes a gap shorter, so a thousand tills do not ask in step.
Published numbers: https://docs.antom.com/ac/globalbarcode/practice, https://docs.antom.com/ac/fastfood/fastfoodintegration,
https://docs.antom.com/ac/tickets/ticketintegration"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from saoma.kit.clock import BEIJING, beijing
from saoma.kit.errors import Invalid


def _seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How one kind of payment is followed. `gap_later` replaces `gap` once `later_after` has passed.

    With jitter a gap is up to `spread` shorter. `ask_again` demands a query also after a clear answer."""

    first_query: timedelta
    gap: timedelta
    spread: timedelta
    gap_later: timedelta
    later_after: timedelta
    give_up_after: timedelta
    ask_again: bool = False


POLICIES: Final[dict[str, Patience]] = {
    "fast_food": Patience(
        first_query=_seconds(5),
        gap=_seconds(5),
        spread=_seconds(0.5),
        gap_later=_seconds(5),
        later_after=_seconds(60),
        give_up_after=_seconds(60),
    ),
    "ticket": Patience(
        first_query=_seconds(4),
        gap=_seconds(4),
        spread=_seconds(1),
        gap_later=_seconds(4),
        later_after=_seconds(60),
        give_up_after=_seconds(60),
        ask_again=True,
    ),
    "barcode": Patience(
        first_query=_seconds(5),
        gap=_seconds(3.4),
        spread=_seconds(0.4),
        gap_later=_seconds(3.4),
        later_after=_seconds(60),
        give_up_after=_seconds(60),
    ),
    "wallet_page": Patience(
        first_query=_seconds(5),
        gap=_seconds(5),
        spread=_seconds(0.5),
        gap_later=_seconds(15),
        later_after=_seconds(60),
        give_up_after=_seconds(300),
    ),
    "order_code": Patience(
        first_query=_seconds(5),
        gap=_seconds(5),
        spread=_seconds(0.5),
        gap_later=_seconds(15),
        later_after=_seconds(60),
        give_up_after=_seconds(300),
    ),
    # Asks as a restaurant's till does, with a shorter end: whoever practises waits for it, a customer does not.
    "practice": Patience(
        first_query=_seconds(5),
        gap=_seconds(3.4),
        spread=_seconds(0.4),
        gap_later=_seconds(3.4),
        later_after=_seconds(20),
        give_up_after=_seconds(20),
    ),
    # What staff recorded, and what a printed code brought, is final when it is written: nobody is asked.
    "at_once": Patience(
        first_query=_seconds(5),
        gap=_seconds(5),
        spread=_seconds(0.5),
        gap_later=_seconds(5),
        later_after=_seconds(60),
        give_up_after=_seconds(60),
    ),
}


def patience(policy: str) -> Patience:
    """The policy of that name. Raises `Invalid` for a name that is not in the table."""
    try:
        return POLICIES[policy]
    except KeyError:
        raise Invalid(f"{policy!r} is not a patience policy; use one of {', '.join(POLICIES)}") from None


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No more looks: the time for this has run out."""


def _shorter(gap: timedelta, spread: timedelta, jitter: float) -> timedelta:
    return gap - spread * min(max(jitter, 0.0), 1.0)


def next_look(policy: Patience, opened_at: datetime, now: datetime, tries: int, jitter: float) -> datetime | GiveUp:
    """When to query next. `tries` looks were made so far; `jitter` is between 0 and 1.

    The last look is never later than the deadline, so that giving up is not late either."""
    deadline = opened_at + policy.give_up_after
    if now >= deadline:
        return GiveUp()
    if tries == 0:
        first = opened_at + _shorter(policy.first_query, policy.spread, jitter)
        if first > now:
            return min(first, deadline)
    gap = policy.gap if now - opened_at < policy.later_after else policy.gap_later
    return min(now + _shorter(gap, policy.spread, jitter), deadline)


#: A cancel is repeated unchanged this often before a person is called: about half an hour.
CANCEL_ATTEMPTS: Final = 20
_CANCEL_FIRST_GAP: Final = _seconds(2)
_CANCEL_LONGEST_GAP: Final = _seconds(120)


def _growing(first: timedelta, longest: timedelta, tries: int, jitter: float) -> timedelta:
    gap = min(first * 2 ** min(max(tries, 0), 16), longest)
    return _shorter(gap, gap * 0.1, jitter)


def next_cancel(now: datetime, tries: int, jitter: float) -> datetime | GiveUp:
    """When to repeat a cancel that was answered unclearly `tries` times before this once."""
    if tries + 1 >= CANCEL_ATTEMPTS:
        return GiveUp()
    return now + _growing(_CANCEL_FIRST_GAP, _CANCEL_LONGEST_GAP, tries, jitter)


def cancel_window_ends(created_at: datetime) -> datetime:
    """Until when the provider cancels a payment of this moment: 00:15 Beijing time of the next day.

    https://docs.antom.com/ac/global/acquire_cancel"""
    next_day = beijing(created_at).date() + timedelta(days=1)
    return datetime.combine(next_day, time(0, 15), BEIJING)


#: A refund is repeated with the same number for a day and a half: past a night's pause and a day's lack of funds.
REFUND_GIVES_UP_AFTER: Final = timedelta(hours=36)
_REFUND_FIRST_GAP: Final = _seconds(3)
_REFUND_LONGEST_GAP: Final = timedelta(minutes=15)


def next_refund(requested_at: datetime, now: datetime, tries: int, jitter: float) -> datetime | GiveUp:
    """When to repeat a refund that is still unclear.

    Refunds at once pause from 00:00 to 01:30 Beijing time; that only looks unclear and is outlasted:
    https://docs.antom.com/ac/global/spot_refund_cn"""
    if now >= requested_at + REFUND_GIVES_UP_AFTER:
        return GiveUp()
    return now + _growing(_REFUND_FIRST_GAP, _REFUND_LONGEST_GAP, tries, jitter)
