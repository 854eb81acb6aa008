"""The book's records and its time: what is kept, found again after a restart, and falls due.

Nothing happens by itself: whoever calls first after a deadline sees it done, with the deadline's own time. A trade
becomes paid in one place only (`charge`), and money comes back in one (`give_back`)."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final

from saoma.kit.clock import MovableClock, beijing, beijing_day
from saoma.kit.money import Money
from saoma.sandbox import lifetimes
from saoma.sandbox.book import rates
from saoma.sandbox.book.buyers import TurnedDown, Wallets
from saoma.sandbox.book.messages import declined
from saoma.sandbox.book.model import Buyer, Order, Partner, Product, Refund, StaticCode, Trade, TradeStatus
from saoma.sandbox.book.planting import Planting
from saoma.sandbox.book.recovering import Recovery
from saoma.sandbox.book.store import Store
from saoma.sandbox.choices import DEFAULT, Choices

#: What the outside is told: (trade, notify_action_type, the refund it is about).
Told = Callable[[Trade, str, Refund | None], None]

_FIRST_NUMBER: Final = 21001000000000000001


class Records:
    """All trades, refunds, buyers and codes, in memory, written through to `store`."""

    def __init__(
        self,
        clock: MovableClock,
        store: Store | None = None,
        public_url: str = "http://localhost:8001",
        choices: Choices = DEFAULT,
        contract: Callable[[str], Partner | None] = lambda partner: None,
    ) -> None:
        self.clock = clock
        self.store = store or Store()
        self.public_url = public_url.rstrip("/")
        self.choices = choices
        #: The contract of a partner, by its PID; None where nobody knows it.
        self.contract = contract
        #: How far this clock was pushed ahead of the one it runs on.
        self.ahead = timedelta(seconds=self.store.one("clock", "ahead_seconds", float) or 0)
        clock.advance(self.ahead)
        self.wallets = Wallets(clock, self.store, choices)
        self.recovery = Recovery(clock, self.wallets)
        self.rates = rates.Rates(self.store)
        #: What stands to be wrong in daily files on purpose.
        self.planting = Planting(self.store)
        self._paid_on: dict[tuple[str, date], list[Trade]] = {}
        self.tell: Told = lambda trade, action, refund: None
        self.trades: dict[tuple[str, str], Trade] = {}
        self.refunds: dict[tuple[str, str], Refund] = {}
        self.static_codes: dict[str, StaticCode] = {}
        self.by_trade_no: dict[str, Trade] = {}
        self.by_token: dict[str, Trade] = {}
        self.of_buyer: dict[str, list[Trade]] = {}
        self._refunds_of: dict[tuple[str, str], list[Refund]] = {}
        self._due: list[tuple[datetime, int, str, Trade | Refund | Callable[[datetime], None]]] = []
        self._sequence = 0
        self._last_number = _FIRST_NUMBER - 1
        self._load()

    def code_url(self, token: str) -> str:
        """What a code's picture says. Alipay's own host: in a toy wallet it leads back to this sandbox."""
        return f"https://qr.alipay.com/{token}"

    def picture_url(self, token: str, size: str) -> str:
        """Where a picture of a code is: `size` is S, M or L."""
        host = self.choices.picture_host or self.public_url
        return f"{host.rstrip('/')}/show.htm?code={token}&picSize={size}"

    def advance(self, by: timedelta) -> datetime:
        """Push the sandbox's clock; all that falls due happens. Raises `ValueError` for a step back."""
        with self.store.writing():
            now = self.clock.advance(by)
            self.ahead += by
            self.store.keep("clock", "ahead_seconds", self.ahead.total_seconds())
            self.pass_time()
            return now

    def is_off(self, moment: datetime, allowed: timedelta) -> bool:
        """Whether a caller's time is far from this clock and from real time, which callers keep when it is pushed."""
        now = self.clock.now()
        return all(abs(clock - moment) > allowed for clock in (now, now - self.ahead))

    def on_this_clock(self, moment: datetime) -> datetime:
        """A moment that is to come on its caller's clock; this one may have been pushed past it."""
        return moment if moment > self.clock.now() else moment + self.ahead

    @contextmanager
    def moving(self) -> Iterator[datetime]:
        """One step of the engine: time has passed, and what changes inside is written before it is told."""
        with self.store.writing():
            yield self.pass_time()

    def pass_time(self) -> datetime:
        """Do what fell due since last time, in order. Returns the present."""
        now = self.clock.now()
        if self._due and self._due[0][0] <= now:
            with self.store.writing():
                while self._due and self._due[0][0] <= now:
                    at, _, what, record = heapq.heappop(self._due)
                    self._fall_due(what, record, at)
            # what fell due may have pushed the clock
            return self.clock.now()
        return now

    def next_due(self) -> datetime | None:
        """When something happens next without anybody asking."""
        return self._due[0][0] if self._due else None

    def schedule(self, at: datetime, what: str, record: Trade | Refund) -> None:
        """Note that `record` needs attention at `at`; a stale note does no harm."""
        self._sequence += 1
        heapq.heappush(self._due, (at, self._sequence, what, record))

    def call_at(self, at: datetime, do: Callable[[datetime], None]) -> None:
        """Let `do` happen at `at`, in its order among all that falls due. It is not kept."""
        self._sequence += 1
        heapq.heappush(self._due, (at, self._sequence, "call", do))

    def keep(self, trade: Trade) -> None:
        """Write a changed trade with the next commit."""
        self.store.keep("trade", f"{trade.partner}|{trade.out_trade_no}", trade)

    def keep_refund(self, refund: Refund) -> None:
        """Write a changed refund with the next commit."""
        self.store.keep("refund", f"{refund.partner}|{refund.refund_no}", refund)

    def refunds_of(self, trade: Trade) -> list[Refund]:
        """Every refund of a trade, oldest first."""
        return self._refunds_of.get((trade.partner, trade.out_trade_no), [])

    def add_refund(self, refund: Refund) -> None:
        """Write down a new refund."""
        self._index_refund(refund)
        self.keep_refund(refund)

    def carry_out(self, refund: Refund, at: datetime, *, quietly: bool) -> None:
        """Move a refund's money. Synchronous refunds are done `quietly`: their answer is the only message."""
        trade = self.trades[refund.partner, refund.out_trade_no]
        self.give_back(trade, refund.cny)
        refund.state, refund.done_at = "SUCCESS", at
        self.keep_refund(refund)
        done = sum(one.amount for one in self.refunds_of(trade) if one.state == "SUCCESS")
        # a refund that was asked for in time may be carried out after the period: what is finished stays so
        if done == trade.amount and trade.status is not TradeStatus.TRADE_FINISHED:
            trade.status, trade.closed_at, trade.close_reason = TradeStatus.TRADE_CLOSED, at, "refunded"
            self.keep(trade)
        if not quietly:
            self.tell(trade, "refundFPAction", refund)

    def new_trade(self, order: Order, now: datetime) -> Trade:
        """Write down an order; Alipay's number comes with `exist`."""
        pricing = order.amount.currency
        today = beijing_day(now)
        settle_rate = self.rates.between(pricing, order.currency, today)
        rate = self.rates.cny(pricing, today)
        trade = Trade(
            partner=order.partner, out_trade_no=order.number, product=order.product, subject=order.subject,
            amount=order.amount.minor, trans_currency=pricing, currency=order.currency, rate=rate,
            cny=rates.to_cny(order.amount, rate), settle_rate=settle_rate,
            settle_amount=rates.to_settlement(order.amount, settle_rate, order.currency),
            status=TradeStatus.ORDERED, created_at=now, expires_at=order.expires_at,
            code_expires_at=order.code_expires_at, notify_url=order.notify_url, charset=order.charset,
            sign_type=order.sign_type, pass_back=order.pass_back, body=order.body, price=order.price,
            quantity=order.quantity, merchant=order.merchant, store=order.store, merchant_id=order.merchant_id,
            industry=order.industry, channel_fee=order.channel_fee,
            settle_cny=self.rates.cny(order.currency, today), api=order.api, extra=dict(order.extra),
        )  # fmt: skip
        self.trades[order.partner, order.number] = trade
        self.keep(trade)
        return trade

    def charge(self, trade: Trade, buyer: Buyer, at: datetime) -> None:
        """Take the money: the one place where a trade becomes paid. Raises `TurnedDown`: empty wallet, limits."""
        self.check_limits(trade.partner, buyer, trade.cny, at)
        self.wallets.take(buyer, trade.cny)
        trade.status, trade.paid_at = TradeStatus.TRADE_SUCCESS, at
        self._count(trade)
        self.keep(trade)
        self.schedule(at + self.refund_period(trade.partner), "finish", trade)
        self.tell(trade, "payByAccountAction", None)

    def admit(self, order: Order) -> None:
        """Does the partner's contract hold such a payment? Raises `TurnedDown`. Unknown partners have no contract."""
        contract = self.contract(order.partner)
        if contract is None:
            return
        if contract.suspended:
            raise TurnedDown("PARTNER_ERROR")
        if contract.products and order.product not in contract.products:
            raise TurnedDown("ACCESS_FORBIDDEN")
        if contract.currencies and not {order.currency, order.amount.currency} <= {*contract.currencies}:
            raise TurnedDown("INVALID_PARAMETER", "CURRENCY_NOT_SUPPORT")
        contract.limits.check_one(self.cny_of(order.amount))

    def check_limits(self, partner: str, buyer: Buyer, fen: int, at: datetime) -> None:
        """May this buyer pay so much to this partner now? Raises `TurnedDown`."""
        today, contract = beijing_day(at), self.contract(partner)
        if contract is not None:
            contract.limits.check(fen, today, partial(self._used, f"partner {partner}"))
        buyer.terms.check(fen, today, partial(self._used, f"buyer {buyer.id}"), self.choices.buyer_payment_limit_code)
        if buyer.balance < fen:
            raise TurnedDown("BUYER_BALANCE_NOT_ENOUGH")

    def cny_of(self, amount: Money) -> int:
        """What an amount costs a buyer today, in fen."""
        return rates.to_cny(amount, self.rates.cny(amount.currency, beijing_day(self.clock.now())))

    def _used(self, who: str, first: date, last: date) -> int:
        """The fen that count against a limit, paid from one Beijing day to another, both included."""
        days = (first + timedelta(days=number) for number in range((last - first).days + 1))
        trades = (trade for day in days for trade in self._paid_on.get((who, day), ()))
        match self.choices.limit_room_back:
            case "never":
                return sum(trade.cny for trade in trades)
            case "cancel":
                return sum(trade.cny for trade in trades if not trade.is_undone)
            case "refund":
                return sum(trade.cny - trade.refunded_cny for trade in trades)

    def _count(self, trade: Trade) -> None:
        if trade.paid_at:
            day = beijing_day(trade.paid_at)
            for who in (f"partner {trade.partner}", f"buyer {self.wallets.get(trade.buyer_id).id}"):
                self._paid_on.setdefault((who, day), []).append(trade)

    def refund_period(self, partner: str) -> timedelta:
        """How long a partner's payments can be refunded."""
        contract = self.contract(partner)
        return timedelta(days=contract.refund_days) if contract else lifetimes.REFUND_PERIOD

    def shut(self, trade: Trade, reason: str, at: datetime) -> None:
        """Close an unpaid trade for good."""
        trade.status, trade.closed_at, trade.close_reason = TradeStatus.TRADE_CLOSED, at, reason
        self.keep(trade)
        if trade.trade_no:
            self.tell(trade, "closeTradeAction", None)

    def give_back(self, trade: Trade, fen: int) -> None:
        """Return money of a paid trade to its buyer's wallet."""
        self.wallets.give(self.wallets.get(trade.buyer_id), fen)

    def exist(self, trade: Trade, buyer: Buyer, now: datetime) -> None:
        """An order becomes a trade of `buyer`'s: it gets Alipay's number, and its deadlines begin."""
        self._last_number += 1
        trade.trade_no = f"{beijing(now):%Y%m%d}{self._last_number}"
        trade.status, trade.buyer_id, trade.created_at = TradeStatus.WAIT_BUYER_PAY, buyer.id, now
        self._index(trade)
        self.keep(trade)
        if trade.expires_at:
            self.schedule(trade.expires_at, "close", trade)
        if trade.pays_at:
            self.schedule(trade.pays_at, "pay", trade)

    def _index(self, trade: Trade) -> None:
        self.by_trade_no[trade.trade_no] = trade
        self.of_buyer.setdefault(trade.buyer_id, []).append(trade)

    def _fall_due(self, what: str, record: Trade | Refund | Callable[[datetime], None], at: datetime) -> None:
        if not isinstance(record, Trade | Refund):
            record(at)
        elif isinstance(record, Refund):
            contract = self.contract(record.partner)
            if record.state != "PROCESSING" or record.due_at != at:
                return
            if contract is not None and contract.out_of_funds:
                self._put_off(record, at)
            else:
                self.carry_out(record, at, quietly=False)
        elif what == "pay" and record.is_waiting and record.pays_at == at:
            buyer = self.wallets.get(record.buyer_id)
            try:
                self.charge(record, buyer, at)
            except TurnedDown as no:
                self.wallets.note(declined(record, buyer, record.cny, no.code, at))
                record.pays_at = None
                self.keep(record)
        elif what == "close" and record.is_waiting and record.expires_at == at:
            self.shut(record, "timeout", at)
        elif what == "finish" and record.status is TradeStatus.TRADE_SUCCESS:
            record.status = TradeStatus.TRADE_FINISHED
            self.keep(record)
            self.tell(record, "finishFPAction", None)

    def _index_refund(self, refund: Refund) -> None:
        self.refunds[refund.partner, refund.refund_no] = refund
        self._refunds_of.setdefault((refund.partner, refund.out_trade_no), []).append(refund)

    def _put_off(self, refund: Refund, at: datetime) -> None:
        """No funds: again each night for half a year, then never (https://docs.antom.com/ac/global/spot_refund)."""
        if at - refund.created_at < lifetimes.REFUND_PATIENCE:
            refund.due_at, refund.error = lifetimes.next_refund_night(at), "MERCHANT_BALANCE_NOT_ENOUGH"
            self.schedule(refund.due_at, "refund", refund)
        else:
            trade = self.trades[refund.partner, refund.out_trade_no]
            refund.state, refund.due_at = "FAILED", None
            trade.refunded -= refund.amount
            trade.refunded_cny -= refund.cny
            self.keep(trade)
            if trade.product is Product.WEB:
                # the in-store products tell of refunds that worked, and of no others
                self.tell(trade, "refundFPAction", refund)
        self.keep_refund(refund)

    def _load(self) -> None:
        for trade in sorted(self.store.read("trade", Trade), key=lambda trade: trade.created_at):
            self.trades[trade.partner, trade.out_trade_no] = trade
            if trade.qr_token:
                self.by_token[trade.qr_token] = trade
            if not trade.trade_no:
                continue
            self._index(trade)
            self._count(trade)
            self._last_number = max(self._last_number, int(trade.trade_no[8:]))
            if trade.is_waiting:
                for at, what in ((trade.pays_at, "pay"), (trade.expires_at, "close")):
                    if at:
                        self.schedule(at, what, trade)
            elif trade.status is TradeStatus.TRADE_SUCCESS and trade.paid_at:
                self.schedule(trade.paid_at + self.refund_period(trade.partner), "finish", trade)
        for refund in sorted(self.store.read("refund", Refund), key=lambda refund: refund.created_at):
            self._index_refund(refund)
            if refund.state == "PROCESSING" and refund.due_at:
                self.schedule(refund.due_at, "refund", refund)
        for code in self.store.read("static", StaticCode):
            self.static_codes[code.token] = code
