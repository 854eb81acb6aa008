"""Notices: the provider's own messages, checked in every respect before they count for anything.

One short transaction and no network. What fails a check changes nothing, but it is kept: it will be somebody's case."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec
import structlog

from saoma.gateway import BadNotice, Closed, Gateway, Notice, Paid, RefundDeclined, Refunded, Trade
from saoma.kit.db import Transaction
from saoma.kit.telemetry import NOTICES
from saoma.payments.arrivals import Arrivals
from saoma.payments.attention import notice_refused
from saoma.payments.happenings import Door, Noticed, amount_fits
from saoma.payments.model import PAYMENT_COLUMNS, REFUND_COLUMNS, NoticeAnswer, Payment, Refund
from saoma.payments.record import RAW_LIMIT, Hall

log = structlog.get_logger(__name__)

_OF_ORDER = f"""
SELECT {PAYMENT_COLUMNS} FROM payments WHERE account_id = %(account_id)s AND order_number = %(order_number)s FOR UPDATE
"""  # noqa: S608
_OF_REFUND_NUMBER = f"""
SELECT {REFUND_COLUMNS} FROM refunds WHERE refund_number = %(number)s AND payment_id = %(payment_id)s FOR UPDATE
"""  # noqa: S608
_SEEN = """
INSERT INTO notices_seen (account_id, notice_id, payment_id, at)
VALUES (%(account_id)s, %(notice_id)s, %(payment_id)s, %(now)s) ON CONFLICT DO NOTHING
"""
_REFUSED = """
INSERT INTO notices_refused (at, account_id, why, order_number, payment_id, digest, last_at, raw)
VALUES (%(now)s, %(account_id)s, %(why)s, %(order_number)s, %(payment_id)s, %(digest)s, %(now)s, %(raw)s)
ON CONFLICT (account_id, digest) DO UPDATE SET times = notices_refused.times + 1, last_at = excluded.last_at
"""


class NoticeDoor:
    """Takes one posted message at a time."""

    def __init__(self, hall: Hall, gateways: Mapping[str, Gateway], arrivals: Arrivals) -> None:
        self._hall = hall
        self._arrivals = arrivals
        self._gateways = gateways
        #: Which currency an account's last notice was in. Only a first guess for reading the next one's amount.
        self._currency: dict[str, str] = {}

    async def take(self, account_id: str, fields: Mapping[str, str]) -> NoticeAnswer:
        """Check and apply one message for `account_id`; the answer says what to tell the provider."""
        gateway = self._gateways.get(account_id)
        if gateway is None:
            return _answer("account", accepted=False)
        currency = self._currency.get(account_id, "USD")
        notice = gateway.read_notice(fields, currency)
        async with self._hall.db.transaction() as tx:
            if isinstance(notice, BadNotice):
                return await self._refuse(tx, account_id, fields, notice.why)
            if "\x00" in f"{notice.order_number}{notice.notice_id}{notice.report.trade.trade_number}":
                # No column holds a zero byte; whoever sends one, though with the key, sends no number of ours.
                return await self._refuse(tx, account_id, fields, "malformed")
            question = {"account_id": account_id, "order_number": notice.order_number}
            payment = await tx.maybe(Payment, _OF_ORDER, question)
            if payment is None:
                return await self._unknown(tx, gateway, account_id, fields, notice)
            if payment.currency != currency:
                # An amount is only readable in its own currency, and only our payment knows which that is.
                self._currency[account_id] = payment.currency
                again = gateway.read_notice(fields, payment.currency)
                if isinstance(again, BadNotice):
                    return await self._refuse(tx, account_id, fields, again.why, notice.order_number, payment)
                notice = again
            return await self._checked(tx, account_id, fields, payment, notice)

    async def unreadable(self, account_id: str, body: bytes) -> NoticeAnswer:
        """Keep the beginning of what could not even be read, as a case in waiting; for our own accounts only."""
        if account_id not in self._gateways:
            return _answer("account", accepted=False)
        async with self._hall.db.transaction() as tx:
            return await self._refuse(tx, account_id, {"body": body[:RAW_LIMIT].decode("latin-1")}, "malformed")

    async def _checked(
        self, tx: Transaction, account_id: str, fields: Mapping[str, str], payment: Payment, notice: Notice
    ) -> NoticeAnswer:
        trade = notice.report.trade
        other_trade = trade.trade_number and payment.trade_number and trade.trade_number != payment.trade_number
        if not amount_fits(payment, trade) or (isinstance(notice.report, Paid | Closed) and other_trade):
            why = "trade" if amount_fits(payment, trade) else "amount"
            return await self._refuse(tx, account_id, fields, why, payment.order_number, payment)
        if notice.settles_refund and await self._other_amount(tx, payment, notice):
            return await self._refuse(tx, account_id, fields, "amount", payment.order_number, payment)
        seen = {"account_id": account_id, "notice_id": notice.notice_id, "payment_id": payment.id}
        if await tx.run(_SEEN, seen | {"now": self._hall.clock.now()}) == 0:
            return _answer("repeated", accepted=True)
        if notice.settles_refund:
            payment = await self._settle_refund(tx, payment, notice)
        await self._hall.apply_within(tx, payment, Noticed(notice))
        return _answer("applied", accepted=True)

    async def _unknown(
        self, tx: Transaction, gateway: Gateway, account_id: str, fields: Mapping[str, str], notice: Notice
    ) -> NoticeAnswer:
        """An order number of nobody's: with one of our printed codes behind it, it is a payment that is born here."""
        number = notice.order_number
        code = await self._arrivals.code_of(tx, account_id, notice.merchant_code) if notice.merchant_code else None
        if code is None:
            return await self._refuse(tx, account_id, fields, "order", number)
        again = gateway.read_notice(fields, code.currency)
        if isinstance(again, BadNotice):
            return await self._refuse(tx, account_id, fields, again.why, number)
        amount = again.report.trade.amount
        if amount is not None and amount.currency != code.currency:
            return await self._refuse(tx, account_id, fields, "amount", number)
        payment = await self._arrivals.born(tx, code, again)
        if payment is None:
            # A code's payment that is not paid is nothing of ours yet; the provider will say it again.
            return await self._refuse(tx, account_id, fields, "order", number)
        seen = {"account_id": account_id, "notice_id": again.notice_id, "payment_id": payment.id}
        await tx.run(_SEEN, seen | {"now": self._hall.clock.now()})
        return _answer("applied", accepted=True)

    async def _other_amount(self, tx: Transaction, payment: Payment, notice: Notice) -> bool:
        """Whether the notice tells of a refund of ours, but of another sum."""
        number = {"number": notice.settles_refund, "payment_id": payment.id}
        refund = await tx.maybe(Refund, _OF_REFUND_NUMBER, number) if notice.refund_amount is not None else None
        return refund is not None and refund.money != notice.refund_amount

    async def _settle_refund(self, tx: Transaction, payment: Payment, notice: Notice) -> Payment:
        number = {"number": notice.settles_refund, "payment_id": payment.id}
        refund = await tx.maybe(Refund, _OF_REFUND_NUMBER, number)
        if refund is None:
            # Genuine, so it is believed; but nobody here gave this money back, so somebody must look at it.
            log.warning("notice.unknown_refund", payment=payment.id, refund_number=notice.settles_refund)
            mark, now = f"{payment.id}:{notice.settles_refund}", self._hall.clock.now()
            await notice_refused(tx, payment.account_id, "refund", payment.order_number, payment, mark, now)
            return payment
        evidence = notice.report.evidence
        report = (
            RefundDeclined(notice.refused, evidence)
            if notice.refused
            else Refunded(Trade(notice.report.trade.trade_number), evidence)
        )
        await self._hall.refund_within(tx, payment, refund, report, Door.NOTICE)
        return await self._hall.lock(tx, payment.id)

    async def _refuse(
        self,
        tx: Transaction,
        account_id: str,
        fields: Mapping[str, str],
        why: str,
        order_number: str = "",
        payment: Payment | None = None,
    ) -> NoticeAnswer:
        raw = msgspec.json.encode(dict(fields)).decode().replace("\\u0000", "")
        log.warning("notice.refused", account=account_id, why=why, order_number=order_number)
        now, digest = self._hall.clock.now(), hashlib.sha256(raw.encode()).hexdigest()
        order_number = order_number.replace("\x00", "")
        await tx.run(
            _REFUSED,
            {
                "now": now,
                "account_id": account_id,
                "why": why,
                "order_number": order_number,
                "payment_id": payment.id if payment else None,
                "digest": digest,
                "raw": raw[:RAW_LIMIT],
            },
        )
        await notice_refused(tx, account_id, why, order_number, payment, digest, now)
        return _answer(why, accepted=False)


def _answer(why: str, *, accepted: bool) -> NoticeAnswer:
    NOTICES.labels(why).inc()
    return NoticeAnswer(accepted, why)
