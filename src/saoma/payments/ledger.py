"""The ledger: postings that are only ever added, and the sums over them.

A posting moves an amount from its source to its destination; a sale moves it from `sales` to `alipay_clearing`, so the
sum over all accounts is zero by construction and `sales` reads as money given. A refund is the sale turned round, with
`refunds` in the place of `sales`, so that both stay visible."""

from __future__ import annotations

from typing import Final

import msgspec

from saoma.gateway import Method
from saoma.kit.db import Rows, Transaction
from saoma.kit.money import Money
from saoma.payments.model import Payment, Refund

ALIPAY_CLEARING: Final = "alipay_clearing"
SALES: Final = "sales"
REFUNDS: Final = "refunds"
FEES: Final = "fees"
BANK: Final = "bank"
CASH_DRAWER: Final = "cash_drawer"
CARD_CLEARING: Final = "card_clearing"
SUSPENSE: Final = "suspense"
#: Where one currency goes in and another comes out.
EXCHANGE: Final = "exchange"

ACCOUNTS: Final = (ALIPAY_CLEARING, SALES, REFUNDS, FEES, BANK, CASH_DRAWER, CARD_CLEARING, SUSPENSE, EXCHANGE)

_WHERE_MONEY_LIES: Final = {
    Method.BARCODE: ALIPAY_CLEARING,
    Method.WALLET_PAGE: ALIPAY_CLEARING,
    Method.ORDER_CODE: ALIPAY_CLEARING,
    Method.MERCHANT_CODE: ALIPAY_CLEARING,
    Method.CASH: CASH_DRAWER,
    Method.CARD_TERMINAL: CARD_CLEARING,
    Method.ACCOUNT: SUSPENSE,
}


def clearing_account(method: Method) -> str:
    """The account in which money paid by `method` waits."""
    return _WHERE_MONEY_LIES[method]


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """One account of one merchant: what went in and out of it, in minor units. `balance` is in minus out."""

    merchant_id: str
    account: str
    currency: str
    money_in: int
    money_out: int

    @property
    def balance(self) -> Money:
        """In minus out: negative for `sales`, whose money comes from outside."""
        return Money(self.money_in - self.money_out, self.currency)


_BALANCES = """
SELECT merchant_id, account, currency, sum(money_in)::bigint AS money_in, sum(money_out)::bigint AS money_out FROM (
    SELECT merchant_id, destination AS account, currency, amount AS money_in, 0 AS money_out FROM postings
    UNION ALL
    SELECT merchant_id, source, currency, 0, amount FROM postings
) AS sides
WHERE %(merchant_id)s::text IS NULL OR merchant_id = %(merchant_id)s
GROUP BY merchant_id, account, currency ORDER BY merchant_id, account, currency
"""


async def balances(rows: Rows, merchant_id: str | None = None) -> list[Balance]:
    """Every account that ever moved, of one merchant or of all."""
    return await rows.rows(Balance, _BALANCES, {"merchant_id": merchant_id})


_POST_REFUND = """
INSERT INTO postings (at, kind, merchant_id, source, destination, amount, currency, payment_id, refund_id)
VALUES (%(at)s, 'refund', %(merchant_id)s, %(source)s, %(destination)s, %(amount)s, %(currency)s,
        %(payment_id)s, %(refund_id)s)
"""


async def post_refund(tx: Transaction, payment: Payment, refund: Refund) -> None:
    """Book money that went back. The book itself refuses a second posting for the same refund."""
    await tx.run(
        _POST_REFUND,
        {
            "at": refund.final_at,
            "merchant_id": payment.merchant_id,
            "source": clearing_account(payment.method),
            "destination": REFUNDS,
            "amount": refund.amount,
            "currency": refund.currency,
            "payment_id": payment.id,
            "refund_id": refund.id,
        },
    )
