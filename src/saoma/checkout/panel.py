"""What a till shows while and after a payment runs: which pane, which sentence, how long until something happens.

Include `checkout/payment_panel.html` with `payment`, `panel` and `done`, or fetch `/till-payments/{id}?done=/till`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from saoma.checkout.showing import Till, till_shows
from saoma.gateway import Gateway
from saoma.payments.lifecycle import Status
from saoma.payments.model import Payment


@dataclass(frozen=True, slots=True)
class Panel:
    """One pane. `sentence` is the cashier's, in their language, empty where the pane's own words say it all.

    `ask_at` is when Alipay is asked next; the seconds say how long the rings of the countdowns last."""

    shows: Till
    sentence: str
    ask_at: datetime | None
    gap_seconds: int
    patience_seconds: int


def panel_of(payment: Payment, gateway: Gateway | None, lang: str, now: datetime) -> Panel:
    """The pane for a payment as it stands."""
    shows = till_shows(payment.status)
    sentence = ""
    if gateway is not None and payment.code and payment.status in (Status.PENDING, Status.FAILED):
        said = gateway.say(payment.code)
        # The pane says in letters of its own whether goods may leave the counter: once is enough.
        sentence = (said.short or said.cashier).get(lang, "")
    waiting = shows in (Till.WAITING, Till.STOPPING)
    ask_at = payment.due_at if waiting and payment.due_at is not None and payment.due_at > now else None
    return Panel(
        shows=shows,
        sentence=sentence,
        ask_at=ask_at,
        gap_seconds=max(1, round(payment.patience.gap.total_seconds())),
        patience_seconds=max(1, round((payment.give_up_at - payment.created_at).total_seconds())),
    )


def customer_sentence(payment: Payment, gateway: Gateway | None, lang: str) -> str:
    """Why a payment was declined, in the customer's words; empty when it was not declined."""
    if gateway is None or not payment.code or payment.status is not Status.FAILED:
        return ""
    return gateway.say(payment.code).customer.get(lang, "")
