"""Each way to go wrong, at each gateway that knows it, and for notifications: one row each, and none may be missing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from saoma.sandbox.book.model import TradeStatus
from saoma.sandbox.faults.faults import NOTIFICATION, NOTIFY_VERIFY, OF_NOTIFICATIONS, Fault, FaultKind, fits
from saoma.sandbox.scenarios.planning import CALLED
from tests.sandbox import make
from tests.sandbox.listening import Shop, listening
from tests.sandbox.make import Running
from tests.sandbox.plus import make as plus
from tests.sandbox.tills import Till, tills

BUSY = {"xml": "SYSTEM_ERROR", "open": "ACQ.SYSTEM_ERROR", "plus": "UNKNOWN_EXCEPTION"}
OPEN = {"xml": "UNKNOWN", "open": "10003", "plus": "UNKNOWN_EXCEPTION"}
GOOD = {"xml": "SUCCESS", "open": "10000", "plus": "SUCCESS"}
AWAY = {"open": "isp.unknow-error", "plus": "UNKNOWN_EXCEPTION"}
PAID, WAITS = TradeStatus.TRADE_SUCCESS, TradeStatus.WAIT_BUYER_PAY

#: What a payment hears, and how it stands then: None where nothing was done, "" for silence.
PAYS: dict[FaultKind, tuple[dict[str, str], TradeStatus | None]] = {
    FaultKind.SYSTEM_ERROR_BEFORE: (BUSY, None),
    FaultKind.SYSTEM_ERROR_AFTER: (BUSY, PAID),
    FaultKind.SILENCE_BEFORE: (dict.fromkeys(GOOD, ""), None),
    FaultKind.SILENCE_AFTER: (dict.fromkeys(GOOD, ""), PAID),
    FaultKind.UNKNOWN: (OPEN, WAITS),
    FaultKind.PAYS_LATE: (OPEN, WAITS),
    FaultKind.BAD_SIGNATURE: (GOOD, PAID),
    FaultKind.DELAY: (GOOD, PAID),
    FaultKind.UNAVAILABLE_BEFORE: (AWAY, None),
    FaultKind.UNAVAILABLE_AFTER: (AWAY, PAID),
    FaultKind.REFUSED: ({"xml": "PROCESS_FAIL", "open": "ACQ.PROCESS_FAIL", "plus": "PROCESS_FAIL"}, None),
    FaultKind.REJECTED: ({"xml": "ACCESS_DENIED", "open": "ACCESS_DENIED", "plus": "ACCESS_DENIED"}, None),
}
CODES = {FaultKind.REFUSED: "PROCESS_FAIL", FaultKind.REJECTED: "ACCESS_DENIED"}
PLAYED_ELSEWHERE = {FaultKind.PAID_FIRST, FaultKind.OUTAGE}


def gateway_of(service: str) -> str:
    if service.startswith("/ams/"):
        return "plus"
    return "open" if service in {*CALLED[CALLED.index(NOTIFY_VERIFY) + 1 :]} else "xml"


def known(kinds: set[FaultKind]) -> list[tuple[FaultKind, str]]:
    """Each kind with each gateway that has a service which knows it."""
    pairs = {(kind, gateway_of(name)) for kind in kinds for name in CALLED if fits(kind, name)}
    return sorted(pairs)


def test_every_kind_has_a_row() -> None:
    assert {*PAYS} | PLAYED_ELSEWHERE | {*TOLD} == {*FaultKind}, "a new kind needs a row here"
    assert {*TOLD} == OF_NOTIFICATIONS
    for kind, (words, _) in PAYS.items():
        assert {*words} >= {gateway for _, gateway in known({kind})}, kind


@pytest.mark.parametrize(("kind", "gateway"), known({*PAYS}))
def test_a_payment_goes_wrong_as_planned(kind: FaultKind, gateway: str) -> None:
    till = tills()[gateway]
    till.sandbox.faults.plan(Fault(till.services["pay"], kind, seconds=7, code=CODES.get(kind, "")))
    words, status = PAYS[kind]
    said = till.ask("pay")
    trade = till.trade()
    assert said.word == words[gateway]
    assert (trade.status if trade else None) is status
    assert said.wait == (7 if "silence" in kind or kind is FaultKind.DELAY else 0)
    assert said.holds is not (kind is FaultKind.BAD_SIGNATURE or not said.word or _unsigned(kind, gateway))
    assert till.sandbox.book.store.calls()[-1].why == f"as planned: {kind.value}"
    if kind is FaultKind.PAYS_LATE:
        till.sandbox.book.advance(timedelta(seconds=7))
        assert trade is not None and trade.status is PAID
    assert till.sandbox.faults.planned() == []


def _unsigned(kind: FaultKind, gateway: str) -> bool:
    """The XML gateway signs no refusal of its own, and Alipay+ none to strangers."""
    own = {FaultKind.SYSTEM_ERROR_BEFORE, FaultKind.SYSTEM_ERROR_AFTER, FaultKind.REJECTED}
    return gateway == "xml" and kind in own


@pytest.mark.parametrize("gateway", ["xml", "open", "plus"])
def test_a_buyer_pays_in_the_moment_of_the_cancel(gateway: str) -> None:
    till = tills()[gateway]
    balance = till.sandbox.book.buyer("alice").balance
    till.sandbox.faults.plan(Fault(till.services["cancel"], FaultKind.PAID_FIRST))
    till.sandbox.faults.plan(Fault(till.services["pay"], FaultKind.UNKNOWN))
    till.ask("pay")
    assert till.ask("cancel").word == GOOD[gateway]
    trade = till.trade()
    assert trade is not None and trade.paid_at and trade.close_reason == "cancelled"
    assert till.sandbox.book.buyer("alice").balance == balance
    till.sandbox.faults.plan(Fault(till.services["query"], FaultKind.PAID_FIRST))
    till.ask("query")
    assert till.sandbox.faults.planned(), "there was nobody to pay, so nothing is used up"


async def test_an_outage_shuts_every_gateway_and_the_authorization_and_ends_by_the_clock() -> None:
    async with make.running(config=make.settings(partners=[plus.partner()])) as wire:
        client = plus.Client(wire)
        await wire.control("POST", "faults", {"service": "*", "fault": "outage", "for_seconds": 30})
        page = f"{wire.url}/oauth2/publicAppAuthorize.htm?app_id={make.APP}"
        for call in (
            lambda: wire.call(make.pay_fields()),
            lambda: wire.send(make.signed({"method": "alipay.trade.query"})),
            lambda: client.ask("pay", plus.pay_body()),
            lambda: wire.client.get(page),
            lambda: wire.client.get(f"{wire.url}/trade/notify_query.do?partner=1&notify_id=2"),
            lambda: wire.client.get(f"{wire.url}/openapi/bills/x.zip"),
        ):
            with pytest.raises(aiohttp.ClientError):
                await call()
        calls = (await wire.control("GET", "calls"))["calls"]
        assert [one["service"] for one in calls[:3]] == [make.PAY, "alipay.trade.query", plus.PAY]
        assert {(one["why"], one["response"]) for one in calls} == {("as planned: outage", None)}
        for place in range(1, len(calls) + 1):
            async with wire.client.get(f"{wire.url}/calls/{place}") as page_of_it:
                assert page_of_it.status == 200 and "as planned: outage" in await page_of_it.text()
        assert wire.book.trades == {}
        await wire.advance(seconds=30)
        assert (await wire.call(make.pay_fields())).fields["result_code"] == "SUCCESS"
        assert (await wire.control("GET", "faults")) == {"faults": []}


def test_an_outage_may_be_of_one_gateway_only() -> None:
    faults = tills()["plus"].sandbox.faults
    faults.plan(Fault("/ams/*", FaultKind.OUTAGE, times=None))
    assert faults.shut("/ams/api/v1/payments/pay")
    assert faults.shut(make.PAY) is None


# --- notifications -------------------------------------------------------------------------------------------------


async def _lost(wire: Running, shop: Shop) -> None:
    assert shop.heard == []
    tries = (await wire.control("GET", "notifications/T-1"))["notifications"][0]
    assert [one["answer"] for one in tries["deliveries"]] == ["[lost] as planned"]
    await wire.advance(minutes=2)
    assert shop.numbers == ["T-1"] and shop.heard[0].is_genuine


async def _doubled(wire: Running, shop: Shop) -> None:
    await make.until(lambda: shop.numbers == ["T-1", "T-1"])
    assert len({told.fields["notify_id"] for told in shop.heard}) == 1


async def _reordered(wire: Running, shop: Shop) -> None:
    assert shop.heard == []
    await pay(wire, shop, "T-2")
    await make.until(lambda: shop.numbers == ["T-2", "T-1"])


async def _held(wire: Running, shop: Shop) -> None:
    await pay(wire, shop, "T-2")
    await wire.advance(seconds=29)
    assert shop.heard == []
    await wire.advance(seconds=1)
    assert sorted(shop.numbers) == ["T-1", "T-2"]
    await pay(wire, shop, "T-3")
    assert shop.numbers[2:] == ["T-3"]


async def _forged(wire: Running, shop: Shop) -> None:
    lie, truth = shop.heard
    assert (lie.fields["total_fee"], truth.fields["total_fee"]) == ("0.01", "12.50")
    assert (lie.is_genuine, truth.is_genuine) == (False, True)
    assert lie.fields["notify_id"] != truth.fields["notify_id"]


async def _delay(wire: Running, shop: Shop) -> None:
    await wire.advance(seconds=29)
    assert shop.heard == []
    await wire.advance(seconds=1)
    assert shop.numbers == ["T-1"]


async def _bad_signature(wire: Running, shop: Shop) -> None:
    assert [told.is_genuine for told in shop.heard] == [False]


TOLD: dict[FaultKind, Callable[[Running, Shop], Coroutine[Any, Any, None]]] = {
    FaultKind.LOST: _lost,
    FaultKind.DOUBLED: _doubled,
    FaultKind.REORDERED: _reordered,
    FaultKind.HELD: _held,
    FaultKind.FORGED: _forged,
    FaultKind.DELAY: _delay,
    FaultKind.BAD_SIGNATURE: _bad_signature,
}
MORE: dict[FaultKind, dict[str, Any]] = {
    FaultKind.HELD: {"for_seconds": 30},
    FaultKind.DELAY: {"seconds": 30},
    FaultKind.FORGED: {"changes": {"total_fee": "0.01"}, "spoil_signature": True},
}


async def pay(wire: Running, shop: Shop, number: str) -> None:
    assert (await wire.call(make.pay_fields(number, notify_url=shop.url))).fields["result_code"] == "SUCCESS"
    await wire.advance(seconds=0)


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with listening() as made:
        yield made


@pytest.mark.parametrize("kind", TOLD)
async def test_a_notification_goes_wrong_as_planned(wire: Running, shop: Shop, kind: FaultKind) -> None:
    plan = {"service": NOTIFICATION, "fault": kind, **MORE.get(kind, {})}
    await wire.control("POST", "faults", plan)
    await pay(wire, shop, "T-1")
    await TOLD[kind](wire, shop)


async def test_a_reordered_notification_without_a_later_one_comes_by_itself(wire: Running, shop: Shop) -> None:
    await wire.control("POST", "faults", {"service": NOTIFICATION, "fault": "reordered", "seconds": 20})
    await pay(wire, shop, "T-1")
    await wire.advance(seconds=19)
    assert shop.heard == []
    await wire.advance(seconds=1)
    assert shop.numbers == ["T-1"]


# --- for whom, how often, how long -----------------------------------------------------------------------------------


def some(till: Till, count: int) -> list[bool]:
    """Whether each of some payments went wrong."""
    return [not till.ask("pay", f"N-{number}").word for number in range(count)]


def test_a_fault_is_for_the_orders_and_partners_it_names() -> None:
    till = tills()["xml"]
    till.sandbox.faults.plan(Fault("alipay.*", FaultKind.SILENCE_BEFORE, times=None, number="A-*"))
    till.sandbox.faults.plan(Fault("*", FaultKind.SILENCE_BEFORE, times=None, partner="2099*"))
    assert [till.ask("pay", number).word for number in ("A-1", "B-1", "A-2")] == ["", "SUCCESS", ""]
    assert till.ask("query", "A-1").word == ""


def test_the_same_seed_and_the_same_calls_give_the_same_faults() -> None:
    def history(seed: int) -> list[bool]:
        till = tills()["xml"]
        till.sandbox.faults.plan(Fault("*", FaultKind.SILENCE_BEFORE, times=None, chance=0.3, seed=seed))
        return some(till, 60)

    assert history(1) == history(1)
    assert history(1) != history(2)
    assert 8 <= sum(history(1)) <= 28


def test_a_delay_comes_on_top_of_what_else_goes_wrong_and_jitters() -> None:
    till = tills()["open"]
    till.sandbox.faults.plan(Fault("*", FaultKind.DELAY, times=None, seconds=1, jitter=2))
    till.sandbox.faults.plan(Fault("*", FaultKind.SYSTEM_ERROR_BEFORE))
    said = [till.ask("pay", f"N-{number}") for number in range(20)]
    assert [one.word for one in said[:2]] == ["ACQ.SYSTEM_ERROR", "10000"]
    assert all(1 <= one.wait <= 3 for one in said)
    assert len({one.wait for one in said}) == 20
    assert till.sandbox.book.store.calls()[0].why == "as planned: system_error_before and delay"


def test_a_fault_ends_by_the_sandboxs_clock() -> None:
    till = tills()["plus"]
    until = till.sandbox.clock.now() + timedelta(seconds=30)
    till.sandbox.faults.plan(Fault("*", FaultKind.SYSTEM_ERROR_BEFORE, times=None, until=until))
    assert till.ask("pay", "A").word == "UNKNOWN_EXCEPTION"
    till.sandbox.book.advance(timedelta(seconds=30))
    assert till.ask("pay", "A").word == "SUCCESS"
    assert till.sandbox.faults.planned() == []


@pytest.mark.parametrize(
    ("kind", "answer"),
    [("silence_before", None), ("system_error_after", b"SYSTEM_ERROR"), ("refused", b"false"), ("delay", b"false")],
)
def test_notify_verify_goes_wrong_too(kind: str, answer: bytes | None) -> None:
    till = tills()["xml"]
    till.sandbox.faults.plan(Fault(NOTIFY_VERIFY, FaultKind(kind), seconds=3))
    reply = till.sandbox.mapi.answer(b"service=notify_verify&partner=2088000000000001&notify_id=1", b"")
    assert reply.body is None if answer is None else answer in (reply.body or b"")
    assert reply.why == f"as planned: {kind}"


IMPOSSIBLE: list[tuple[dict[str, Any], str]] = [
    ({"service": "alipay.nope.*", "fault": "delay"}, "not a service"),
    ({"service": make.PAY, "fault": "lost"}, "does not go wrong by lost"),
    ({"service": make.PAY, "fault": "unavailable_before"}, "it knows system_error_before"),
    ({"service": NOTIFICATION, "fault": "unknown"}, "it knows bad_signature"),
    ({"service": make.CANCEL, "fault": "pays_late"}, "does not go wrong by pays_late"),
    ({"service": make.PAY, "fault": "delay", "times": 0}, "times"),
    ({"service": make.PAY, "fault": "delay", "chance": 1.5}, "chance"),
    ({"service": make.PAY, "fault": "delay", "seconds": -1}, "seconds"),
    ({"service": make.PAY, "fault": "delay", "for_seconds": 0}, "for_seconds"),
    ({"service": make.PAY, "fault": "rejected"}, "code"),
    ({"service": make.PAY, "fault": "delay", "code": "X"}, "code"),
    ({"service": "*", "fault": "outage", "number": "A"}, "reads no calls"),
    ({"service": NOTIFICATION, "fault": "held"}, "for_seconds"),
    ({"service": NOTIFICATION, "fault": "forged"}, "changes"),
    ({"service": NOTIFICATION, "fault": "lost", "spoil_signature": True}, "forged"),
]


async def test_what_can_not_happen_is_not_planned(wire: Running) -> None:
    for plan, why in IMPOSSIBLE:
        problem = await wire.control("POST", "faults", plan, status=422)
        assert why in problem["detail"], plan
    assert (await wire.control("GET", "faults"))["faults"] == []
