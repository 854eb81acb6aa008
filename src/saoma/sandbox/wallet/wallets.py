"""What a buyer can do with the toy wallet, in sentences: look at what is asked, pay with the PIN, refuse.

`tradePay`'s codes are only what a page is told; the book alone knows what was paid, and closing the sheet leaves the
trade open (https://docs.antom.com/ac/global/jsapitradepay)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from saoma.kit.clock import beijing_day
from saoma.kit.errors import Invalid, NotAllowed, NotFound, Refused
from saoma.kit.money import Money
from saoma.sandbox.book import rates
from saoma.sandbox.book.buyers import PinLocked
from saoma.sandbox.book.model import CNY, Buyer, Refund, StaticCode, Trade, TradeStatus, TradeToPay
from saoma.sandbox.book.trades import Book
from saoma.sandbox.plus.payments import REDIRECT_URL

#: resultCode values a page may be told, with what they claim.
RESULT_CODES: Final[dict[str, str]] = {
    "9000": "paid",
    "8000": "being processed",
    "4000": "failed",
    "6001": "the buyer cancelled",
    "6002": "network error",
    "6004": "unknown, may have been paid",
    "99": "went to “forgot PIN”",
}


#: A sheet counts down what must be paid within this time; further away nobody watches it.
_COUNTED: Final = timedelta(minutes=30)
_TOP_UP_STEP: Final = 100_00


@dataclass(frozen=True, slots=True)
class Asked:
    """What the sheet shows before the PIN. `trade_no` is empty for a shop's printed code: paying makes the trade.

    `left` is the time to pay within, where that is soon over."""

    trade_no: str
    code: str
    merchant: str
    store: str
    subject: str
    amount: Money
    cny: Money
    rate: str
    balance: Money
    left: timedelta | None

    @property
    def is_foreign(self) -> bool:
        """Whether the buyer is debited in another currency than the shop's."""
        return self.amount.currency != CNY

    @property
    def rate_text(self) -> str:
        """The rate with at least two decimals, and no more than it needs."""
        whole, _, part = self.rate.partition(".")
        return f"{whole}.{part.rstrip('0').ljust(2, '0')}"

    @property
    def is_affordable(self) -> bool:
        """Whether the balance covers it."""
        return self.cny <= self.balance

    @property
    def top_up(self) -> Money:
        """Toy money that makes it affordable, in whole hundreds of yuan."""
        missing = max(0, self.cny.minor - self.balance.minor)
        return Money(-(-missing // _TOP_UP_STEP) * _TOP_UP_STEP, CNY)


@dataclass(frozen=True, slots=True)
class Paid:
    """The money moved. `back` is the shop's page to go on to, where the order named one."""

    merchant: str
    amount: Money
    cny: Money
    balance: Money
    back: str = ""


@dataclass(frozen=True, slots=True)
class WrongPin:
    """Nothing moved; ask again, or, when `locked`, for a new PIN first."""

    refusal: Refused
    locked: bool


@dataclass(frozen=True, slots=True)
class Declined:
    """Nothing moved, and this trade can't be paid by this buyer now."""

    refusal: Refused


@dataclass(frozen=True, slots=True)
class SaidNo:
    """The buyer refused and the trade is closed."""


class BillState(StrEnum):
    """How a bill stands for its buyer; refunds that are still on their way don't count."""

    WAITING = "waiting"
    PAID = "paid"
    PART_REFUNDED = "part"
    REFUNDED = "refunded"
    UNDONE = "undone"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Bill:
    """One trade as its buyer sees it, with what came back of it, the latest refund first."""

    trade: Trade
    refunds: list[Refund]

    @property
    def returned(self) -> Money:
        """What is back in the wallet, CNY."""
        if self.trade.close_reason and self.trade.paid_at and self.trade.close_reason != "refunded":
            return self.trade.cny_money
        return Money(sum(refund.cny for refund in self.refunds if refund.state == "SUCCESS"), CNY)

    @property
    def state(self) -> BillState:
        """In one word."""
        trade = self.trade
        if trade.is_waiting:
            return BillState.WAITING
        if not trade.paid_at:
            return BillState.CLOSED
        if trade.close_reason and trade.close_reason != "refunded":
            return BillState.UNDONE
        back = self.returned.minor
        if not back:
            return BillState.PAID
        return BillState.REFUNDED if back >= trade.cny else BillState.PART_REFUNDED


Ending = Paid | WrongPin | Declined | SaidNo


def result_code(ending: Ending) -> str:
    """The honest resultCode for how the sheet ended."""
    match ending:
        case Paid():
            return "9000"
        case SaidNo():
            return "6001"
        case WrongPin() | Declined():
            return "4000"


class Wallet:
    """One buyer's wallet over the book. Raises `NotFound` for an unknown buyer."""

    def __init__(self, book: Book, buyer_id: str) -> None:
        self._book = book
        self.buyer: Buyer = book.buyer(buyer_id)

    def asked(self, *, trade_no: str = "", code: str = "", amount: str = "") -> Asked:
        """What paying a trade number or a scanned code would mean; scanning an order's code creates its trade.

        `amount` is what the buyer typed for a shop's printed code. Raises `Refused` with the reason why not."""
        found = self._book.resolve(trade_no or code)
        match found:
            case StaticCode():
                if found.status != "ACTIVE":
                    raise NotFound("This code is not valid. Ask the shop.")
                typed = typed_amount(amount, found.trans_currency)
                if typed.minor <= 0:
                    raise Invalid("Type an amount first.")
                rate = self._book.rates.cny(typed.currency, beijing_day(self._book.clock.now()))
                cny = Money(rates.to_cny(typed, rate), CNY)
                shop, store = found.merchant or found.partner, found.store
                return Asked("", code, shop, store, store or shop, typed, cny, rate, self.buyer.balance_money, None)
            case TradeToPay():
                if not found.trade_no:
                    self._book.scan(code, self.buyer.id)
                    found = self._again(code)
                self._check(found)
                rate = found.rate
                return Asked(
                    found.trade_no, "", found.merchant, found.store, found.subject, found.amount, found.cny, rate,
                    self.buyer.balance_money, self._left(found.expires_at),
                )  # fmt: skip
            case None:
                raise NotFound("The toy wallet knows no such order.")

    def pay(self, pin: str, *, trade_no: str = "", code: str = "", amount: str = "") -> Ending:
        """Try to pay with `pin`: a trade by its number, or a typed `amount` at a shop's printed `code`."""
        try:
            self._book.wallets.check_pin(self.buyer, pin)
        except NotAllowed as wrong:
            return WrongPin(wrong, isinstance(wrong, PinLocked))
        try:
            if trade_no:
                trade = self._book.pay(trade_no, self.buyer.id, pin)
            else:
                found = self._book.resolve(code)
                if not isinstance(found, StaticCode):
                    raise NotFound("The toy wallet knows no such order.")
                trade = self._book.pay_static(code, self.buyer.id, typed_amount(amount, found.trans_currency), pin)
        except Refused as refusal:
            return Declined(refusal)
        back = trade.extra.get(REDIRECT_URL, "")
        return Paid(trade.merchant or trade.partner, trade.money, trade.cny_money, self.buyer.balance_money, back)

    def refuse(self, trade_no: str) -> Ending:
        """Say no for good: the trade is closed, as a till's waiting payment is when its buyer declines."""
        try:
            self._book.refuse(trade_no, self.buyer.id)
        except Refused as refusal:
            return Declined(refusal)
        return SaidNo()

    @property
    def pin_is_locked(self) -> bool:
        """Whether too many wrong PINs came in a row."""
        return self._book.wallets.pin_is_locked(self.buyer)

    def change_habits(self, *, pin_at_till: bool | None = None, code_digits: int | None = None) -> None:
        """Whether a till's scan waits for this buyer's PIN, and how long payment codes are. Raises `Invalid`."""
        self._book.wallets.change_habits(self.buyer, pin_required=pin_at_till, code_digits=code_digits)

    def top_up(self, more: Money) -> None:
        """Toy money from nowhere. Raises `Invalid` for another currency than CNY."""
        if more.currency != CNY or more.minor < 0:
            raise Invalid("A wallet holds CNY, and not less than nothing.")
        self._book.wallets.give(self.buyer, more.minor)

    def bills(self) -> list[Bill]:
        """Everything this buyer paid, was asked to pay or did not pay, the latest first."""
        self._book.pass_time()
        return [self._bill(trade) for trade in reversed(self._book.of_buyer.get(self.buyer.id, []))]

    def bill(self, trade_no: str) -> Bill:
        """One of them. Raises `NotFound` for another buyer's, too."""
        trade = self._book.trade(trade_no)
        if trade.buyer_id != self.buyer.id:
            raise NotFound("There is no such bill in this wallet.")
        return self._bill(trade)

    def _bill(self, trade: Trade) -> Bill:
        refunds = sorted(self._book.refunds_of(trade), key=lambda refund: refund.created_at, reverse=True)
        return Bill(trade, refunds)

    def _left(self, until: datetime | None) -> timedelta | None:
        left = until - self._book.clock.now() if until else None
        return left if left is not None and left <= _COUNTED else None

    def _again(self, code: str) -> TradeToPay:
        found = self._book.resolve(code)
        if not isinstance(found, TradeToPay):
            raise NotFound("The toy wallet knows no such order.")
        return found

    def _check(self, found: TradeToPay) -> None:
        if found.buyer_id and self._book.buyer(found.buyer_id).id != self.buyer.id:
            raise NotAllowed("Somebody else is paying this order.")
        match found.status:
            case TradeStatus.ORDERED | TradeStatus.WAIT_BUYER_PAY:
                return
            case TradeStatus.TRADE_SUCCESS | TradeStatus.TRADE_FINISHED:
                raise Refused("This order is already paid.")
            case TradeStatus.TRADE_CLOSED:
                raise Refused("This order is closed. Ask the shop for a new one.")


def typed_amount(amount: str, currency: str) -> Money:
    """What a person typed, as money. Raises `Invalid` with a sentence that is there in both languages."""
    try:
        return Money.parse(amount, currency)
    except Invalid:
        raise Invalid("Type an amount in {currency}.", currency=currency) from None
