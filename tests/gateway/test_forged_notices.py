"""Forged, damaged, misdirected and repeated notifications at the real door, over HTTP: only the true one does anything.

The true ones are those the sandbox posted; the letter box kept them to the byte."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from saoma.alipay.signing import Signatory, md5_signatory, new_rsa_key, rsa_signatory, string_to_sign
from saoma.alipay.signing import SignType as Kind
from saoma.alipay.wire import Unreadable, form, parse_form
from saoma.payments.lifecycle import Status
from tests.gateway import make
from tests.gateway.alipay import Letter
from tests.gateway.house import House, Shop, Watched

pytestmark = pytest.mark.asyncio(loop_scope="session")

FORM = "application/x-www-form-urlencoded; charset=UTF-8"


class Trace(msgspec.Struct, frozen=True):
    """One line of the log of refused notices."""

    why: str
    times: int
    order_number: str
    raw: str


@dataclass(repr=False)
class Waiting:
    """A payment that was paid at Alipay, whose true notification has not arrived yet."""

    house: House
    shop: Shop
    watched: Watched
    letter: Letter

    @property
    def genuine(self) -> dict[str, str]:
        """The fields of the true one."""
        return self.letter.fields

    async def post(self, body: bytes, kind: str = FORM) -> str:
        """Post to this account's door."""
        return await self.house.post(self.shop.account_id, body, kind)

    async def deliver(self) -> str:
        """The true one arrives."""
        return await self.post(self.letter.body, self.letter.kind)

    async def traces(self) -> list[Trace]:
        """What the log of refused notices holds about this account."""
        sql = "SELECT why, times, order_number, raw FROM notices_refused WHERE account_id = %(id)s ORDER BY id"
        async with self.house.rooms.db.reading() as rows:
            return await rows.rows(Trace, sql, {"id": self.shop.account_id})

    async def everything(self) -> dict[str, list[Any]]:
        """All that a notification could change, as it stands now."""
        async with self.house.rooms.db.reading() as rows:
            return {
                table: await rows.rows(_Row, f"SELECT row_to_json(t)::text AS row FROM {table} AS t ORDER BY t")
                for table in ("payments", "refunds", "payment_events", "postings", "notices_seen", "bills")
            }

    async def is_refused(self, body: bytes, why: str, kind: str = FORM) -> None:
        """Posted, it is answered with failure, changes nothing, and leaves its trace with the reason."""
        before, traces = await self.everything(), await self.traces()
        assert await self.post(body, kind) == "fail"
        assert await self.everything() == before
        left = await self.traces()
        new = [trace for trace in left if trace not in traces]
        assert [trace.why for trace in new] == [why]

    async def ends_paid(self) -> None:
        """After all of that, the true one still does its work."""
        assert await self.watched.status() is Status.PENDING
        assert await self.deliver() == "success"
        assert await self.watched.status() is Status.SUCCEEDED
        await self.watched.follow()
        await self.house.assert_books_agree(self.shop)


class _Row(msgspec.Struct, frozen=True):
    row: str


def signed(fields: Mapping[str, str], signatory: Signatory, charset: str = "UTF-8") -> bytes:
    """A form signed by whoever holds this key."""
    bare = {name: value for name, value in fields.items() if name not in ("sign", "sign_type")}
    signature = signatory.sign(string_to_sign(bare).encode(charset))
    return form({**bare, "sign": signature, "sign_type": signatory.sign_type.value}, charset)


async def waiting(house: House, name: str, buyer: str = "anna") -> Waiting:
    """Paid, and nobody here knows."""
    shop = house.shops[name]
    watched = await house.page(shop, buyer)
    await house.alipay.pays(watched.number)
    (letter,) = await house.box.of(watched.number)
    return Waiting(house, shop, watched, letter)


@pytest_asyncio.fixture(loop_scope="session", params=["MD5", "RSA", "RSA2"])
async def case(request: pytest.FixtureRequest, house: House) -> Waiting:
    """One by each sign type."""
    return await waiting(house, request.param)


@pytest_asyncio.fixture(loop_scope="session")
async def ours(house: House) -> Waiting:
    """One whose key we know, as an insider would: an MD5 key is the same on both sides."""
    return await waiting(house, "MD5")


def key_of(case: Waiting) -> Signatory:
    return md5_signatory(case.shop.account.md5_key)


# --- the true one ---------------------------------------------------------------------------------------------------


async def test_the_true_one_is_answered_success_each_time_and_counts_once(case: Waiting) -> None:
    assert await case.deliver() == "success"
    once = await case.everything()
    assert [await case.deliver() for _ in range(3)] == ["success"] * 3
    assert await case.everything() == once
    await case.watched.follow()
    await case.house.assert_books_agree(case.shop)


async def test_the_true_one_sent_anew_by_alipay_counts_once_too(case: Waiting) -> None:
    assert await case.deliver() == "success"
    await case.house.alipay.push(1)
    await case.house.alipay.control("POST", f"notifications/{case.watched.number}/resend")
    again = (await case.house.box.of(case.watched.number, 2))[-1]
    assert again.body != case.letter.body, "the time of sending is another, so is the signature"
    assert await case.post(again.body, again.kind) == "success"
    await case.watched.follow()
    await case.house.assert_books_agree(case.shop)


async def test_a_true_one_in_gbk_is_understood(house: House) -> None:
    account = await make.account(house.alipay, Kind.RSA2, "GBK")
    await house.open_shop("GBK", account)
    case = await waiting(house, "GBK")
    assert case.letter.charset.upper() == "GBK"
    await case.ends_paid()


# --- damaged --------------------------------------------------------------------------------------------------------


async def test_a_changed_byte_anywhere_is_refused(case: Waiting) -> None:
    dice = random.Random(case.shop.account.partner)
    body, before, tried = case.letter.body, await case.everything(), 0
    while tried < 25:
        place = dice.randrange(len(body))
        changed = body[:place] + bytes([dice.choice(b"0123456789abcXYZ%&=+ \x00\xff")]) + body[place + 1 :]
        try:
            if parse_form(changed, "utf-8") == case.genuine:
                continue  # the same message, written differently
        except Unreadable:
            pass
        tried += 1
        assert await case.post(changed, case.letter.kind) == "fail", changed
    assert await case.everything() == before
    assert {trace.why for trace in await case.traces()} <= {"signature", "sign_type", "malformed", "account"}
    await case.ends_paid()


@pytest.mark.parametrize("name", ["total_fee", "out_trade_no", "trade_status", "trade_no", "seller_id", "notify_id"])
async def test_a_changed_field_is_refused(case: Waiting, name: str) -> None:
    values = {"total_fee": "0.01", "trade_status": "TRADE_FINISHED", "seller_id": "2088999999999999"}
    changed = {**case.genuine, name: values.get(name, case.genuine[name][:-1] + "7x")}
    await case.is_refused(form(changed, "utf-8"), "signature")
    await case.ends_paid()


async def test_an_added_field_and_a_missing_field_are_refused(case: Waiting) -> None:
    await case.is_refused(form({**case.genuine, "refund_fee": "36.50"}, "utf-8"), "signature")
    without = {name: value for name, value in case.genuine.items() if name != "buyer_id"}
    await case.is_refused(form(without, "utf-8"), "signature")
    unsigned = {name: value for name, value in case.genuine.items() if name != "sign"}
    await case.is_refused(form(unsigned, "utf-8"), "signature")
    await case.ends_paid()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", FORM),
        (b"\x00\xff\xfe&&==%%%", FORM),
        (b"out_trade_no=%C5%A3%C8%E2\x81&total_fee=\xff\xff", "application/x-www-form-urlencoded; charset=GBK"),
        ("out_trade_no=牛肉面".encode("gbk"), FORM),
        (b"a=1&" * 5000, FORM),
        (b"x=" + b"9" * 1_000_000, FORM),
        (b'{"trade_status":"TRADE_SUCCESS"}', "application/json"),
        (b"<xml/>", "text/xml"),
        (b"trade_status=TRADE_SUCCESS", "application/x-www-form-urlencoded; charset=utf-7"),
        (b"trade_status=TRADE_SUCCESS", "multipart/form-data; boundary=x"),
    ],
    ids=["empty", "noise", "broken GBK", "GBK called UTF-8", "thousands of fields", "one megabyte", "JSON", "XML",
         "no such charset", "multipart"],
)  # fmt: skip
async def test_garbage_is_refused_calmly_and_leaves_a_trace(ours: Waiting, body: bytes, kind: str) -> None:
    before, known = await ours.everything(), await ours.traces()
    assert await ours.post(body, kind) == "fail"
    assert await ours.everything() == before
    left = await ours.traces()
    assert sum(trace.times for trace in left) == sum(trace.times for trace in known) + 1
    (new,) = [trace for trace in left if trace not in known]
    assert new.why in ("malformed", "sign_type")
    assert len(new.raw) <= 8000
    await ours.ends_paid()


async def test_a_field_given_twice_is_refused_even_with_the_true_signature(case: Waiting) -> None:
    for extra in (b"&total_fee=36.50", b"&total_fee=0.01", b"&trade_status=TRADE_SUCCESS"):
        await case.is_refused(case.letter.body + extra, "malformed")
    await case.ends_paid()


async def test_the_same_forgery_many_times_is_one_line_with_a_count(case: Waiting) -> None:
    forged = form({**case.genuine, "total_fee": "1.00"}, "utf-8")
    known = await case.traces()
    assert [await case.post(forged) for _ in range(5)] == ["fail"] * 5
    (new,) = [trace for trace in await case.traces() if trace not in known]
    assert new.times == 5
    assert "1.00" in new.raw
    await case.ends_paid()


# --- another key or sign type ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["RSA", "RSA2"])
async def test_an_rsa_account_takes_no_md5_whatever_the_key(house: House, name: str) -> None:
    case = await waiting(house, name)
    account = case.shop.account
    bare = "".join(line for line in account.alipay_public_key.splitlines() if "-----" not in line)
    for key in ("", account.alipay_public_key, bare, house.shops["MD5"].account.md5_key):
        digest = hashlib.md5(f"{string_to_sign(case.genuine)}{key}".encode()).hexdigest()
        for called, why in (("MD5", "sign_type"), (name, "signature")):
            await case.is_refused(form({**case.genuine, "sign": digest, "sign_type": called}, "utf-8"), why)
    await case.ends_paid()


async def test_an_md5_account_takes_no_rsa_not_even_alipays_own(house: House) -> None:
    case, other = await waiting(house, "MD5"), await waiting(house, "RSA2")
    genuine_elsewhere = {**case.genuine, "sign": other.genuine["sign"], "sign_type": "RSA2"}
    await case.is_refused(form(genuine_elsewhere, "utf-8"), "sign_type")
    stranger, _ = new_rsa_key(1024)
    for kind in (Kind.RSA, Kind.RSA2):
        signatory = rsa_signatory(kind, stranger, None)
        await case.is_refused(signed(case.genuine, signatory), "sign_type")
    await case.ends_paid()
    await other.ends_paid()


@pytest.mark.parametrize("name", ["RSA", "RSA2"])
async def test_a_strangers_rsa_key_is_refused(house: House, name: str) -> None:
    case = await waiting(house, name)
    private, _ = new_rsa_key(1024)
    await case.is_refused(signed(case.genuine, rsa_signatory(Kind(name), private, None)), "signature")
    ours_not_theirs = rsa_signatory(Kind(name), case.shop.account.private_key, None)
    await case.is_refused(signed(case.genuine, ours_not_theirs), "signature")
    await case.ends_paid()


@pytest.mark.parametrize(("called", "name"), [("RSA", "RSA2"), ("RSA2", "RSA"), ("MD5", "RSA2"), ("md5", "MD5"),
                                              ("", "MD5"), ("", "RSA2"), ("HMAC", "RSA2")])  # fmt: skip
async def test_a_swapped_sign_type_is_refused(house: House, called: str, name: str) -> None:
    case = await waiting(house, name)
    await case.is_refused(form({**case.genuine, "sign_type": called}, "utf-8"), "sign_type")
    await case.ends_paid()


async def test_a_true_notification_of_another_account_is_refused_here(house: House) -> None:
    cases = [await waiting(house, name) for name in ("MD5", "RSA", "RSA2")]
    twin = await house.open_shop("Twin", await make.account(house.alipay, Kind.RSA2))
    cases.append(await waiting(house, "Twin"))
    for case in cases:
        for other in cases:
            if case is not other:
                same_kind = case.shop.account.sign_type is other.shop.account.sign_type
                why = "account" if same_kind else "sign_type"
                await case.is_refused(other.letter.body, why, other.letter.kind)
    assert twin.account.alipay_public_key == cases[2].shop.account.alipay_public_key, "one key of Alipay's for all"
    for case in cases:
        await case.ends_paid()


async def test_another_accounts_md5_key_is_worth_nothing_here(house: House) -> None:
    await house.open_shop("Neighbour", await make.account(house.alipay, Kind.MD5))
    case, other = await waiting(house, "MD5"), await waiting(house, "Neighbour")
    await case.is_refused(signed(case.genuine, key_of(other)), "signature")
    await case.is_refused(other.letter.body, "signature")
    await case.ends_paid()
    await other.ends_paid()


async def test_an_address_that_is_no_account_of_ours_takes_nothing(ours: Waiting) -> None:
    before = await ours.everything()
    for account_id in ("acc_nobody", "..", "%2e%2e%2f", "a" * 500):
        answer = await ours.house.post(account_id, ours.letter.body, ours.letter.kind) if account_id != ".." else "fail"
        assert answer == "fail"
    assert await ours.everything() == before
    await ours.ends_paid()


# --- a true signature over something that is not so -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"total_fee": "36.49"}, "amount"),
        ({"total_fee": "3650"}, "amount"),
        ({"total_fee": "0.00"}, "amount"),
        ({"total_fee": "-36.50"}, "malformed"),
        ({"total_fee": "36.5O"}, "malformed"),
        ({"currency": "HKD"}, "amount"),
        ({"currency": "CNY", "forex_total_fee": "36.50"}, "amount"),
        ({"out_trade_no": "SM0NOBODYKNOWSTHISONE"}, "order"),
        ({"out_trade_no": ""}, "malformed"),
        ({"notify_id": ""}, "malformed"),
        ({"trade_no": "2026030221001000000000009999"}, "trade"),
        ({"trade_status": "TRADE_DONE"}, "malformed"),
        ({"seller_id": "2088999999999999"}, "account"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(f"{n}={v}" for n, v in value.items()),
)
async def test_what_does_not_fit_the_order_is_refused_though_signed(
    ours: Waiting, change: dict[str, str], why: str
) -> None:
    await ours.is_refused(signed({**ours.genuine, **change}, key_of(ours)), why)
    await ours.ends_paid()


async def test_an_order_of_another_shop_is_unknown_here_even_with_our_own_key(house: House) -> None:
    ours, theirs = await waiting(house, "MD5"), await waiting(house, "RSA2")
    borrowed = {**theirs.genuine, "seller_id": ours.shop.account.partner}
    await ours.is_refused(signed(borrowed, key_of(ours)), "order")
    await ours.ends_paid()
    await theirs.ends_paid()


async def test_what_stands_in_our_own_address_was_never_signed_and_never_counts(ours: Waiting) -> None:
    path = f"{ours.shop.account_id}?total_fee=1.00&trade_status=TRADE_CLOSED"
    answer = await ours.house.post(path, ours.letter.body, ours.letter.kind)
    assert (answer, await ours.watched.status()) in (("fail", Status.PENDING), ("success", Status.SUCCEEDED))
    assert (await ours.watched.payment()).amount == 3650
    await ours.deliver()
    await ours.watched.follow()
    await ours.house.assert_books_agree(ours.shop)


# --- replays --------------------------------------------------------------------------------------------------------


async def test_a_replay_after_the_money_went_back_revives_nothing(case: Waiting) -> None:
    payment = await case.house.rooms.payments.give_up(case.watched.id, by="gst_anna")
    assert (payment.status, payment.gave_back) == (Status.CANCELLED, True)
    assert await case.deliver() == "success", "it is true: the money was here, and went back"
    assert await case.watched.status() is Status.CANCELLED
    assert [await case.deliver() for _ in range(2)] == ["success"] * 2
    await case.watched.follow()
    assert await case.watched.status() is Status.CANCELLED
    await case.house.assert_books_agree(case.shop)


async def test_a_signed_lie_about_a_cancelled_payment_is_settled_by_asking_alipay(house: House) -> None:
    shop = house.shops["MD5"]
    watched = await house.page(shop)
    genuine = (await waiting(house, "MD5")).genuine
    payment = await house.rooms.payments.give_up(watched.id, by="gst_anna")
    assert (payment.status, payment.gave_back) == (Status.CANCELLED, False)
    lie = {
        **genuine,
        "out_trade_no": watched.number,
        "trade_no": payment.trade_number,
        "notify_id": "an id nobody used",
    }
    await house.post(shop.account_id, signed(lie, md5_signatory(shop.account.md5_key)), FORM)
    assert (await watched.payment()).booked is False
    await watched.follow()
    payment = await watched.payment()
    assert payment.status is Status.CANCELLED, "Alipay itself says that nobody paid"
    assert not payment.booked


async def test_a_replay_after_a_refund_changes_nothing(case: Waiting) -> None:
    assert await case.deliver() == "success"
    money = (await case.watched.payment()).money
    await case.house.rooms.payments.refund(case.watched.id, money, "cold soup", "stf_boss", "k")
    before = await case.everything()
    assert await case.deliver() == "success"
    assert await case.everything() == before
    await case.house.assert_books_agree(case.shop)


async def test_a_replay_to_another_payment_of_the_same_amount_is_its_own_order_still(case: Waiting) -> None:
    second = await waiting(case.house, case.shop.account.sign_type.value)
    assert await case.deliver() == "success"
    assert await second.watched.status() is Status.PENDING
    await second.ends_paid()
