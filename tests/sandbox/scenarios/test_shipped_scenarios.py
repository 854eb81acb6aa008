"""Each scenario that comes with the sandbox, played against a running one: what an integrator would see of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp
import pytest

from saoma.alipay.signing import md5_signatory
from saoma.alipay.wire import read_answer
from saoma.sandbox.book.model import TradeStatus
from saoma.sandbox.scenarios.scenario import shipped
from tests.sandbox import make
from tests.sandbox.listening import Shop, listening
from tests.sandbox.make import Running

BUSY = "SYSTEM_ERROR"


async def pay(wire: Running, number: str, **more: str) -> str:
    """What the till hears: a result code, a gateway's error, or `silence`."""
    return await said(wire, make.pay_fields(number, **more))


async def said(wire: Running, fields: dict[str, str]) -> str:
    try:
        answer = read_answer(await wire.send(make.signed(fields)))
    except aiohttp.ClientError:
        return "silence"
    return answer.error or answer.fields["result_code"]


async def state(wire: Running, number: str) -> str:
    """What a query says, asked until it says something."""
    for _ in range(20):
        body = make.signed(make.basic(make.QUERY, partner_trans_id=number))
        try:
            answer = read_answer(await wire.send(body))
        except aiohttp.ClientError:
            continue
        if answer.fields:
            return answer.fields.get("alipay_trans_status") or answer.fields["error"]
    raise AssertionError("nobody ever answered")


async def cancel(wire: Running, number: str) -> str:
    answer = read_answer(await wire.send(make.signed(make.cancel_fields(number))))
    return answer.error or answer.fields["action"]


async def flaky_network(wire: Running, _shop: Shop) -> None:
    numbers = [f"N-{number}" for number in range(40)]
    heard = dict(zip(numbers, await asyncio.gather(*(pay(wire, number) for number in numbers)), strict=True))
    assert Counter(heard.values()).keys() == {"SUCCESS", "silence"}
    silent = [number for number in numbers if heard[number] == "silence"]
    known = {trade.out_trade_no for trade in wire.book.trades.values()}
    assert {number in known for number in silent} == {True, False}, (
        "some were lost on the way there, some on the way back"
    )
    assert 3 <= len(silent) <= 16
    first = silent[0]
    while await pay(wire, first) != "SUCCESS":
        pass
    assert len([trade for trade in wire.book.trades.values() if trade.out_trade_no == first]) == 1


async def slow_alipay(wire: Running, _shop: Shop) -> None:
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(pay(wire, "N-1"), 0.3)
    trade = wire.book.find(make.PARTNER, "N-1")
    assert trade is not None and trade.status is TradeStatus.TRADE_SUCCESS, "who hangs up early has paid all the same"


async def busy_alipay(wire: Running, _shop: Shop) -> None:
    heard = {number: await pay(wire, f"N-{number}") for number in range(60)}
    assert Counter(heard.values()).keys() == {"SUCCESS", BUSY, "UNKNOWN"}
    done = {await state(wire, f"N-{number}") for number, word in heard.items() if word == BUSY}
    assert done >= {"TRADE_SUCCESS", "TRADE_NOT_EXIST"}, "only a query tells"


async def late_payer(wire: Running, shop: Shop) -> None:
    assert await pay(wire, "N-1", notify_url=shop.url) == "UNKNOWN"
    await wire.advance(seconds=44)
    assert (await state(wire, "N-1"), shop.heard) == ("WAIT_BUYER_PAY", [])
    await wire.advance(seconds=1)
    assert (await state(wire, "N-1"), shop.numbers) == ("TRADE_SUCCESS", ["N-1"])
    await pay(wire, "N-2")
    assert await cancel(wire, "N-2") == "refund", "the buyer was quicker, and has the money back"


async def absent_payer(wire: Running, _shop: Shop) -> None:
    assert await pay(wire, "N-1") == "UNKNOWN"
    await wire.advance(minutes=2)
    assert await state(wire, "N-1") == "WAIT_BUYER_PAY"
    await wire.advance(minutes=1)
    assert await state(wire, "N-1") == "TRADE_CLOSED"


async def cancel_race(wire: Running, _shop: Shop) -> None:
    balance = wire.book.buyer("alice").balance
    assert await pay(wire, "N-1") == "UNKNOWN"
    assert [await cancel(wire, "N-1") for _ in range(2)] == [BUSY, BUSY]
    assert await state(wire, "N-1") == "TRADE_SUCCESS", "given up too early, and the customer has paid"
    assert await cancel(wire, "N-1") == "refund"
    assert wire.book.buyer("alice").balance == balance


async def lost_notifications(wire: Running, shop: Shop) -> None:
    await pay(wire, "N-1", notify_url=shop.url)
    for _ in range(8):
        await wire.advance(days=1)
    (told,) = (await wire.control("GET", "notifications/N-1"))["notifications"]
    assert (len(told["deliveries"]), told["next_at"], shop.heard) == (8, None, [])
    assert await state(wire, "N-1") == "TRADE_SUCCESS"


async def muddled_notifications(wire: Running, shop: Shop) -> None:
    numbers = [f"N-{number:02}" for number in range(20)]
    for number in numbers:
        await pay(wire, number, notify_url=shop.url)
        await wire.advance(seconds=3)
    await wire.advance(minutes=1)
    await make.until(lambda: {*shop.numbers} == {*numbers})
    counted = Counter(told.fields["notify_id"] for told in shop.heard)
    assert 2 in counted.values() and len(counted) == 20
    assert list(dict.fromkeys(shop.numbers)) != numbers, "the order is another"
    assert all(told.is_genuine for told in shop.heard)


async def forger(wire: Running, shop: Shop) -> None:
    signed = []
    for number in range(20):
        answer = read_answer(await wire.send(make.signed(make.pay_fields(f"N-{number}", notify_url=shop.url))))
        signed.append(answer.is_signed_by(md5_signatory(make.KEY), "UTF-8"))
    assert 1 <= signed.count(False) <= 10
    await wire.advance(seconds=1)
    lies = [told for told in shop.heard if not told.is_genuine]
    assert len(shop.heard) == 40 and len(lies) == 20
    assert {told.fields["total_fee"] for told in lies} == {"0.01"}
    assert {told.fields["total_fee"] for told in shop.heard if told.is_genuine} == {"12.50"}


async def outage(wire: Running, shop: Shop) -> None:
    await wire.advance(hours=1)
    assert await pay(wire, "N-1") == "SUCCESS", "time begins now"
    await wire.advance(seconds=9)
    await wire.control("POST", "notifications/hold", {"held": True})
    assert await pay(wire, "N-2", notify_url=shop.url) == "SUCCESS"
    await wire.advance(seconds=1)
    await wire.control("POST", "notifications/hold", {"held": False})
    assert [await pay(wire, "N-3"), await said(wire, make.cancel_fields("N-1"))] == ["silence"] * 2
    await wire.advance(seconds=29)
    assert (await pay(wire, "N-3"), shop.heard) == ("silence", [])
    await wire.advance(seconds=1)
    assert (await pay(wire, "N-3"), shop.numbers) == ("SUCCESS", ["N-2"])


async def bad_day_of_files(wire: Running, _shop: Shop) -> None:
    async def rows(kind: str, day: str) -> list[str] | None:
        url = f"{wire.url}/control/daily-files/{make.PARTNER}/{make.PARTNER}_{kind}_{day}.txt"
        async with wire.client.get(url) as answer:
            return (await answer.text()).splitlines() if answer.status == 200 else None

    for number in range(3):
        await pay(wire, f"N-{number}")
        await wire.advance(minutes=1)
    await wire.advance(days=1)
    await pay(wire, "LATER")
    await wire.advance(days=9)
    friday = await rows("transaction", "20240105")
    assert friday is not None
    assert friday[0].endswith("Total_count:3") and [line.split("|")[0] for line in friday[2:]] == ["N-1", "N-2"]
    assert await rows("transaction", "20240106") is None
    payout = await rows("settlement", "20240108")
    await wire.control("DELETE", "daily-files/errors")
    assert len(await rows("transaction", "20240105") or []) == 5
    assert await rows("transaction", "20240106") is not None
    truth = await rows("settlement", "20240108")
    assert payout is not None and truth is not None
    assert (payout[1].split("|")[2], truth[1].split("|")[2]) == ("12.51", "12.50")


PLAYED: dict[str, Callable[[Running, Shop], Coroutine[Any, Any, None]]] = {
    "absent-payer": absent_payer,
    "bad-day-of-files": bad_day_of_files,
    "busy-alipay": busy_alipay,
    "cancel-race": cancel_race,
    "flaky-network": flaky_network,
    "forger": forger,
    "late-payer": late_payer,
    "lost-notifications": lost_notifications,
    "muddled-notifications": muddled_notifications,
    "outage": outage,
    "slow-alipay": slow_alipay,
}


def test_each_shipped_scenario_is_played_here() -> None:
    assert {*PLAYED} == {*shipped()}


@pytest.mark.parametrize("name", PLAYED)
async def test_a_shipped_scenario_shows_an_integrator_what_it_promises(wire: Running, name: str) -> None:
    await wire.control("POST", f"scenarios?name={name}")
    async with listening() as shop:
        await PLAYED[name](wire, shop)
    playing = (await wire.control("GET", "scenarios"))["playing"]
    missed = {"slow-alipay": [2]}.get(name, [])
    assert playing["never_reached"] == missed, playing["steps"]
