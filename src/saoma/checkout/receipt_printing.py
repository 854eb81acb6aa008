"""The facts of a receipt, and printing it without anybody asking: where a customer stands alone.

Printing by itself happens once: what is on paper already is not printed again, however often a page is opened."""

from __future__ import annotations

from saoma.checkout import copies
from saoma.checkout.checkout import Checkout
from saoma.checkout.paper_escpos import Letters, escpos
from saoma.checkout.printing import OutOfReach, printer_of, send
from saoma.checkout.receipt_paper import Facts, receipt_paper
from saoma.checkout.showing import masked
from saoma.gateway import BY_STAFF
from saoma.identity import model
from saoma.payments import by_staff
from saoma.payments.lifecycle import Status
from saoma.payments.model import Payment


async def facts_of(checkout: Checkout, payment: Payment, lang: str, share: str = "") -> Facts:
    """All that the receipt of a payment says; `share` is the address of the customer's own page."""
    async with checkout.db.reading() as rows:
        merchant = await model.merchant(rows, payment.merchant_id)
        store = await model.store(rows, payment.store_id)
        taken = await by_staff.taken(rows, payment.id) if payment.method in BY_STAFF else None
    return Facts(
        merchant=merchant,
        store=store,
        payment=payment,
        lines=await checkout.lines(payment),
        refunds=tuple(await checkout.refunds(payment.id)),
        taken=taken,
        buyer=masked(payment.buyer_login, payment.buyer_id),
        share=share,
        lang=lang,
    )


async def print_once(
    checkout: Checkout,
    payment: Payment,
    terminal_id: str,
    lang: str,
    by: str,
    *,
    share: str = "",
    loopback: bool = False,
) -> bool:
    """Print the original at this device's printer; whether it comes out there (now or before).

    False where there is no printer, or it is out of reach: then the next try is the original still."""
    if payment.status is not Status.SUCCEEDED:
        return False
    async with checkout.db.transaction() as tx:
        printer = await printer_of(tx, payment.store_id, terminal_id)
        if printer is None:
            return False
        if await copies.printed(tx, payment.id):
            return True
        copy = await copies.count(tx, payment.id, by, "printer", checkout.clock.now())
        if copy:
            await copies.take_back(tx, payment.id, copy)
            return True
    facts = await facts_of(checkout, payment, "en" if printer.printer.letters is Letters.WESTERN else lang, share)
    try:
        # Nobody's drawer opens for what customers pay by themselves.
        await send(printer.address, escpos(receipt_paper(facts), printer.printer, drawer=False), loopback=loopback)
    except OutOfReach:
        async with checkout.db.transaction() as tx:
            await copies.take_back(tx, payment.id, copy)
        return False
    return True
