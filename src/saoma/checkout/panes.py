"""What every screen of staff knows of one payment: the till's, the counter's, the tablet's, the orders ahead's.

A screen includes `checkout/payment_pane.html`, and says itself where its `done` leads."""

from __future__ import annotations

from typing import Any, Final

from litestar import Request

from saoma.checkout.checkout import Checkout
from saoma.checkout.panel import panel_of
from saoma.gateway import BY_STAFF
from saoma.payments import by_staff
from saoma.payments.model import Payment
from saoma.web.page import language_of

#: What staff are told once the money is here: it goes over the counter at once, lies ready, or is cooked first.
THEN: Final = {
    "goods": "You may hand over the goods",
    "order": "Hand over the order",
    "kitchen": "The kitchen has the order",
}


async def pane_of(
    request: Request[Any, Any, Any], checkout: Checkout, payment: Payment, then: str = "goods"
) -> dict[str, Any]:
    """The payment, how it stands in the reader's words, and what staff `taken` by hand wrote down with it.

    `then` is one of `THEN`; what a page may have made up is the goods."""
    then = then if then in THEN else "goods"
    written_down = None
    if payment.method in BY_STAFF:
        async with checkout.db.reading() as rows:
            written_down = await by_staff.taken(rows, payment.id)
    gateway = checkout.payments.gateways.get(payment.account_id)
    return {
        "payment": payment,
        "taken": written_down,
        "then": then,
        "hand_over": THEN[then],
        "panel": panel_of(payment, gateway, language_of(request), checkout.clock.now()),
    }
