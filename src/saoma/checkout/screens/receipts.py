"""Receipts: for the payer, the merchant's staff, and whoever was shown the code on the till.

The code carries a signature: a payment's id alone opens nothing. What staff put on paper is counted, what a customer
keeps is not: only a second original on paper could be shown twice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.checkout import copies
from saoma.checkout.checkout import Checkout
from saoma.checkout.paper import Paper, kind_of
from saoma.checkout.paper_escpos import Letters, escpos
from saoma.checkout.paper_pdf import pdf
from saoma.checkout.paper_ways import NO_PRINTER, file_of, way_in
from saoma.checkout.printing import KnownPrinter, OutOfReach, printer_of, send
from saoma.checkout.receipt import PURPOSE, receipt_path
from saoma.checkout.receipt_paper import Facts, receipt_paper, refund_paper
from saoma.checkout.receipt_printing import facts_of
from saoma.identity.guards import May, needs, signed_in, staff_of, terminal_at
from saoma.identity.model import Staff
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.errors import NOTHING_HERE, Invalid, NotFound, Refused
from saoma.kit.seal import Seal
from saoma.payments.lifecycle import Status
from saoma.payments.model import Payment, Refund
from saoma.settings import Settings
from saoma.web.page import language_of, page

AnyRequest = Request[Any, Any, Any]

#: What a payment that is no receipt yet says at the top of its page.
_STATES: Final = {
    Status.CREATED: "Not paid yet",
    Status.PENDING: "Not paid yet",
    Status.CANCELLING: "Being cancelled",
    Status.CANCELLED: "Cancelled. No money was kept.",
    Status.FAILED: "Not paid",
    Status.NEEDS_ATTENTION: "A person is looking at this payment",
    Status.SUCCEEDED: "Paid",
}

NOT_PAID: Final = "There is no receipt for this payment."

_NO_CACHE: Final = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """One receipt that somebody may see: its facts, the refund it is about (if any), and the staff who look."""

    facts: Facts
    refund: Refund | None
    staff: Staff | None

    @property
    def subject_id(self) -> str:
        """Whose copies are counted."""
        return self.refund.id if self.refund is not None else self.facts.payment.id

    def paper(self, copy: int, lang: str = "") -> Paper:
        """It, as which copy."""
        facts = replace(self.facts, copy=copy, lang=lang or self.facts.lang)
        return refund_paper(facts, self.refund) if self.refund is not None else receipt_paper(facts)


async def _wanted(
    request: AnyRequest,
    db: Database,
    checkout: Checkout,
    seal: Seal,
    settings: Settings,
    payment_id: str,
    refund_id: str,
) -> Wanted:
    """The receipt that is asked for, by whoever may see it. Raises `NotFound` for everybody else."""
    staff = await signed_in(request, db)
    key = request.query_params.get("k", "")
    if key and seal.unsign(PURPOSE, key) == payment_id:
        payment = await checkout.payments.get(payment_id)
        staff = None
        if payment.status is not Status.SUCCEEDED:
            raise NotFound(NOT_PAID)
    else:
        payment = await checkout.for_either(payment_id, request.session, staff)
    return await _facts(request, checkout, seal, settings, payment, staff, refund_id)


async def _facts(
    request: AnyRequest,
    checkout: Checkout,
    seal: Seal,
    settings: Settings,
    payment: Payment,
    staff: Staff | None,
    refund_id: str,
) -> Wanted:
    paid = payment.status is Status.SUCCEEDED
    share = settings.public_url.rstrip("/") + receipt_path(seal, payment.id) if staff is not None and paid else ""
    facts = await facts_of(checkout, payment, language_of(request), share)
    refund = next((one for one in facts.refunds if one.id == refund_id), None)
    if refund_id and refund is None:
        raise NotFound(NOTHING_HERE)
    return Wanted(facts, refund, staff)


async def _show(
    request: AnyRequest, db: Database, wanted: Wanted, refusal: Refused | None = None, *, sent: bool = False
) -> Response[Any]:
    payment = wanted.facts.payment
    printer: KnownPrinter | None = None
    copy = 0
    if wanted.staff is not None:
        async with db.reading() as rows:
            copy = await copies.printed(rows, wanted.subject_id)
            here = await terminal_at(request, rows, payment.store_id)
            printer = await printer_of(rows, payment.store_id, here)
    # The customer's own page names the refund; the key in its address goes along to what it links to.
    key = request.query_params.get("k", "")
    return page(
        request,
        "checkout/receipt.html",
        status_code=refusal.status if refusal is not None else 200,
        headers=_NO_CACHE,
        paper=wanted.paper(copy),
        kind_of=kind_of,
        payment=payment,
        refund=wanted.refund,
        refunds=wanted.facts.refunds,
        staff=wanted.staff,
        printer=printer,
        refusal=refusal,
        sent=sent,
        key=key,
        back=wanted.facts.lines.back,
        state_words=_STATES[payment.status],
        zone=wanted.facts.store.zone,
    )


@get("/receipt/{payment_id:str}", summary="A receipt")
async def show_receipt(
    request: AnyRequest,
    db: NamedDependency[Database],
    checkout: NamedDependency[Checkout],
    seal: NamedDependency[Seal],
    settings: NamedDependency[Settings],
    payment_id: FromPath[str],
) -> Response[Any]:
    """One payment's receipt, with what was given back since; with `?refund=`, that refund's own."""
    refund_id = request.query_params.get("refund", "")
    wanted = await _wanted(request, db, checkout, seal, settings, payment_id, refund_id)
    return await _show(request, db, wanted, sent=request.query_params.get("sent") == "1")


@get("/receipt/{payment_id:str}/pdf", summary="A receipt to keep, as PDF")
async def keep_receipt(
    request: AnyRequest,
    db: NamedDependency[Database],
    checkout: NamedDependency[Checkout],
    seal: NamedDependency[Seal],
    settings: NamedDependency[Settings],
    payment_id: FromPath[str],
) -> Response[Any]:
    """The customer's own PDF. To staff it says that it is a copy where the paper exists already."""
    refund_id = request.query_params.get("refund", "")
    wanted = await _wanted(request, db, checkout, seal, settings, payment_id, refund_id)
    if wanted.facts.payment.status is not Status.SUCCEEDED:
        raise NotFound(NOT_PAID)
    copy = 0
    if wanted.staff is not None:
        async with db.reading() as rows:
            copy = await copies.printed(rows, wanted.subject_id)
    paper = wanted.paper(copy)
    return file_of(pdf(paper), "application/pdf", f"{_name(wanted)}.pdf", _NO_CACHE)


@post(
    "/receipt/{payment_id:str}/paper",
    guards=[needs(May.SEE_PAYMENTS)],
    status_code=200,
    summary="Put a receipt on paper",
)
async def put_on_paper(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    checkout: NamedDependency[Checkout],
    seal: NamedDependency[Seal],
    settings: NamedDependency[Settings],
    payment_id: FromPath[str],
) -> Response[Any]:
    """Send it to this device's printer, or hand out the file for one; the first is the original, the rest are copies.

    A printer out of reach is a sentence on the receipt, which stays as it was."""
    form = await request.form()
    staff = staff_of(request)
    payment = await checkout.for_staff(payment_id, staff)
    wanted = await _facts(request, checkout, seal, settings, payment, staff, str(form.get("refund", "")))
    if payment.status is not Status.SUCCEEDED:
        raise NotFound(NOT_PAID)
    way = way_in(form)
    async with db.transaction() as tx:
        here = await terminal_at(request, tx, payment.store_id)
        printer = await printer_of(tx, payment.store_id, here)
        if way.how == "printer" and printer is None:
            return await _show(request, db, wanted, Invalid(NO_PRINTER))
        copy = await copies.count(tx, wanted.subject_id, staff.id, way.how, clock.now())
    if (file := way.file(wanted.paper(copy), _name(wanted), _NO_CACHE)) is not None:
        return file
    if way.how == "printer" and printer is not None:
        try:
            await send(printer.address, _for(printer, wanted, copy), loopback=settings.loopback_printers)
        except OutOfReach as refusal:
            async with db.transaction() as tx:
                await copies.take_back(tx, wanted.subject_id, copy)
            return await _show(request, db, wanted, refusal)
    if way.how == "browser":
        return Response(None, status_code=204)
    after = f"/receipt/{payment_id}?sent=1" + (f"&refund={wanted.refund.id}" if wanted.refund else "")
    return Redirect(after, status_code=HTTP_303_SEE_OTHER)


def _for(printer: KnownPrinter, wanted: Wanted, copy: int) -> bytes:
    """The receipt for this printer: in English where it has no Chinese letters, and no pulse where no drawer hangs."""
    paper = wanted.paper(copy, "en" if printer.printer.letters is Letters.WESTERN else "")
    return escpos(paper, printer.printer, drawer=paper.drawer and printer.has_drawer)


def _name(wanted: Wanted) -> str:
    refund, payment = wanted.refund, wanted.facts.payment
    return f"refund-{refund.refund_number}" if refund is not None else f"receipt-{payment.order_number}"


router = Router("/", route_handlers=[show_receipt, keep_receipt, put_on_paper])
