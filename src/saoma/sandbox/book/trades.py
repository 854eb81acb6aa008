"""The trade engine: one `Book` of everything this local Alipay knows, moved by partners, buyers and the clock.

Every method is one step, written to the store before it returns. Wallet pages use the methods under "for wallets",
which raise `Refused` with a sentence; those for partners raise `TurnedDown` with a code."""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timedelta
from typing import Final

from saoma.kit.clock import beijing_day
from saoma.kit.errors import Conflict, Invalid, NotAllowed, NotFound, Refused
from saoma.kit.money import Money
from saoma.sandbox import lifetimes
from saoma.sandbox.book import rates
from saoma.sandbox.book.buyers import DEFAULT_PIN, TurnedDown
from saoma.sandbox.book.limits import OTHERWISE, SENTENCES, BuyerTerms
from saoma.sandbox.book.messages import declined, noted, told_of
from saoma.sandbox.book.model import (
    Buyer,
    Message,
    Order,
    PaymentCode,
    Product,
    StaticCode,
    Trade,
    TradeStatus,
    TradeToPay,
)
from saoma.sandbox.book.records import Records
from saoma.sandbox.book.sameness import check_open, check_repeated_pay

__all__ = ["Book", "Buyer", "Message", "PaymentCode", "StaticCode", "Trade", "TradeToPay", "TurnedDown"]

_TOKEN: Final = re.compile(r"(?<![0-9a-z])(?:bax|stx)[0-9a-z]{21}(?![0-9a-z])")
_TRADE_NO: Final = re.compile(r"(?<!\d)\d{28}(?!\d)")
_ALPHABET: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_LIMIT: Final = 100_000_000
_MESSAGES: Final = 50
#: Waits ten seconds, then pays: the convention for codes that end in 90.
_SLOW_PAYER: Final = timedelta(seconds=10)
_MAGIC_REFUSALS: Final = {
    "92": "SOUNDWAVE_PARSER_FAIL",
    "93": "BUYER_BALANCE_NOT_ENOUGH",
    "94": "BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR",
}


def new_token(prefix: str) -> str:
    """An unguessable part of a code's URL: `bax` for orders, `stx` for static codes."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(21))


class Book(Records):
    """What buyers and partners may do with the records. Cancel, close and refund are in `undoing`."""

    # --- for wallets -----------------------------------------------------------------------------------------------

    def buyers(self) -> list[Buyer]:
        """Every test buyer."""
        return self.wallets.all()

    def buyer(self, buyer_id: str) -> Buyer:
        """A buyer by name or 2088 number. Raises `NotFound`."""
        return self.wallets.get(buyer_id)

    def add_buyer(
        self, buyer_id: str, name: str = "", balance: Money | None = None, *, pin_required: bool = False,
        pin: str = DEFAULT_PIN, hk: bool | None = None, terms: BuyerTerms | None = None,
    ) -> Buyer:  # fmt: skip
        """Make a buyer known, or change a known one. `balance` is CNY. Raises `Invalid`."""
        with self.store.writing():
            return self.wallets.add(buyer_id, name, balance, pin_required=pin_required, pin=pin, hk=hk, terms=terms)

    def new_payment_code(self, buyer_id: str) -> PaymentCode:
        """A fresh code to show at a till: 18 digits, single use, a new one each minute."""
        with self.store.writing():
            return self.wallets.new_code(buyer_id)

    def resolve(self, text: str) -> TradeToPay | StaticCode | None:
        """What a scanned or pasted text leads to: an order's or a shop's code URL, or a trade number."""
        self.pass_time()
        if token := _TOKEN.search(text):
            trade = self.by_token.get(token[0])
            return self._to_pay(trade) if trade else self.static_codes.get(token[0])
        if number := _TRADE_NO.search(text):
            trade = self.by_trade_no.get(number[0])
            return self._to_pay(trade) if trade else None
        return None

    def trade(self, trade_no: str) -> Trade:
        """A trade by Alipay's number. Raises `NotFound`."""
        self.pass_time()
        try:
            return self.by_trade_no[trade_no]
        except KeyError:
            raise NotFound("Alipay knows no such trade.") from None

    def scan(self, qr_code: str, buyer_id: str) -> Trade:
        """A buyer opens an order code: from now on the trade exists and is theirs to pay.

        Raises `NotFound` for no code, `Conflict` when it is over or another buyer is paying."""
        with self.moving() as now:
            buyer = self.wallets.get(buyer_id)
            token = _TOKEN.search(qr_code)
            trade = self.by_token.get(token[0]) if token else None
            if trade is None:
                raise NotFound("This is not a payment code.")
            if trade.status is TradeStatus.ORDERED:
                if any(end and now >= end for end in (trade.code_expires_at, trade.expires_at)):
                    raise Conflict("This code is too old. Ask the shop for a new one.")
                self.exist(trade, buyer, now)
            self._check_payable(trade, buyer)
            return trade

    def pay(self, trade_no: str, buyer_id: str, pin: str) -> Trade:
        """The buyer confirms with the PIN. Raises `Refused` with a sentence: wrong PIN, balance, closed, not theirs."""
        with self.moving() as now:
            buyer, trade = self.wallets.get(buyer_id), self.trade(trade_no)
            self._check_payable(trade, buyer)
            self.wallets.check_pin(buyer, pin)
            try:
                self.charge(trade, buyer, now)
            except TurnedDown as no:
                self.wallets.note(declined(trade, buyer, trade.cny, no.code, now))
                raise Refused(SENTENCES.get(no.code, OTHERWISE)) from None
            return trade

    def pay_static(self, code: str, buyer_id: str, amount: Money, pin: str) -> Trade:
        """The buyer types an amount at a shop's printed code and pays it at once. Raises `Refused`."""
        with self.moving() as now:
            buyer = self.wallets.get(buyer_id)
            token = _TOKEN.search(code)
            shop = self.static_codes.get(token[0]) if token else None
            if shop is None or shop.status != "ACTIVE":
                raise NotFound("This code is not valid. Ask the shop.")
            if amount.currency != shop.trans_currency or not 0 < amount.minor <= _LIMIT * 100:
                raise Invalid("Type an amount in {currency}.", currency=shop.trans_currency)
            self.wallets.check_pin(buyer, pin)
            order = Order(
                partner=shop.partner, number=self._shop_number(shop.partner, now),
                product=Product.STATIC_CODE, subject=shop.store or shop.merchant, amount=amount,
                currency=shop.currency, notify_url=shop.notify_url, charset=shop.notify_charset,
                sign_type=shop.notify_sign_type, pass_back=shop.pass_back, merchant=shop.merchant, store=shop.store,
                merchant_id=shop.merchant_id, industry=shop.industry, channel_fee=self._commission(shop, amount),
            )  # fmt: skip
            fen = self.cny_of(amount)
            try:
                self.admit(order)
                self.check_limits(order.partner, buyer, fen, now)
            except TurnedDown as no:
                self.wallets.note(declined(order, buyer, fen, no.code, now))
                raise Refused(SENTENCES.get(no.code, OTHERWISE)) from None
            trade = self.new_trade(order, now)
            self.exist(trade, buyer, now)
            self.charge(trade, buyer, now)
            return trade

    def refuse(self, trade_no: str, buyer_id: str) -> Trade:
        """The buyer says no: the trade is closed. Leaving the sheet without deciding is not this."""
        with self.moving() as now:
            buyer, trade = self.wallets.get(buyer_id), self.trade(trade_no)
            self._check_payable(trade, buyer)
            self.shut(trade, "refused", now)
            return trade

    def messages(self, buyer_id: str) -> list[Message]:
        """What the wallet tells its buyer, the latest first."""
        self.pass_time()
        buyer = self.wallets.get(buyer_id)
        told: list[Message] = [noted(note) for note in self.wallets.notes(buyer)]
        for trade in self.of_buyer.get(buyer.id, [])[-_MESSAGES:]:
            told += told_of(trade, self.refunds_of(trade))
        return sorted(told, key=lambda message: message.at, reverse=True)[:_MESSAGES]

    def pending_for(self, buyer_id: str) -> list[Trade]:
        """Barcode trades that wait for this buyer's PIN."""
        self.pass_time()
        buyer = self.wallets.get(buyer_id)
        mine = self.of_buyer.get(buyer.id, [])
        return [trade for trade in mine if trade.is_waiting and trade.product is Product.BARCODE]

    # --- for partners ----------------------------------------------------------------------------------------------

    def pay_by_code(self, order: Order, code: str, *, hold: bool = False) -> Trade:
        """Barcode payment: create and charge; the trade waits where the buyer must confirm (or `hold` says so).

        A repeat tells the real state and never debits twice. Raises `TurnedDown`."""
        with self.moving() as now:
            buyer = self.wallets.owner_of(code)
            known = self.trades.get((order.partner, order.number))
            if known is not None:
                check_repeated_pay(known, order, buyer, code, self.choices.repeated_pay)
                return known
            magic = code[-2:]
            if refusal := _MAGIC_REFUSALS.get(magic):
                raise TurnedDown(refusal)
            self.wallets.use_code(code, order.number)
            fen = self.cny_of(order.amount)
            try:
                self.admit(order)
                self.check_limits(order.partner, buyer, fen, now)
            except TurnedDown as no:
                self.wallets.note(declined(order, buyer, fen, no.code, now))
                raise
            trade = self.new_trade(order, now)
            trade.code = code
            trade.expires_at = order.expires_at or now + lifetimes.BARCODE_LIFETIME
            if magic == "90":
                trade.pays_at = now + _SLOW_PAYER
            self.exist(trade, buyer, now)
            asks = hold or buyer.pin_required or buyer.terms.wants_pin(fen)
            if not (asks or magic in ("90", "91")):
                self.charge(trade, buyer, now)
            return trade

    def create(self, order: Order, user_id: str) -> Trade:
        """A trade for a known buyer, to be paid in the wallet by its number. Raises `TurnedDown`."""
        with self.moving() as now:
            buyer = self.wallets.find(user_id)
            if buyer is None:
                raise TurnedDown("BUYER_NOT_EXIST")
            known = self.trades.get((order.partner, order.number))
            if known is not None:
                check_open(known, order, buyer)
                return known
            self.admit(order)
            trade = self.new_trade(order, now)
            self.exist(trade, buyer, now)
            return trade

    def place(self, order: Order) -> Trade:
        """An order with a code for whoever scans it; no trade yet. Raises `TurnedDown`."""
        with self.moving() as now:
            known = self.trades.get((order.partner, order.number))
            if known is not None:
                check_open(known, order, None)
                return known
            self.admit(order)
            trade = self.new_trade(order, now)
            trade.qr_token = new_token("bax")
            self.by_token[trade.qr_token] = trade
            return trade

    def find(self, partner: str, number: str = "", trade_no: str = "") -> Trade | None:
        """A trade as its partner may see it: Alipay's number wins; a code nobody scanned is no trade."""
        self.pass_time()
        trade = self.by_trade_no.get(trade_no) if trade_no else self.trades.get((partner, number))
        return trade if trade is not None and trade.partner == partner and trade.trade_no else None

    def all_trades(self, partner: str = "") -> list[Trade]:
        """Every trade that exists at Alipay, oldest first."""
        self.pass_time()
        return [trade for trade in self.by_trade_no.values() if not partner or trade.partner == partner]

    def _commission(self, shop: StaticCode, amount: Money) -> int:
        """A printed code's `channel_fee`, at most five of a hundred (https://docs.antom.com/ac/global/qrcode_create)."""
        today = beijing_day(self.clock.now())
        rate = self.rates.between(amount.currency, shop.currency, today)
        settled = rates.to_settlement(amount, rate, shop.currency)
        return rates.commission(shop.channel_fee, settled, shop.currency)

    def _shop_number(self, partner: str, now: datetime) -> str:
        begin = f"{self.choices.shop_order_prefix}{lifetimes.wire_time(now)}"
        # on a clock that stands still a day's trade fits into one second
        while (partner, number := f"{begin}{secrets.randbelow(10**8):08d}") in self.trades:
            pass
        return number

    def _check_payable(self, trade: Trade, buyer: Buyer) -> None:
        if trade.buyer_id and trade.buyer_id != buyer.id:
            raise NotAllowed("Somebody else is paying this order.")
        match trade.status:
            case TradeStatus.WAIT_BUYER_PAY:
                return
            case TradeStatus.TRADE_SUCCESS | TradeStatus.TRADE_FINISHED:
                raise Conflict("This order is already paid.")
            case _:
                raise Conflict("This order is closed. Ask the shop for a new one.")

    def _to_pay(self, trade: Trade) -> TradeToPay:
        return TradeToPay(
            qr_code=self.code_url(trade.qr_token) if trade.qr_token else "", trade_no=trade.trade_no,
            out_trade_no=trade.out_trade_no, subject=trade.subject, amount=trade.money, cny=trade.cny_money,
            merchant=trade.merchant or trade.partner, store=trade.store, status=trade.status, buyer_id=trade.buyer_id,
            expires_at=trade.expires_at, rate=trade.rate,
        )  # fmt: skip
