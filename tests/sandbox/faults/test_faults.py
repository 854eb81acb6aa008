"""Misbehaviour on demand: what was planned happens so many times, and the book knows what was really done."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from saoma.alipay.signing import md5_signatory
from saoma.alipay.wire import read_answer
from saoma.sandbox.book.model import TradeStatus
from tests.sandbox import make
from tests.sandbox.make import CODE, KEY, PARTNER, Running

NUMBER = "POS-20240105-000001"


def status(wire: Running) -> TradeStatus | None:
    trade = wire.book.find(PARTNER, NUMBER)
    return trade.status if trade else None


async def plan(wire: Running, fault: str, service: str = make.PAY, **more: float) -> None:
    await wire.control("POST", "faults", {"service": service, "fault": fault, **more})


@pytest.mark.parametrize(
    ("fault", "done"), [("system_error_before", None), ("system_error_after", TradeStatus.TRADE_SUCCESS)]
)
async def test_a_system_error_comes_before_or_after_the_work(
    wire: Running, fault: str, done: TradeStatus | None
) -> None:
    await plan(wire, fault)
    assert await wire.error(make.signed(make.pay_fields())) == "SYSTEM_ERROR"
    assert status(wire) is done
    again = await wire.call(make.pay_fields())
    assert again.fields["result_code"] == "SUCCESS"
    assert wire.book.buyer("alice").balance == 10_000_000_00 - 88_75


@pytest.mark.parametrize(("fault", "done"), [("silence_before", None), ("silence_after", TradeStatus.TRADE_SUCCESS)])
async def test_silence_drops_the_connection_before_or_after_the_work(
    wire: Running, fault: str, done: TradeStatus | None
) -> None:
    await plan(wire, fault, seconds=0.2)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await wire.send(make.signed(make.pay_fields()))
    assert status(wire) is done
    (call,) = (await wire.control("GET", "calls"))["calls"]
    assert call["response"] is None


async def test_other_callers_are_answered_while_one_is_kept_waiting(wire: Running) -> None:
    await plan(wire, "silence_after", seconds=30)
    waiting = asyncio.create_task(wire.send(make.signed(make.pay_fields())))
    await make.until(lambda: status(wire) is not None)
    answer = await wire.call(make.basic(make.QUERY, partner_trans_id=NUMBER))
    assert answer.fields["alipay_trans_status"] == "TRADE_SUCCESS"
    waiting.cancel()


async def test_unknown_leaves_a_trade_that_waits_for_its_buyer(wire: Running) -> None:
    await plan(wire, "unknown")
    answer = await wire.call(make.pay_fields())
    assert answer.fields == {"partner_trans_id": NUMBER, "result_code": "UNKNOWN"}
    assert (await wire.call(make.pay_fields())).fields["result_code"] == "UNKNOWN"
    paid = await wire.control("POST", f"trades/{NUMBER}/pay")
    assert (paid["status"], paid["buyer_id"], paid["buyer_user_id"]) == ("TRADE_SUCCESS", "alice", make.ALICE)
    assert (await wire.call(make.pay_fields())).fields["result_code"] == "SUCCESS"


async def test_an_unknown_cancel_did_nothing_and_asks_to_be_repeated(wire: Running) -> None:
    await wire.call(make.pay_fields())
    await plan(wire, "unknown", make.CANCEL)
    answer = await wire.call(make.cancel_fields(NUMBER))
    assert (answer.fields["result_code"], answer.fields["retry_flag"]) == ("UNKNOWN", "Y")
    assert status(wire) is TradeStatus.TRADE_SUCCESS
    assert (await wire.call(make.cancel_fields(NUMBER))).fields["action"] == "refund"


async def test_an_unknown_query_and_refund_tell_nothing(wire: Running) -> None:
    await wire.call(make.pay_fields())
    await plan(wire, "unknown", make.QUERY)
    await plan(wire, "unknown", make.REFUND)
    query = await wire.call(make.basic(make.QUERY, partner_trans_id=NUMBER))
    assert query.fields["result_code"] == "UNKNOWN"
    assert (await wire.call(make.refund_fields(NUMBER))).fields["result_code"] == "UNKNOWN"
    assert wire.book.refunds == {}


async def test_a_bad_signature_is_bad_and_the_work_is_done(wire: Running) -> None:
    await plan(wire, "bad_signature")
    answer = read_answer(await wire.send(make.signed(make.pay_fields())))
    assert answer.fields["result_code"] == "SUCCESS"
    assert not answer.is_signed_by(md5_signatory(KEY), "UTF-8")
    assert status(wire) is TradeStatus.TRADE_SUCCESS


async def test_a_delay_answers_late_but_well(wire: Running) -> None:
    await plan(wire, "delay", seconds=0.3)
    began = asyncio.get_running_loop().time()
    answer = await wire.call(make.pay_fields())
    assert answer.fields["result_code"] == "SUCCESS"
    assert asyncio.get_running_loop().time() - began >= 0.3


async def test_a_fault_happens_so_many_times_and_only_to_its_service(wire: Running) -> None:
    await plan(wire, "system_error_before", make.CANCEL, times=2)
    assert (await wire.call(make.pay_fields())).fields["result_code"] == "SUCCESS"
    answers = [read_answer(await wire.send(make.signed(make.cancel_fields(NUMBER)))) for _ in range(3)]
    assert [answer.error for answer in answers] == ["SYSTEM_ERROR", "SYSTEM_ERROR", ""]


async def test_a_call_that_fails_its_checks_uses_no_fault_up(wire: Running) -> None:
    await plan(wire, "system_error_before")
    assert await wire.error(make.signed(make.pay_fields(trans_amount="x"))) == "ILLEGAL_ARGUMENT"
    assert len((await wire.control("GET", "faults"))["faults"]) == 1
    await wire.control("DELETE", "faults")
    assert (await wire.call(make.pay_fields())).fields["result_code"] == "SUCCESS"


@pytest.mark.parametrize("digits", ["95", "96", "99"])
async def test_the_last_digits_of_a_code_ask_for_the_same_things(wire: Running, digits: str) -> None:
    fields = make.signed(make.pay_fields(code=CODE[:-2] + digits))
    answer = read_answer(await wire.send(fields))
    again = read_answer(await wire.send(fields))
    match digits:
        case "95":
            assert (answer.error, again.error, status(wire)) == ("SYSTEM_ERROR", "SYSTEM_ERROR", None)
        case "96":
            assert (answer.error, again.fields["result_code"]) == ("SYSTEM_ERROR", "SUCCESS")
        case "99":
            assert not answer.is_signed_by(md5_signatory(KEY), "UTF-8")
            assert again.is_signed_by(md5_signatory(KEY), "UTF-8")


async def test_a_fault_for_a_service_nobody_offers_is_refused(wire: Running) -> None:
    problem = await wire.control("POST", "faults", {"service": "x", "fault": "delay"}, status=422)
    assert "not a service" in problem["detail"]
    await wire.control("POST", "faults", {"service": make.PAY, "fault": "explode"}, status=400)


async def test_a_refusal_on_demand_does_nothing_and_forbids_a_repeat(wire: Running) -> None:
    assert (await wire.call(make.pay_fields())).fields["result_code"] == "SUCCESS"
    await plan(wire, "refused", service=make.CANCEL)
    no = (await wire.call(make.cancel_fields(NUMBER))).fields
    assert (no["result_code"], no["retry_flag"], no["detail_error_code"]) == ("FAIL", "N", "TRADE_CANCEL_TIME_OUT")
    assert status(wire) is TradeStatus.TRADE_SUCCESS
    whys = [call["why"] for call in (await wire.control("GET", "calls"))["calls"]]
    assert whys == ["", "as planned: refused"], "the log tells what went wrong on purpose"
    assert (await wire.call(make.cancel_fields(NUMBER))).fields["result_code"] == "SUCCESS"
