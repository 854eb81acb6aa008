"""Beginning a payment: a row before it is a request.

One transaction commits the row, the payable's hold and the lease of the process that will send it; the same key with
the same content finds the first row again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Final

import msgspec

from saoma.gateway import BY_STAFF, Method, SecondaryMerchant
from saoma.kit.db import Transaction, json_column
from saoma.kit.errors import Conflict, Invalid
from saoma.kit.ids import new_id
from saoma.payments.happenings import Sending, understand
from saoma.payments.lifecycle import Status
from saoma.payments.model import PAYMENT_COLUMNS, NewPayment, Payment
from saoma.payments.patience import patience
from saoma.payments.payable import Payable
from saoma.payments.record import TELL, Hall, news, topics_of
from saoma.payments.settling import settle

_SHOP_FIELDS = tuple(field.name for field in fields(SecondaryMerchant))
_INSERTED = (*Payment.__struct_fields__, "payment_code", "key", "fingerprint")
_INSERT = f"""
WITH born AS (
    INSERT INTO payments ({", ".join(_INSERTED)}) VALUES ({", ".join(f"%({name})s" for name in _INSERTED)})
    ON CONFLICT (merchant_id, key) DO NOTHING RETURNING id
), {TELL.format(source="born")}
INSERT INTO payment_events (payment_id, at, door, event, status_before, status_after, said_by)
SELECT id, %(created_at)s, 'start', %(event)s, 'created', %(status)s, %(opened_by)s FROM born
"""  # noqa: S608
_OF_KEY = f"""
SELECT {PAYMENT_COLUMNS}, fingerprint FROM payments WHERE merchant_id = %(merchant_id)s AND key = %(key)s
"""  # noqa: S608

#: Payments that somebody begins and that are then followed.
FOLLOWED: Final = frozenset({Method.BARCODE, Method.WALLET_PAGE, Method.ORDER_CODE})


class _Keyed(Payment, frozen=True, kw_only=True):
    fingerprint: str


def check(new: NewPayment, payables: Mapping[str, Payable], methods: frozenset[Method] = FOLLOWED) -> None:
    """Raises `Invalid` for a wish that can't become a payment by one of `methods`, in words that say what to do."""
    patience(new.policy)
    if new.method not in methods:
        raise Invalid("This way of paying is not begun like this.")
    if new.amount.minor <= 0:
        raise Invalid("There is nothing to pay: the amount must be above zero.")
    if not new.subject.strip():
        raise Invalid("Say what is being paid: the customer reads it in the wallet.")
    if new.payable_kind not in payables:
        raise Invalid(f"Nobody here can be paid for {new.payable_kind!r}; use one of {', '.join(payables)}.")
    if new.method is Method.BARCODE:
        code = new.payment_code
        if not (code.isascii() and code.isdecimal() and 16 <= len(code) <= 24):
            raise Invalid("A payment code has 16 to 24 digits. Ask the customer to refresh it and scan again.")
    elif new.method is Method.WALLET_PAGE and not new.buyer_id:
        raise Invalid("The customer is not known yet: open this page inside the wallet.")


def first_row(hall: Hall, new: NewPayment) -> Payment:
    """The payment of a wish before anything has happened to it."""
    payment_id = new_id("pay")
    now = hall.clock.now()
    return Payment(
        id=payment_id,
        merchant_id=new.merchant_id,
        store_id=new.store_id,
        terminal_id=new.terminal_id,
        account_id=new.account_id,
        order_number=f"SM{payment_id.removeprefix('pay_').upper()}",
        method=new.method,
        status=Status.CREATED,
        amount=new.amount.minor,
        currency=new.amount.currency,
        subject=new.subject,
        payable_kind=new.payable_kind,
        payable_id=new.payable_id,
        part=dict(new.part),
        policy=new.policy,
        shop={name: getattr(new.shop, name) for name in _SHOP_FIELDS},
        buyer_id=new.buyer_id,
        buyer_login="",
        opened_by=new.by,
        version=0,
        trade_number="",
        qr_code="",
        code="",
        refunded=0,
        refund_reserved=0,
        gave_back=False,
        trade_closed=False,
        booked=False,
        payable_state="held",
        sends=0,
        sending_until=None,
        created_at=now,
        opened_at=None,
        looked_at=None,
        give_up_at=now + patience(new.policy).give_up_after,
        due_at=now,
        tries=0,
        paid_at=None,
        final_at=None,
    )


async def insert(hall: Hall, tx: Transaction, new: NewPayment, *, send_now: bool) -> tuple[Payment, bool]:
    """Write the row and let its payable hold its part; whether it is new comes second.

    With `send_now` the row is committed as sent, and the caller must send it. Raises `Invalid`; `Conflict` for a known
    key with other content, or from the payable when the bill would be overpaid."""
    check(new, hall.payables)
    payment = first_row(hall, new)
    event = "created"
    if send_now:
        payment = settle(payment, understand(payment, Sending()), payment.created_at, hall.jitter()).payment
        event = "submitted"
    return await write_first(hall, tx, new, payment, event)


async def recorded(hall: Hall, tx: Transaction, new: NewPayment) -> tuple[Payment, bool]:
    """Write the row of money that staff have in their hands, for the caller to apply that; whether it is new is second.

    Raises `Invalid`, and `Conflict` as `insert` does."""
    check(new, hall.payables, BY_STAFF)
    return await write_first(hall, tx, new, first_row(hall, new), "created")


async def write_first(
    hall: Hall, tx: Transaction, new: NewPayment, payment: Payment, event: str
) -> tuple[Payment, bool]:
    """Write `payment` as the first row of `new` and let its payable hold its part, unless the key is known."""
    columns = msgspec.structs.asdict(payment)
    columns |= {"method": payment.method.value, "status": payment.status.value, "event": event}
    columns |= {"part": json_column(payment.part), "shop": json_column(payment.shop)}
    columns |= {"payment_code": new.payment_code, "key": new.key or payment.id, "fingerprint": new.fingerprint()}
    topics = topics_of(payment)
    if await tx.run(_INSERT, columns | news(payment, topics)) == 0:
        return await _first_of_key(tx, new), False
    await hall.payables[new.payable_kind].hold(tx, payment)
    tx.told = True
    return payment, True


async def _first_of_key(tx: Transaction, new: NewPayment) -> Payment:
    known = await tx.one(_Keyed, _OF_KEY, {"merchant_id": new.merchant_id, "key": new.key})
    if known.fingerprint != new.fingerprint():
        raise Conflict("This was already begun with another amount or content. Look at the bill and begin again.")
    return Payment(**{name: getattr(known, name) for name in Payment.__struct_fields__})
