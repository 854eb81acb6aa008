"""Makers of valid things for the payment core's tests, and the world outside: an Alipay and bills of our own.

The fake Alipay keeps the truth about trades; what it *says* about them depends on the faults it was told to have."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from saoma.gateway import (
    AwaitingBuyer,
    BadNotice,
    Cancelled,
    CancelRefused,
    CancelReport,
    Charge,
    Closed,
    CodeMove,
    CodeReport,
    CodeStands,
    Declined,
    Evidence,
    Method,
    Notice,
    NoTrade,
    Paid,
    PayReport,
    PrintedCode,
    QueryReport,
    RefundDeclined,
    Refunded,
    RefundReport,
    Saying,
    SecondaryMerchant,
    Trade,
    Unclear,
)
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database, Rows, Transaction
from saoma.kit.due import drive_due
from saoma.kit.errors import Conflict, Invalid
from saoma.kit.money import Money
from saoma.payments.audit import Fault, faults
from saoma.payments.matching import OpenOrder
from saoma.payments.model import NewPayment, NoticeAnswer, Payment, Refund
from saoma.payments.patience import cancel_window_ends
from saoma.payments.payments import Payments

ACCOUNT = "acc_noodles"
MERCHANT = "mer_noodles"
STORE = "sto_harbour"

SHOP = SecondaryMerchant(
    id="SM_1001", name="Noodle House", industry="5812", store_id="ST_01", store_name="Harbour Branch", terminal_id="T01"
)


def signed(source: str, code: str) -> Evidence:
    """Evidence whose signature held."""
    return Evidence(source=source, code=code, signed=True, raw=f"<{source}>{code}</{source}>")


def unsigned(source: str, code: str, *, held: bool | None = None) -> Evidence:
    """Evidence without a signature that held."""
    return Evidence(source=source, code=code, signed=held, raw=f"<{source}>{code}</{source}>")


class ProcessDied(BaseException):
    """Stands for SIGKILL: nothing in the product may catch it."""


@dataclass
class FakeTrade:
    """The truth about one trade."""

    order_number: str
    trade_number: str
    amount: Money
    state: str = "waiting"  # waiting, paid, closed
    buyer_id: str = ""
    debits: int = 0
    given_back: int = 0
    refunds: dict[str, int] = field(default_factory=dict)


@dataclass
class FakeAlipay:
    """One account at an Alipay in memory. Implements `saoma.gateway.Gateway`.

    `buyer` is what the buyer's wallet does with a barcode: `pays`, `thinks` (a PIN is asked for), or a refusal code.
    `faults` are used up call by call, per service: `open`, `query`, `cancel`, `refund`."""

    clock: MovableClock
    buyer: str = "pays"
    trades: dict[str, FakeTrade] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=dict)
    calls: list[tuple[str, Any]] = field(default_factory=list)
    outbox: list[dict[str, str]] = field(default_factory=list)
    before_call: Callable[[str], Any] | None = None
    after_call: Callable[[str], Any] | None = None
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def fails(self, service: str, *kinds: str) -> None:
        """The next calls of `service` go wrong in these ways, in order; an empty kind lets one pass."""
        self.faults.setdefault(service, []).extend(kinds)

    def count(self, service: str) -> int:
        """How often `service` was called."""
        return sum(1 for name, _ in self.calls if name == service)

    # What happens at the buyer's end.

    def buyer_pays(self, order_number: str) -> None:
        """The buyer types the PIN."""
        trade = self.trades[order_number]
        if trade.state == "waiting":
            trade.state = "paid"
            trade.debits += 1
            self._notice(trade, "paid")

    def expire(self, order_number: str) -> None:
        """Alipay closes the unpaid trade by itself."""
        trade = self.trades[order_number]
        if trade.state == "waiting":
            trade.state = "closed"
            self._notice(trade, "closed")

    def _notice(self, trade: FakeTrade, state: str, refund_number: str = "") -> None:
        self.outbox.append(
            {
                "sign": "good",
                "notice_id": f"n{next(self._numbers)}",
                "order_number": trade.order_number,
                "trade_number": trade.trade_number,
                "state": state,
                "amount": trade.amount.text,
                "refund_number": refund_number,
            }
        )

    # The services.

    async def _call(self, service: str, subject: Any, work: Callable[[], Any]) -> Any:
        self.calls.append((service, subject))
        if self.before_call is not None:
            await self.before_call(service)
        fault = self.faults[service].pop(0) if self.faults.get(service) else ""
        match fault:
            case "not_sent":
                return Unclear("not_sent", unsigned(service, "not_sent"))
            case "dies_before":
                raise ProcessDied
            case "silence_before" | "system_error_before":
                return self._trouble(service, fault)
            case "raises":
                raise RuntimeError("a gateway that broke its promise")
        answer = work()
        if self.after_call is not None:
            await self.after_call(service)
        match fault:
            case "dies_after":
                raise ProcessDied
            case "silence_after" | "system_error_after" | "bad_signature" | "unknown":
                return self._trouble(service, fault)
            case "no_code":
                return Unclear("no_code", signed(service, "no_code"))
            case "unsigned":
                return _without_signature(answer)
            case _:
                return answer

    def _trouble(self, service: str, fault: str) -> Unclear:
        if fault.startswith("silence"):
            return Unclear("silence", unsigned(service, "silence"))
        if fault == "bad_signature":
            return Unclear("bad_signature", unsigned(service, "bad_signature", held=False))
        code = "UNKNOWN" if fault == "unknown" else "SYSTEM_ERROR"
        return Unclear(code, signed(service, code))

    async def open(self, charge: Charge) -> PayReport:
        return await self._call("open", charge, lambda: self._open(charge))  # type: ignore[no-any-return]

    def _open(self, charge: Charge) -> PayReport:
        trade = self.trades.get(charge.order_number)
        if trade is None:
            if self.buyer not in ("pays", "thinks"):
                return Declined(self.buyer, signed("open", self.buyer))
            number = f"2026{next(self._numbers):024d}"
            trade = FakeTrade(
                charge.order_number, number, charge.amount, buyer_id=charge.buyer_id or "2088000000009999"
            )
            self.trades[charge.order_number] = trade
            if charge.method is Method.BARCODE and self.buyer == "pays":
                self.buyer_pays(charge.order_number)
        elif trade.amount != charge.amount:
            return Declined("CONTEXT_INCONSISTENT", signed("open", "CONTEXT_INCONSISTENT"))
        if trade.state == "paid":
            return Paid(self._told(trade), signed("open", "SUCCESS"))
        if trade.state == "closed":
            return Declined("TRADE_HAS_CLOSE", signed("open", "TRADE_HAS_CLOSE"))
        if charge.method is Method.BARCODE:
            return Unclear("UNKNOWN", signed("open", "UNKNOWN"))
        if charge.method is Method.ORDER_CODE:
            address = f"https://qr.example/{charge.order_number}"
            return AwaitingBuyer(self._told(trade), signed("open", "SUCCESS"), qr_code=address)
        return AwaitingBuyer(self._told(trade), signed("open", "SUCCESS"))

    async def query(self, order_number: str, amount: Money) -> QueryReport:
        return await self._call("query", order_number, lambda: self._query(order_number))  # type: ignore[no-any-return]

    def _query(self, order_number: str) -> QueryReport:
        trade = self.trades.get(order_number)
        if trade is None:
            return NoTrade(signed("query", "TRADE_NOT_EXIST"))
        match trade.state:
            case "paid":
                return Paid(self._told(trade), signed("query", "TRADE_SUCCESS"))
            case "closed":
                return Closed(self._told(trade), signed("query", "TRADE_CLOSED"))
            case _:
                return AwaitingBuyer(self._told(trade), signed("query", "WAIT_BUYER_PAY"))

    async def cancel(self, order_number: str, trade_number: str, now: Any) -> CancelReport:
        return await self._call("cancel", order_number, lambda: self._cancel(order_number))  # type: ignore[no-any-return]

    def _cancel(self, order_number: str) -> CancelReport:
        trade = self.trades.get(order_number)
        if trade is None:
            return Cancelled(False, Trade(), signed("cancel", "SUCCESS"))
        if trade.refunds:
            return CancelRefused("REASON_TRADE_REFUND_FEE_ERR", signed("cancel", "REASON_TRADE_REFUND_FEE_ERR"))
        gave_back = trade.state == "paid"
        if trade.state != "closed":
            trade.state = "closed"
            trade.given_back += trade.amount.minor if gave_back else 0
            self._notice(trade, "closed")
        return Cancelled(gave_back, Trade(trade.trade_number), signed("cancel", "SUCCESS"))

    async def refund(
        self, order_number: str, trade_number: str, refund_number: str, amount: Money, reason: str
    ) -> RefundReport:
        def work() -> RefundReport:
            return self._refund(order_number, refund_number, amount)

        return await self._call("refund", refund_number, work)  # type: ignore[no-any-return]

    def _refund(self, order_number: str, refund_number: str, amount: Money) -> RefundReport:
        trade = self.trades[order_number]
        if trade.refunds.get(refund_number) == amount.minor:
            return Refunded(Trade(trade.trade_number, amount), signed("refund", "SUCCESS"))
        if refund_number in trade.refunds:
            return RefundDeclined("DISCORDANT_REPEAT_REQUEST", signed("refund", "DISCORDANT_REPEAT_REQUEST"))
        if trade.state != "paid":
            return RefundDeclined("TRADE_HAS_CLOSE", signed("refund", "TRADE_HAS_CLOSE"))
        if trade.given_back + amount.minor > trade.amount.minor:
            return RefundDeclined("RETURN_AMOUNT_EXCEED", signed("refund", "RETURN_AMOUNT_EXCEED"))
        trade.refunds[refund_number] = amount.minor
        trade.given_back += amount.minor
        if trade.given_back == trade.amount.minor:
            trade.state = "closed"
            self._notice(trade, "closed", refund_number)
        return Refunded(Trade(trade.trade_number, amount), signed("refund", "SUCCESS"))

    def _told(self, trade: FakeTrade) -> Trade:
        return Trade(trade.trade_number, trade.amount, trade.buyer_id, "ali***@example.com")

    def read_notice(self, fields: Mapping[str, str], currency: str) -> Notice | BadNotice:
        if fields.get("sign") != "good":
            return BadNotice(fields.get("why", "signature"), unsigned("notify", "bad", held=False))
        try:
            amount = Money.parse(fields["amount"], currency)
        except Invalid:
            return BadNotice("malformed", unsigned("notify", "bad"))
        trade = Trade(fields["trade_number"], amount)
        evidence = signed("notify", fields["state"])
        report = Paid(trade, evidence) if fields["state"] == "paid" else Closed(trade, evidence)
        if fields["state"] == "waiting":
            return Notice(fields["notice_id"], fields["order_number"], AwaitingBuyer(trade, evidence))
        return Notice(
            fields["notice_id"],
            fields["order_number"],
            report,
            settles_refund=fields["refund_number"],
            merchant_code=fields.get("code", ""),
        )

    # Printed codes. Implements `saoma.gateway.MerchantCodes`.

    def pays_at_counter(self, code_id: str, amount: Money) -> str:
        """Somebody scans a printed code, types an amount and pays; Alipay's own order number for it."""
        number = f"SQ{next(self._numbers):020d}"
        trade = FakeTrade(number, f"2026{next(self._numbers):024d}", amount, "paid", "2088000000009999", debits=1)
        self.trades[number] = trade
        self._notice(trade, "paid")
        self.outbox[-1]["code"] = code_id
        return number

    async def create_code(self, code: PrintedCode) -> CodeReport:
        return await self._call("code", code.id, lambda: self._code(f"https://qr.example/{code.id}"))  # type: ignore[no-any-return]

    async def modify_code(self, address: str, code: PrintedCode) -> CodeReport:
        return await self._call("code", code.id, lambda: self._code(address))  # type: ignore[no-any-return]

    async def move_code(self, address: str, move: CodeMove) -> CodeReport:
        return await self._call("code", move.value, lambda: self._code(address))  # type: ignore[no-any-return]

    def _code(self, address: str) -> CodeReport:
        return CodeStands(address, signed("code", "SUCCESS"))

    def say(self, code: str) -> Saying:
        return Saying({"en": code, "zh": code}, {"en": code, "zh": code}, hand_over=code == "SUCCESS")


def _without_signature(answer: Any) -> Any:
    return replace(
        answer, evidence=replace(answer.evidence, signed=None if isinstance(answer, Paid | Closed) else False)
    )


BILLS = """
CREATE TABLE IF NOT EXISTS bills (
    id text PRIMARY KEY, due bigint NOT NULL, held bigint NOT NULL DEFAULT 0, paid bigint NOT NULL DEFAULT 0,
    refunded bigint NOT NULL DEFAULT 0, told text[] NOT NULL DEFAULT '{}'
)
"""


class Bill(msgspec.Struct):
    """What a bill knows."""

    id: str
    due: int
    held: int
    paid: int
    refunded: int
    told: list[str]


class Bills:
    """A payable that keeps strict books: it refuses to be overpaid and remembers everything it is told."""

    async def hold(self, tx: Transaction, payment: Payment) -> None:
        sql = "UPDATE bills SET held = held + %(amount)s WHERE id = %(id)s AND held + paid + %(amount)s <= due"
        if payment.part.get("arrived"):
            sql = "UPDATE bills SET held = held + %(amount)s WHERE id = %(id)s"
        if await tx.run(sql, {"id": payment.payable_id, "amount": payment.amount}) == 0:
            raise Conflict("This bill is already paid or being paid.")

    async def paid(self, tx: Transaction, payment: Payment) -> None:
        await self._tell(tx, payment, "paid", held=-payment.amount, paid=payment.amount)

    async def released(self, tx: Transaction, payment: Payment) -> None:
        await self._tell(tx, payment, "released", held=-payment.amount)

    async def refunded(self, tx: Transaction, payment: Payment, refund: Refund) -> None:
        await self._tell(tx, payment, "refunded", refunded=refund.amount)

    async def open_orders(self, rows: Rows, store_id: str) -> list[OpenOrder]:
        sql = "SELECT id, due, held, paid, refunded, told FROM bills WHERE due > held + paid ORDER BY id"
        moment = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
        return [
            OpenOrder("bill", bill.id, Money(bill.due - bill.held - bill.paid, "USD"), bill.id, moment)
            for bill in await rows.rows(Bill, sql)
        ]

    async def whole_of(self, rows: Rows, id: str) -> dict[str, Any]:
        return {}

    async def _tell(self, tx: Transaction, payment: Payment, word: str, **sums: int) -> None:
        sql = """UPDATE bills SET held = held + %(held)s, paid = paid + %(paid)s, refunded = refunded + %(refunded)s,
                 told = told || %(word)s::text WHERE id = %(id)s"""
        assert await tx.run(sql, {"held": 0, "paid": 0, "refunded": 0, "word": word, "id": payment.payable_id} | sums)


def new_payment(bill: str = "bill_1", amount: str = "12.50", **changes: Any) -> NewPayment:
    """A barcode payment that nothing is wrong with."""
    whole: dict[str, Any] = {
        "merchant_id": MERCHANT,
        "account_id": ACCOUNT,
        "method": Method.BARCODE,
        "amount": Money.parse(amount, changes.pop("currency", "USD")),
        "subject": "Noodle set",
        "payable_kind": "bill",
        "payable_id": bill,
        "shop": SHOP,
        "policy": "barcode",
        "payment_code": "281234567890123456",
        "by": "stf_ann",
        "store_id": STORE,
        "terminal_id": "T01",
    }
    return NewPayment(**(whole | changes))


def page_payment(bill: str = "bill_1", amount: str = "12.50", **changes: Any) -> NewPayment:
    """A payment in the wallet's page that nothing is wrong with."""
    page: dict[str, Any] = {
        "method": Method.WALLET_PAGE,
        "policy": "wallet_page",
        "payment_code": "",
        "buyer_id": "2088000000009999",
    }
    return new_payment(bill, amount, **(page | changes))


class House:
    """A payment core with its world around it, and a hand on the clock."""

    def __init__(self, db: Database, clock: MovableClock) -> None:
        self.db = db
        self.clock = clock
        self.alipay = FakeAlipay(clock)
        self.payments = self.process()

    def process(self) -> Payments:
        """Another process of the same house: nothing is shared but the database and the outside world."""
        return Payments(
            self.db,
            self.clock,
            {ACCOUNT: self.alipay},
            {"bill": Bills()},
            lambda account: f"https://pos.example.com/alipay/notify/{account}",
            jitter=lambda: 0.5,
        )

    async def bill(self, due: str = "12.50", id: str = "bill_1", currency: str = "USD") -> str:
        async with self.db.reading() as rows:
            await rows.run(BILLS)
            await rows.run(
                "INSERT INTO bills (id, due) VALUES (%(id)s, %(due)s)",
                {"id": id, "due": Money.parse(due, currency).minor},
            )
        return id

    async def look_at_bill(self, id: str = "bill_1") -> Bill:
        async with self.db.reading() as rows:
            return await rows.one(Bill, "SELECT * FROM bills WHERE id = %(id)s", {"id": id})

    async def tick(self, seconds: float = 0) -> int:
        """Move the clock and let a worker handle what is due."""
        self.clock.advance(timedelta(seconds=seconds))
        return await drive_due(self.db, self.payments.works(), self.clock)

    async def next_due(self) -> Any:
        async with self.db.reading() as rows:
            return await rows.value(
                "SELECT min(due_at) FROM (SELECT due_at FROM payments UNION ALL SELECT due_at FROM refunds) AS all_due"
            )

    async def play(self, seconds: float = 400) -> None:
        """Let time pass, look by look, as workers see it, for so long or until nothing is due any more."""
        end = self.clock.now() + timedelta(seconds=seconds)
        while (due := await self.next_due()) is not None and due <= end:
            if due > self.clock.now():
                self.clock.advance(due - self.clock.now())
            await drive_due(self.db, self.payments.works(), self.clock)
        if self.clock.now() < end:
            self.clock.advance(end - self.clock.now())

    async def deliver(self, **changes: str) -> list[NoticeAnswer]:
        """Alipay's notices arrive, all that are in the outbox."""
        posted, self.alipay.outbox = self.alipay.outbox, []
        return [await self.payments.notified(ACCOUNT, notice | changes) for notice in posted]

    async def faults(self) -> list[Fault]:
        async with self.db.reading() as rows:
            return await faults(rows, self.clock.now())

    async def sales(self) -> int:
        """What the ledger says was sold, in minor units, less refunds and reversals."""
        async with self.db.reading() as rows:
            sql = "SELECT coalesce(sum(CASE kind WHEN 'sale' THEN amount ELSE -amount END), 0)::bigint FROM postings"
            return int(await rows.value(sql))

    async def doors(self, payment_id: str) -> list[str]:
        return [f"{event.door}:{event.event}" for event in await self.payments.story(payment_id)]


def same_day_window(house: House) -> timedelta:
    """How long until cancels of payments made now are refused."""
    return cancel_window_ends(house.clock.now()) - house.clock.now()
