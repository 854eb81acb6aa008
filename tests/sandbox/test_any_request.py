"""Whatever is sent, the XML gateway answers, keeps its rules of signing, and makes and loses no money."""

from __future__ import annotations

import contextlib
import random
from collections import Counter

from saoma.alipay.signing import md5_signatory
from saoma.alipay.wire import Unreadable, form, read_answer
from saoma.kit.errors import Refused
from saoma.kit.money import Money
from saoma.sandbox import forex
from saoma.sandbox.autodebit import sign_agreement
from saoma.sandbox.choices import Choices
from saoma.sandbox.faults import Fault, FaultKind
from saoma.sandbox.mapi import OPERATIONS
from saoma.sandbox.model import Partner, TradeStatus
from saoma.sandbox.trades import Book
from tests.sandbox import make
from tests.sandbox.make import PARTNER, Desk
from tests.sandbox.test_currencies_and_timers import SMALLEST

SEED = 20240105
#: A hundred thousand take a minute: `played(seed, 100_000)`.
REQUESTS = 1_500
NUMBERS = ["A", "B", "C", "W", "2024010521001000000000000001", "R-1", "R-2"]
NONSENSE = [
    "", " ", "0", "-1", "1e9", "NaN", "٣", "null", "[]", "{}", "[[[[", '{"a":{"b":[]}}', "牛肉面", "\x00", "\ufffe",
    "😀", "<a>&amp;]]>", "a=b&c=d", "100000000.01", "0.001", "1" * 5000, "2024-01-05 12:15:00", "20240230", "USD",
    "JPY", "HKD", "XXX", "Y", "N", "true", "'\"`", "\r\n", "http://127.0.0.1:9/n", "2088000000009999", "12.5",
]  # fmt: skip
KINDS = [kind for kind in FaultKind if "silence" not in kind.value]


def wealth(book: Book) -> int:
    """Every fen there is: in wallets, and taken for trades that stand."""
    taken = sum(trade.cny for trade in book.trades.values() if trade.paid_at)
    undone = sum(
        trade.cny for trade in book.trades.values() if trade.paid_at and trade.close_reason in ("cancelled", "reversed")
    )
    given = sum(refund.cny for refund in book.refunds.values() if refund.state == "SUCCESS")
    return sum(buyer.balance for buyer in book.buyers()) + taken - undone - given


def some_request(dice: random.Random, agreement: str) -> dict[str, str]:
    fields = dict(SMALLEST[dice.choice(sorted(SMALLEST))])
    fields["_input_charset"] = dice.choice(["UTF-8", "utf-8", "GBK", "gb2312"])
    for name in fields:
        if name in ("partner_trans_id", "out_trade_no", "trade_no", "partner_refund_id", "out_return_no"):
            fields[name] = dice.choice(NUMBERS)
    if "agreement_info" in fields:
        fields["agreement_info"] = f'{{"agreement_no":"{agreement}"}}'
    for _ in range(dice.choice([0, 0, 1, 2])):
        name = dice.choice([*fields, "trade_no", "notify_url", "is_sync", "colour"])
        if name not in ("service", "partner", "_input_charset"):
            fields[name] = dice.choice(NONSENSE + NUMBERS)
    for _ in range(dice.choice([0, 0, 0, 1])):
        fields.pop(dice.choice(sorted(fields)))
    return fields


def some_buyer_acts(book: Book, dice: random.Random) -> None:
    trade = dice.choice(list(book.trades.values()))
    with contextlib.suppress(Refused):
        if trade.status is TradeStatus.ORDERED:
            book.scan(book.code_url(trade.qr_token), dice.choice(["anna", "alice"]))
        else:
            book.pay(trade.trade_no, trade.buyer_id, dice.choice(["123456", "000000"]))


def checked(desk: Desk, fields: dict[str, str], dice: random.Random, forged: set[str]) -> str:
    charset = fields.get("_input_charset", "GBK")
    codec = "utf-8" if charset.upper() == "UTF-8" else "gbk"
    try:
        text = form(make.signed(fields, codec=codec), charset)
    except (Unreadable, UnicodeEncodeError):
        return "not sent"
    reply = desk.sandbox.mapi.answer(text, b"") if dice.random() < 0.5 else desk.sandbox.mapi.answer(b"", text)
    assert reply.body is not None
    if reply.content_type.startswith("text/plain"):
        return "text"
    said = read_answer(reply.body)
    if not said.is_success:
        assert said.error.isupper()
        assert not said.sign
        return said.error
    if said.fields and not forged:
        assert said.is_signed_by(md5_signatory(make.KEY), charset), reply.body
        assert said.request["service"] == fields["service"]
    return "answered"


def played(seed: int, requests: int) -> Counter[str]:
    """A history of random calls. A failure tells its seed."""
    dice = random.Random(seed)
    desk = make.desk(choices=Choices(acquire_refund_takes_all=True, forex_refund_gap_seconds=0))
    before = wealth(desk.book)
    agreement = sign_agreement(desk.book, PARTNER, "anna").agreement_no
    forex.open_trade(desk.book, PARTNER, "W", "Lamp", Money(20_00, "USD"), "USD", "anna", "")
    heard: Counter[str] = Counter()
    for turn in range(requests):
        where = f"seed {seed}, request {turn}"
        forged: set[str] = set()
        fields = some_request(dice, agreement)
        if dice.random() < 0.1 and fields.get("service") in OPERATIONS:
            kind = dice.choice(KINDS)
            desk.sandbox.faults.clear()
            desk.sandbox.faults.plan(Fault(fields["service"], kind, code="PAYMENT_FAIL", seconds=0))
        if any(fault.fault is FaultKind.BAD_SIGNATURE for fault in desk.sandbox.faults.planned()):
            forged.add(where)
        if dice.random() < 0.05:
            desk.advance(minutes=dice.choice([1, 3, 60, 600]))
        if dice.random() < 0.1:
            some_buyer_acts(desk.book, dice)
        if dice.random() < 0.02:
            desk.sandbox.partners.add(
                Partner(
                    PARTNER, md5_key=make.KEY, region=dice.choice(["global", "hk"]), out_of_funds=dice.random() < 0.3
                )
            )
        try:
            heard[checked(desk, fields, dice, forged)] += 1
            assert wealth(desk.book) == before
        except BaseException as failure:
            failure.add_note(f"{where}: {fields}")
            raise
    return heard


def test_any_request_is_answered_by_the_rules_and_no_fen_goes_astray() -> None:
    heard = played(SEED, REQUESTS)
    assert {
        "answered",
        "text",
        "ILLEGAL_ARGUMENT",
        "ILLEGAL_PARTNER",
        "ILLEGAL_SERVICE",
        "SYSTEM_ERROR",
    } <= heard.keys()
    assert heard["answered"] > REQUESTS / 5
