"""What a till's form says of money to give back, and asking for it: the same for a table's bill and a counter's order.

What was typed is kept with a refusal, so that nothing is lost; a second press of the same wish is the same refund."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from saoma.checkout.checkout import Checkout, fresh_key
from saoma.identity import audit
from saoma.identity.model import Staff
from saoma.kit.errors import Invalid
from saoma.kit.money import Money, total
from saoma.payments.lifecycle import RefundStatus
from saoma.payments.model import Payment, Refund

GIVE_A_REASON: Final = "Write why the money is given back; it is kept with the payment."
TOO_MUCH_BACK: Final = "That is more than what is left of this payment."
ALREADY_BACK: Final = "This dish was given back already. Look at the payment again."


@dataclass(frozen=True, slots=True)
class RefundDraft:
    """What somebody typed into the refund dialog of a payment."""

    payment_id: str
    lines: frozenset[str]
    typed: str
    reason: str
    #: Whether the kitchen is told not to make it.
    stop: bool = False


def draft_of(form: Any, payment_id: str) -> RefundDraft:
    """The draft that a form sends."""
    return RefundDraft(
        payment_id=payment_id,
        lines=frozenset(str(line) for line in form.getall("line", [])),
        typed=str(form.get("typed", "")).strip()[:32],
        reason=" ".join(str(form.get("reason", "")).split())[:128],
        stop=bool(form.get("stop")),
    )


def refund_amount(payment: Payment, chosen: Sequence[tuple[str, Money]], typed: str) -> Money:
    """How much goes back: the typed amount, the sum of the ticked dishes, or all that is left of the payment.

    Raises `Invalid` for more than is left of it."""
    left = payment.money_refundable
    if typed:
        amount = Money.parse(typed, payment.currency)
    elif chosen:
        amount = min(total((money for _, money in chosen), payment.currency), left)
    else:
        amount = left
    if amount.minor <= 0 or amount > left:
        raise Invalid(TOO_MUCH_BACK)
    return amount


def given_back(refunds: Sequence[Refund]) -> frozenset[str]:
    """The dishes whose money went back, goes back, or waits for a second person."""
    return frozenset(line for one in refunds if one.status is not RefundStatus.FAILED for line in one.lines)


async def ask(
    checkout: Checkout,
    staff: Staff,
    payment: Payment,
    draft: RefundDraft,
    chosen: Sequence[tuple[str, Money]],
    key: str,
    terminal_id: str | None,
) -> Refund:
    """Give back what the draft says, or ask for it where a second person must agree. Audited.

    Raises `Invalid` without a reason or for too much, `Conflict` for a dish that was given back already, and as
    `Checkout.give_back` does."""
    if not draft.reason:
        raise Invalid(GIVE_A_REASON)
    lines = sorted(line for line, _ in chosen)
    every = await checkout.payments.refunds_of(payment.id)
    if lines and not draft.typed:
        # The dishes themselves are the key: two people who give the same ones back do it once.
        failed = sum(one.status is RefundStatus.FAILED for one in every)
        key = fresh_key(payment.id, "dishes", str(failed), *lines)
        if any(sorted(one.lines) == lines and one.status is not RefundStatus.FAILED for one in every):
            return next(one for one in every if sorted(one.lines) == lines and one.status is not RefundStatus.FAILED)
    if given_back(every) & set(lines):
        raise Invalid(ALREADY_BACK)
    amount = refund_amount(payment, chosen, draft.typed)
    async with checkout.db.transaction() as tx:
        await audit.note(
            tx,
            checkout.clock,
            who=staff.id,
            what="asked_refund",
            subject=payment.id,
            merchant_id=payment.merchant_id,
            detail={"amount": str(amount), "reason": draft.reason},
        )
    return await checkout.give_back(payment, amount, draft.reason, staff, key, lines, terminal_id)
