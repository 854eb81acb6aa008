"""Notices: whatever fails a check changes nothing, and whatever is repeated is answered and changes nothing again."""

from __future__ import annotations

import asyncio

import pytest

from saoma.payments.lifecycle import Status
from saoma.payments.model import NoticeAnswer, Payment
from tests.payments.make import ACCOUNT, House, new_payment, page_payment


async def everything(house: House) -> object:
    """All that a notice could change."""
    async with house.db.reading() as rows:
        return await rows.value(
            """SELECT jsonb_build_array(
                (SELECT jsonb_agg(p ORDER BY id) FROM payments AS p), (SELECT jsonb_agg(b) FROM bills AS b),
                (SELECT count(*) FROM postings), (SELECT count(*) FROM payment_events),
                (SELECT count(*) FROM live_events WHERE topic NOT IN ('cases', 'alarms')))"""
        )


async def paid_unnoticed(house: House) -> Payment:
    payment = await house.payments.take(page_payment())
    house.alipay.buyer_pays(payment.order_number)
    return payment


async def test_a_notice_books_the_money(house: House) -> None:
    payment = await paid_unnoticed(house)
    assert await house.deliver() == [NoticeAnswer(True, "applied")]
    payment = await house.payments.get(payment.id)
    assert (payment.status, payment.due_at) == (Status.SUCCEEDED, None)
    assert (await house.look_at_bill()).told == ["paid"]
    assert house.alipay.count("query") == 0
    assert await house.faults() == []


async def test_a_repeated_notice_gets_the_same_answer_and_changes_nothing(house: House) -> None:
    await paid_unnoticed(house)
    notices = list(house.alipay.outbox)
    await house.deliver()
    before = await everything(house)
    house.alipay.outbox = notices * 3
    assert await house.deliver() == [NoticeAnswer(True, "repeated")] * 3
    assert await everything(house) == before


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"sign": "forged"}, "signature"),
        ({"sign": "forged", "why": "account"}, "account"),
        ({"sign": "forged", "why": "sign_type"}, "sign_type"),
        ({"order_number": "SMSOMEBODYELSE"}, "order"),
        ({"amount": "12.51"}, "amount"),
        ({"amount": "0.01"}, "amount"),
        ({"amount": "twelve"}, "malformed"),
        ({"trade_number": "2026999999"}, "trade"),
    ],
)
async def test_a_notice_that_fails_a_check_changes_nothing_and_is_kept(
    house: House, change: dict[str, str], why: str
) -> None:
    await paid_unnoticed(house)
    before = await everything(house)
    assert await house.deliver(**change) == [NoticeAnswer(False, why)]
    assert await everything(house) == before
    async with house.db.reading() as rows:
        assert await rows.value("SELECT why FROM notices_refused") == why
        assert await rows.value("SELECT count(*) FROM notices_seen") == 0


async def test_a_notice_refused_first_still_counts_when_it_comes_back_whole(house: House) -> None:
    await paid_unnoticed(house)
    notices = list(house.alipay.outbox)
    await house.deliver(amount="99.00")
    house.alipay.outbox = notices
    assert await house.deliver() == [NoticeAnswer(True, "applied")]


async def test_a_notice_for_another_account_changes_nothing(house: House) -> None:
    await paid_unnoticed(house)
    before = await everything(house)
    [notice] = house.alipay.outbox
    assert await house.payments.notified("acc_nobody", notice) == NoticeAnswer(False, "account")
    assert await everything(house) == before


async def test_a_flood_of_the_same_bad_notice_is_one_row(house: House) -> None:
    await paid_unnoticed(house)
    [notice] = house.alipay.outbox
    for _ in range(5):
        await house.payments.notified(ACCOUNT, notice | {"sign": "forged"})
    async with house.db.reading() as rows:
        assert await rows.value("SELECT string_agg(times::text, ',') FROM notices_refused") == "5"


async def test_hostile_fields_are_kept_without_harm(house: House) -> None:
    answer = await house.payments.notified(ACCOUNT, {"sign": "x", "a\x00b": "c\x00", "long": "\N{PILE OF POO}" * 9000})
    assert answer == NoticeAnswer(False, "signature")


async def test_a_notice_of_a_waiting_buyer_is_acknowledged_and_moves_nothing(house: House) -> None:
    payment = await house.payments.take(page_payment())
    trade = house.alipay.trades[payment.order_number]
    house.alipay._notice(trade, "waiting")
    assert await house.deliver() == [NoticeAnswer(True, "applied")]
    after = await house.payments.get(payment.id)
    assert (after.status, after.due_at) == (Status.PENDING, payment.due_at)


async def test_an_amount_without_decimals_is_read_in_its_own_currency(house: House) -> None:
    await house.bill("1200", id="bill_jpy", currency="JPY")
    payment = await house.payments.take(page_payment("bill_jpy", "1200", currency="JPY"))
    house.alipay.buyer_pays(payment.order_number)
    assert await house.deliver() == [NoticeAnswer(True, "applied")]
    assert (await house.payments.get(payment.id)).status is Status.SUCCEEDED


async def test_a_notice_that_overtakes_the_answer_is_not_booked_twice(house: House) -> None:
    async def notice_first(service: str) -> None:
        if service == "open":
            await house.deliver()

    house.alipay.after_call = notice_first
    payment = await house.payments.take(new_payment())
    assert payment.status is Status.SUCCEEDED
    assert await house.doors(payment.id) == ["start:submitted", "notice:paid", "answer:paid"]
    assert (await house.look_at_bill()).told == ["paid"]
    assert await house.sales() == 1250
    assert await house.faults() == []


async def test_a_notice_that_overtakes_the_answer_leaves_the_question_after_every_ticket(house: House) -> None:
    async def notice_first(service: str) -> None:
        if service == "open":
            await house.deliver()

    house.alipay.after_call = notice_first
    payment = await house.payments.take(new_payment(policy="ticket"))
    await house.tick(4)
    assert await house.doors(payment.id) == ["start:submitted", "notice:paid", "answer:paid", "query:paid"]
    assert (await house.payments.get(payment.id)).due_at is None


async def test_the_same_notice_at_many_doors_at_once_is_booked_once(house: House) -> None:
    payment = await paid_unnoticed(house)
    [notice] = house.alipay.outbox
    answers = await asyncio.gather(*(house.process().notified(ACCOUNT, notice) for _ in range(6)))
    assert sorted(answer.why for answer in answers) == ["applied"] + ["repeated"] * 5
    assert (await house.look_at_bill()).told == ["paid"]
    assert (await house.payments.get(payment.id)).status is Status.SUCCEEDED


async def test_a_body_that_can_not_be_read_is_kept_for_our_own_accounts_only(house: House) -> None:
    assert await house.payments.notified_unreadably(ACCOUNT, b"\xff\x00&&=") == NoticeAnswer(False, "malformed")
    assert await house.payments.notified_unreadably("acc_nobody", b"x") == NoticeAnswer(False, "account")
    async with house.db.reading() as rows:
        assert await rows.value("SELECT count(*) FROM notices_refused") == 1


async def test_a_refund_that_nobody_made_here_becomes_somebodys_case(house: House) -> None:
    payment = await paid_unnoticed(house)
    await house.deliver()
    trade = house.alipay.trades[payment.order_number]
    house.alipay._notice(trade, "paid", refund_number="RFINTHEIRCONSOLE")
    assert await house.deliver() == [NoticeAnswer(True, "applied")]
    assert (await house.payments.get(payment.id)).status is Status.SUCCEEDED
    async with house.db.reading() as rows:
        found = await rows.value("SELECT json_agg(json_build_array(kind, subject_id, detail->>'why')) FROM cases")
    assert found == [["unmatched_notice", payment.id, "refund"]]
