"""One book behind three gateways: whoever pays, cancels and refunds by which, money, fees, payouts and files add up."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from saoma.kit.clock import BEIJING
from saoma.kit.errors import Refused
from saoma.kit.money import Money
from saoma.sandbox.book.model import Trade, TradeStatus
from saoma.sandbox.config import BuyerSetting, Config
from saoma.sandbox.faults.faults import Fault, FaultKind
from saoma.sandbox.mapi import forex
from saoma.sandbox.server import Sandbox
from tests.sandbox import make
from tests.sandbox.any_request import wealth
from tests.sandbox.make import PARTNER
from tests.sandbox.near import near
from tests.sandbox.openapi.make import Desk as OpenDesk
from tests.sandbox.plus import make as plus

RATE = Decimal("0.006")
URL = "http://127.0.0.1:9/notify"
GATEWAY = st.sampled_from(["xml", "open", "plus"])
#: An order number: a new one mostly, or one of those there are, by its place from behind.
NUMBERS = st.sampled_from([0, 0, 0, 0, 1, 2])
KNOWN = st.sampled_from([1, 1, 1, 2, 2, 3, 4])
WHO = st.sampled_from(["anna", "ben", "chen"])
CENTS = st.integers(1, 3_000)
UNDONE = ("cancelled", "reversed")
FAULTS = ("unknown", "system_error_after", "system_error_before", "bad_signature", "refused", "pays_late")
SERVICES = {
    "xml": (make.PAY, make.CANCEL, make.REFUND, make.PRECREATE),
    "open": ("alipay.trade.pay", "alipay.trade.cancel", "alipay.trade.refund"),
    "plus": tuple(f"/ams/api/v1/payments/{name}" for name in ("pay", "cancel", "refund")),
}


class GatewaysMachine(RuleBasedStateMachine):
    """A Friday evening in Beijing; three buyers, five order numbers that every gateway uses."""

    def __init__(self) -> None:
        super().__init__()
        buyers = [
            BuyerSetting("anna"),
            BuyerSetting("ben", balance=Decimal(900)),
            BuyerSetting("chen", pin_required=True),
        ]
        self.contract = plus.partner(fee_rate=str(RATE))
        self.sandbox = Sandbox(
            Config(partners=[self.contract], buyers=buyers),
            make.clock(datetime(2024, 1, 5, 23, 30, tzinfo=BEIJING)), store=make.store(),
        )  # fmt: skip
        self.wealth = wealth(self.book)
        self.numbers = ["N0"]
        self.published: dict[str, bytes] = {}

    def named(self, place: int) -> str:
        """The number of an order."""
        if not place:
            self.numbers.append(f"N{len(self.numbers)}")
            return self.numbers[-1]
        return self.numbers[-min(place, len(self.numbers))]

    @property
    def book(self) -> Any:
        return self.sandbox.book

    # --- the gateways ------------------------------------------------------------------------------------------------

    def xml(self, fields: dict[str, str]) -> None:
        if "timestamp" in fields:
            fields["timestamp"] = f"{self.book.clock.now().astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"
        assert make.Desk(self.sandbox).get(make.signed(fields)).body is not None

    def open(self, method: str, **content: str) -> None:
        desk = OpenDesk(self.sandbox)
        desk.send(desk.signed(f"alipay.trade.{method}", content))

    def plus(self, operation: str, body: dict[str, Any]) -> None:
        self.sandbox.plus.answer(plus.signed(operation, body))

    @initialize(buyers=st.tuples(WHO, WHO, WHO), order=st.permutations(["xml", "open", "plus"]))
    def each_gateway_takes_a_payment(self, buyers: tuple[str, str, str], order: list[str]) -> None:
        for buyer, gateway in zip(buyers, order, strict=True):
            self.pays_at_a_till(gateway, 0, buyer, 1_000, "USD")
        self.pays_online(0, buyers[0], 1_000)

    # --- what may happen ---------------------------------------------------------------------------------------------

    @rule(gateway=GATEWAY, place=NUMBERS, buyer=WHO, cents=CENTS, currency=st.sampled_from(["USD", "USD", "JPY"]))
    def pays_at_a_till(self, gateway: str, place: int, buyer: str, cents: int, currency: str) -> None:
        number = self.named(place)
        code, amount = self.book.new_payment_code(buyer).code, Money(cents, currency)
        match gateway:
            case "xml":
                self.xml(make.pay_fields(number, code, trans_amount=amount.text, currency=currency, notify_url=URL))
            case "open":
                self.open(
                    "pay", out_trade_no=number, scene="bar_code", auth_code=code, subject="s", total_amount=amount.text,
                    trans_currency=currency, settle_currency=currency,
                )  # fmt: skip
            case _:
                price = {"currency": currency, "value": str(cents)}
                body = plus.pay_body(number, code, paymentAmount=price, order__orderAmount=price)
                body["settlementStrategy"] = {"settlementCurrency": currency}
                self.plus("pay", body | {"paymentNotifyUrl": URL})

    @rule(gateway=GATEWAY, place=NUMBERS, buyer=WHO, cents=CENTS, pays=st.booleans())
    def pays_an_order_code(self, gateway: str, place: int, buyer: str, cents: int, pays: bool) -> None:  # noqa: FBT001
        number = self.named(place)
        amount = Money(cents, "USD")
        match gateway:
            case "xml":
                fields = make.create_fields(number, service=make.PRECREATE, total_fee=amount.text, it_b_pay="20m")
                del fields["buyer_id"]
                self.xml(fields)
            case "open":
                self.open("precreate", out_trade_no=number, subject="s", total_amount=amount.text)
            case _:
                price = {"currency": "USD", "value": str(cents)}
                self.plus("pay", plus.order_code_body(number, paymentAmount=price, order__orderAmount=price))
        trade = self.book.trades.get((PARTNER, number))
        with suppress(Refused):
            if trade is not None and trade.qr_token:
                self.book.scan(self.book.code_url(trade.qr_token), buyer)
                (self.book.pay(trade.trade_no, buyer, "123456") if pays else self.book.refuse(trade.trade_no, buyer))

    @rule(place=NUMBERS, buyer=WHO, cents=CENTS)
    def pays_online(self, place: int, buyer: str, cents: int) -> None:
        number = self.named(place)
        with suppress(Refused):
            trade = forex.open_trade(self.book, PARTNER, number, "s", Money(cents, "USD"), "USD", buyer, "")
            self.book.pay(trade.trade_no, buyer, "123456")

    @rule(gateway=GATEWAY, place=KNOWN)
    def asks(self, gateway: str, place: int) -> None:
        number = self.named(place)
        match gateway:
            case "xml":
                self.xml(make.basic(make.QUERY, partner_trans_id=number))
            case "open":
                self.open("query", out_trade_no=number)
            case _:
                self.plus("inquiryPayment", {"paymentRequestId": number})

    @rule(place=KNOWN)
    def confirms_on_the_phone(self, place: int) -> None:
        number = self.named(place)
        trade = self.book.find(PARTNER, number)
        with suppress(Refused):
            if trade is not None and trade.is_waiting:
                self.book.pay(trade.trade_no, trade.buyer_id, "123456")

    @rule(gateway=st.sampled_from(["xml", "open", "plus", "reverse", "close"]), place=KNOWN)
    def undoes(self, gateway: str, place: int) -> None:
        number = self.named(place)
        match gateway:
            case "xml":
                self.xml(make.cancel_fields(number))
            case "open":
                self.open("cancel", out_trade_no=number)
            case "plus":
                self.plus("cancel", {"paymentRequestId": number})
            case "reverse":
                self.xml(make.basic("alipay.acquire.overseas.spot.reverse", partner_trans_id=number))
            case _:
                self.open("close", out_trade_no=number)

    @rule(
        gateway=GATEWAY, place=KNOWN, refund=st.sampled_from(["R1", "R2", "R3"]), parts=st.integers(1, 4),
        sync=st.booleans(), more=st.sampled_from([0, 0, 0, 1]),
    )  # fmt: skip
    def refunds(self, gateway: str, place: int, refund: str, parts: int, sync: bool, more: int) -> None:  # noqa: FBT001
        number = self.named(place)
        trade = self.book.find(PARTNER, number)
        left = trade.amount - trade.refunded if trade else 100
        amount = Money(max(1, -(-left // parts) + more), trade.trans_currency if trade else "USD")
        no = f"{number}{refund}"
        match gateway:
            case "xml":
                fields = make.refund_fields(number, no, amount.text, is_sync="Y" if sync else "N", notify_url=URL)
                self.xml(fields | {"currency": trade.currency if trade else "USD"})
            case "open":
                self.open("refund", out_trade_no=number, refund_amount=amount.text, out_request_no=no)
            case _:
                payment = self.sandbox.plus.payments.of_trade(trade) if trade else None
                payment_id = payment.payment_id if payment else "0"
                price = {"currency": amount.currency, "value": str(amount.minor)}
                body = {
                    "paymentId": payment_id,
                    "refundRequestId": no,
                    "refundAmount": price,
                    "refundNotifyUrl": URL,
                }
                self.plus("refund", body | {"isAsyncRefund": "false" if sync else "true"})

    @rule(gateway=GATEWAY, place=st.integers(0, 3), fault=st.sampled_from(FAULTS))
    def something_goes_wrong_next(self, gateway: str, place: int, fault: str) -> None:
        service = SERVICES[gateway][place % len(SERVICES[gateway])]
        if fault != "pays_late" or service.endswith("pay"):
            self.sandbox.faults.plan(Fault(service, FaultKind(fault), seconds=30, code="PAYMENT_FAIL"))

    @rule(
        day_limit=st.sampled_from([None, None, Decimal(300)]),
        no_funds=st.booleans(),
        buyer_limit=st.sampled_from([None, 9000]),
    )
    def contracts_change(self, day_limit: Decimal | None, no_funds: bool, buyer_limit: int | None) -> None:  # noqa: FBT001
        changed = msgspec.structs.replace(self.contract, day_limit=day_limit, out_of_funds=no_funds)
        self.sandbox.partners.add(changed)
        ben = self.book.buyer("ben")
        self.book.add_buyer("ben", terms=msgspec.structs.replace(ben.terms, month_limit=buyer_limit))

    @rule(minutes=st.sampled_from([0.5, 3, 31, 60, 720, 1440]))
    def time_passes(self, minutes: float) -> None:
        self.book.advance(timedelta(minutes=minutes))

    @rule()
    def the_process_dies_and_comes_back(self) -> None:
        known = self.book.trades
        clock = make.clock(datetime(2024, 1, 5, 23, 30, tzinfo=BEIJING))
        self.sandbox = Sandbox(Config(), clock, store=self.book.store)
        assert self.book.trades == known

    # --- what always holds -------------------------------------------------------------------------------------------

    @invariant()
    def no_fen_is_made_or_lost(self) -> None:
        assert wealth(self.book) == self.wealth
        assert all(buyer.balance >= 0 for buyer in self.book.buyers())

    @invariant()
    def nobody_gets_back_more_than_was_paid(self) -> None:
        for trade in self.book.trades.values():
            done = [one for one in self.book.refunds_of(trade) if one.state != "FAILED"]
            assert sum(one.amount for one in done) <= trade.amount
            assert sum(one.cny for one in done) <= trade.cny
            assert not (done and trade.close_reason in UNDONE)
            assert trade.paid_at or not done

    def teardown(self) -> None:
        self.a_week_later_the_files_add_up()

    @rule()
    def a_week_later_the_files_add_up(self) -> None:
        self.book.advance(timedelta(days=7))
        files = self.sandbox.daily_files
        rows: list[dict[str, str]] = []
        settled: list[dict[str, str]] = []
        for name in files.names(PARTNER):
            if name.endswith(".zip") or "settlebatch" in name:
                continue
            content = files.read(PARTNER, name) or b""
            assert self.published.setdefault(name, content) == content
            text = content.decode()
            (settled if "_settle" in name else rows).extend(self._read(text))
        paid = [trade for trade in self.book.trades.values() if trade.paid_at]
        self._every_trade_stands_in_the_files(paid, rows)
        assert Counter(row["Partner_transaction_id"] for row in settled) == Counter(
            row["Partner_transaction_id"] for row in rows
        )
        paid_out: Counter[str] = Counter()
        fees: Counter[str] = Counter()
        for row in settled:
            amount, fee, net = (Money.parse(row[name], row["Currency"]) for name in ("Amount", "Fee", "Settlement"))
            assert net == amount - fee and fee.minor >= 0
            fees[row["Transaction_id"]] += fee.minor if row["Type"] == "P" else -fee.minor
            assert abs(amount.decimal * Decimal(row["Rate"]) - Decimal(row["Rmb_amount"])) <= Decimal("0.005")
            paid_out[row["Currency"]] += net.minor if row["Type"] == "P" else -net.minor
        for trade in paid:
            taken = int((trade.settle_amount * RATE).to_integral_value(ROUND_HALF_UP))
            on_its_way = sum(one.amount for one in self.book.refunds_of(trade) if one.state == "PROCESSING")
            share = Decimal(taken * (trade.refunded - on_its_way)) / trade.amount
            assert fees[trade.trade_no] == taken - int(share.to_integral_value(ROUND_HALF_UP))
        payouts: Counter[str] = Counter()
        for one in files.payouts(PARTNER):
            payouts[one.currency] += one.net
        assert payouts == paid_out

    def _every_trade_stands_in_the_files(self, paid: list[Trade], rows: list[dict[str, str]]) -> None:
        of_trade: dict[str, list[dict[str, str]]] = {}
        for row in rows:
            of_trade.setdefault(row["Transaction_id"], []).append(row)
        assert of_trade.keys() == {trade.trade_no for trade in paid}
        for trade in paid:
            kinds = Counter(row["Transaction_type"] for row in of_trade[trade.trade_no])
            done = [one for one in self.book.refunds_of(trade) if one.state == "SUCCESS"]
            assert kinds["PAYMENT"] == 1
            assert kinds["REFUND"] == len(done)
            assert kinds["CANCEL"] + kinds["REVERSAL"] == (trade.close_reason in UNDONE)
            left = 0
            for row in of_trade[trade.trade_no]:
                minor = Money.parse(row["Transaction_amount"], trade.currency).minor
                left += minor if row["Transaction_type"] == "PAYMENT" else -minor
            kept = 0 if trade.status is TradeStatus.TRADE_CLOSED else trade.amount - sum(one.amount for one in done)
            assert left == -(-trade.settle_amount * kept // trade.amount)

    def _read(self, text: str) -> list[dict[str, str]]:
        lines = text.splitlines()
        if lines[0].startswith("Partner:"):
            assert lines[0].endswith(f"Total_count:{len(lines) - 2}")
            lines = lines[1:]
        delimiter = "|" if "|" in lines[0] else ","
        head = lines[0].split(delimiter)
        return [dict(zip(head, line.split(delimiter), strict=True)) for line in lines[1:]]


GatewaysMachine.TestCase.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)
TestGatewaysMachine = GatewaysMachine.TestCase


async def test_a_refund_that_another_gateway_asked_for_is_told_at_alipay_plus() -> None:
    wire = near(Config(partners=[plus.partner()], buyers=[BuyerSetting("anna")]))
    client = plus.Client(wire)
    assert (await client.ask("pay", plus.pay_body("P1", paymentNotifyUrl=URL))).code == "SUCCESS"
    await wire.send(make.signed(make.refund_fields("P1", "XR", "2.00", is_sync="N", notify_url=URL)))
    OpenDesk(wire.sandbox).ask(
        "alipay.trade.refund", {"out_trade_no": "P1", "refund_amount": "1", "out_request_no": "OR"}
    )
    await wire.advance(minutes=1)
    said = await client.ask("inquiryPayment", {"paymentRequestId": "P1"})
    told = [(one["transactionRequestId"], one["transactionAmount"]["value"]) for one in said.body["transactions"]]
    assert told == [("XR", "200"), ("OR", "100")]
