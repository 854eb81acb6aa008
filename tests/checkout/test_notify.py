"""Alipay's door: genuine notifications count once, everything else changes nothing and is answered with `fail`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from saoma.alipay.account import Account
from saoma.alipay.notify import read_notice
from saoma.alipay.signing import md5_signatory, string_to_sign
from saoma.alipay.wire import form
from saoma.gateway import BadNotice, Notice
from saoma.identity import model
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.payments.lifecycle import Status
from saoma.payments.model import Payment
from tests.checkout import make
from tests.identity import make as identity
from tests.identity import web
from tests.payments.make import FakeAlipay

FORM = "application/x-www-form-urlencoded"
KEY = "the partner's own MD5 key"


@dataclass
class SigningAlipay(FakeAlipay):
    """A fake Alipay whose notifications are read by the real reader, with a real account."""

    account: Account | None = None

    def read_notice(self, fields: Mapping[str, str], currency: str) -> Notice | BadNotice:
        """Verified and read as in production."""
        assert self.account is not None
        return read_notice(self.account, fields, currency)


class Door:
    """The server's door for notifications, and Alipay in front of it."""

    def __init__(self, house: make.House, account: Account, client: httpx.AsyncClient, payment: Payment) -> None:
        self.house, self.account, self.client, self.payment = house, account, client, payment
        self.path = f"/alipay/notify/{house.shop.account_id}"

    def fields(self, **changes: str) -> dict[str, str]:
        """A genuine notification that the payment was paid, but for `changes`; not signed yet."""
        return {
            "notify_id": "b1e2f3a4c5",
            "notify_time": "2026-03-02 12:00:05",
            "notify_type": "trade_status_sync",
            "out_trade_no": self.payment.order_number,
            "trade_no": self.payment.trade_number,
            "trade_status": "TRADE_SUCCESS",
            "total_fee": "36.50",
            "currency": "USD",
            "seller_id": self.account.partner,
            "buyer_id": make.BUYER,
            "buyer_email": "ali***@example.com",
            "subject": "Table 5 · 面馆",
            "gmt_payment": "2026-03-02 12:00:04",
        } | changes

    def signed(self, fields: dict[str, str], charset: str = "utf-8", key: str = KEY) -> dict[str, str]:
        """The fields with Alipay's signature."""
        sign = md5_signatory(key).sign(string_to_sign(fields).encode(charset))
        return {**fields, "sign": sign, "sign_type": "MD5"}

    async def post(self, fields: Mapping[str, str], charset: str = "utf-8", query: str = "") -> str:
        """Post a form as Alipay does; the answer's text."""
        return await self.raw(form(fields, charset), f"{FORM}; charset={charset}", query)

    async def raw(self, body: bytes, content_type: str, query: str = "") -> str:
        """Post anything; whatever it is, the answer is plain text and no error of ours."""
        answer = await self.client.post(
            self.path + query, content=body, headers={"Content-Type": content_type} if content_type else {}
        )
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/plain")
        assert "set-cookie" not in answer.headers
        return answer.text

    async def status(self) -> Status:
        """How the payment stands."""
        return (await self.house.payments.get(self.payment.id)).status


@pytest.fixture
async def door(database: Database, clock: MovableClock) -> AsyncIterator[Door]:
    """A payment that waits for its buyer, and the door."""
    house = await make.house(database, clock)
    async with database.reading() as rows:
        account = (await model.accounts(rows, identity.seal()))[0][1]
    account = identity.account(partner=account.partner, md5_key=KEY)
    alipay = SigningAlipay(clock, account=account)
    house.alipay = alipay
    house.payments.gateways[house.shop.account_id] = alipay  # type: ignore[index]
    payment = await house.wallet_payment()
    async with web.browsers(house.server()) as (browser,):
        yield Door(house, account, browser.client, payment)


async def test_a_genuine_notification_is_answered_success_and_the_bill_is_paid(door: Door) -> None:
    assert await door.post(door.signed(door.fields())) == "success"
    assert await door.status() is Status.SUCCEEDED
    async with door.house.db.reading() as rows:
        assert await rows.value("SELECT told::text FROM bills") == "{paid}"


async def test_a_replayed_notification_is_answered_success_and_counts_once(door: Door) -> None:
    fields = door.signed(door.fields())
    assert [await door.post(fields) for _ in range(3)] == ["success"] * 3
    async with door.house.db.reading() as rows:
        assert await rows.value("SELECT told::text FROM bills") == "{paid}"
        assert await rows.value("SELECT paid FROM bills") == 3650


async def test_a_notification_in_gbk_is_read_as_gbk(door: Door) -> None:
    assert await door.post(door.signed(door.fields(), charset="gbk"), charset="gbk") == "success"
    assert await door.status() is Status.SUCCEEDED


async def test_a_notification_that_does_not_say_its_charset_is_read_as_what_it_is(door: Door) -> None:
    fields = door.signed(door.fields(subject="面馆"), charset="gbk")
    assert await door.raw(form(fields, "gbk"), FORM) == "success"
    assert await door.status() is Status.SUCCEEDED


async def test_the_query_of_our_own_address_is_not_part_of_what_was_signed(door: Door) -> None:
    fields = {**door.signed(door.fields()), "shop": "noodles"}
    assert await door.post(fields) == "fail", "a field too many breaks the signature"
    assert await door.post(fields, query="?shop=noodles") == "success"
    assert await door.status() is Status.SUCCEEDED


async def test_a_field_put_into_the_query_is_not_believed(door: Door) -> None:
    fields = door.signed(door.fields(trade_status="WAIT_BUYER_PAY"))
    await door.post(fields, query="?trade_status=TRADE_SUCCESS")
    assert await door.status() is Status.PENDING


@pytest.mark.parametrize(
    ("hole", "changes"),
    [
        ("wrong amount", {"total_fee": "0.01"}),
        ("another currency's amount", {"currency": "JPY", "total_fee": "3650"}),
        ("wrong account", {"seller_id": "2088000000009998"}),
        ("unknown order", {"out_trade_no": "SM00000000000000000000000"}),
        ("another trade", {"trade_no": "2026999999999999999999999999"}),
    ],
)
async def test_a_signed_notification_that_does_not_fit_changes_nothing(
    door: Door, hole: str, changes: dict[str, str]
) -> None:
    assert await door.post(door.signed(door.fields(**changes))) == "fail", hole
    assert await door.status() is Status.PENDING


async def test_a_changed_byte_breaks_the_signature(door: Door) -> None:
    genuine = door.signed(door.fields())
    for name in ("total_fee", "out_trade_no", "trade_status", "notify_id"):
        assert await door.post({**genuine, name: genuine[name] + "0"}) == "fail", name
    assert await door.status() is Status.PENDING


@pytest.mark.parametrize("change", [{"sign": ""}, {"sign": "0" * 32}, {"sign_type": "RSA2"}, {"sign_type": ""}])
async def test_a_missing_or_swapped_signature_is_refused(door: Door, change: dict[str, str]) -> None:
    assert await door.post({**door.signed(door.fields()), **change}) == "fail"
    assert await door.status() is Status.PENDING


async def test_a_signature_by_another_partners_key_is_refused(door: Door) -> None:
    assert await door.post(door.signed(door.fields(), key="key of somebody else")) == "fail"
    assert await door.status() is Status.PENDING


async def test_a_genuine_notification_at_another_accounts_door_is_refused(door: Door) -> None:
    other = await identity.shop(door.house.db, name="Burrito Bar")
    door.house.payments.gateways[other.account_id] = SigningAlipay(  # type: ignore[index]
        door.house.clock, account=identity.account(md5_key=KEY)
    )
    door.path = f"/alipay/notify/{other.account_id}"
    assert await door.post(door.signed(door.fields())) == "fail"
    door.path = "/alipay/notify/acc_unknown"
    assert await door.post(door.signed(door.fields())) == "fail"
    assert await door.status() is Status.PENDING


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", FORM),
        (b"", ""),
        (b"\x00\xff\xfe", FORM),
        (b"a=%", FORM),
        (b"a=%ff%fe", FORM),
        (b"a=1", FORM + "; charset=utf-99"),
        (b"a=1", FORM + "; charset="),
        (b"{}", "application/json"),
        (b"--x\r\n\r\n--x--", "multipart/form-data; boundary=x"),
        (b"a=1", "nonsense"),
        (b"&&&===", FORM),
        (b"a" * 70_000, FORM),
        (b"&".join(b"k%d=1" % n for n in range(5000)), FORM),
    ],
)
async def test_garbage_is_answered_with_fail_and_no_error_of_ours(door: Door, body: bytes, content_type: str) -> None:
    assert await door.raw(body, content_type) == "fail"
    assert await door.status() is Status.PENDING


async def test_a_field_given_twice_is_refused_whole(door: Door) -> None:
    genuine = door.signed(door.fields())
    assert await door.raw(form(genuine, "utf-8") + b"&total_fee=36.50", FORM) == "fail"
    assert await door.status() is Status.PENDING


async def test_a_notification_needs_no_cookie_and_no_token_and_gets_none(door: Door) -> None:
    door.client.cookies.clear()
    assert await door.post(door.signed(door.fields())) == "success"
    assert dict(door.client.cookies) == {}


async def test_the_door_is_for_posting_only(door: Door) -> None:
    answer: Any = await door.client.get(door.path)
    assert answer.status_code == 405
