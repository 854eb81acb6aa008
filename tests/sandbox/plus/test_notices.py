"""Alipay+ tells merchants by itself: signed over their own path, until they say `S`, at the published gaps."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from saoma.sandbox.notices import GAPS
from saoma.sandbox.plus.signing import read_signature, text_to_sign
from tests.sandbox import make
from tests.sandbox.plus import make as plus
from tests.sandbox.plus.make import CLIENT, Client

YES = '{"result":{"resultCode":"SUCCESS","resultStatus":"S","resultMessage":"success"}}'


@dataclass
class Merchant:
    """Hears what it is told, checks each signature, and answers what a test wants."""

    url: str = ""
    says: str = YES
    status: int = 200
    heard: list[dict[str, Any]] = field(default_factory=list)
    genuine: list[bool] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        text = text_to_sign(request.path_qs, request.headers["Client-Id"], request.headers["Request-Time"], body)
        signature = read_signature(request.headers["Signature"])
        assert signature is not None
        assert request.headers["Client-Id"] == CLIENT
        assert request.headers["Content-Type"] == "application/json; charset=UTF-8"
        self.heard.append(json.loads(body))
        self.genuine.append(make.partner_signatory().verify(text, signature.value))
        return web.Response(text=self.says, status=self.status)


@dataclass
class Scene:
    client: Client
    merchant: Merchant

    async def pay(self, body: dict[str, Any]) -> dict[str, Any]:
        said = await self.client.ask("pay", plus.changed(body, paymentNotifyUrl=self.merchant.url))
        return said.body

    async def told(self, count: int) -> list[dict[str, Any]]:
        await make.until(lambda: len(self.merchant.heard) >= count)
        await self.client.running.advance(seconds=1)
        assert len(self.merchant.heard) == count
        return self.merchant.heard


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    merchant = Merchant()
    pages = web.Application()
    pages.router.add_post("/notify", merchant.answer)
    runner = web.AppRunner(pages)
    await runner.setup()
    port = make.free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    merchant.url = f"http://127.0.0.1:{port}/notify?shop=%E9%9D%A2"
    async with make.running(config=make.settings(partners=[plus.partner()])) as wire:
        yield Scene(Client(wire), merchant)
    await runner.cleanup()


async def test_a_payment_is_told_once_with_a_signature_over_the_merchants_path(scene: Scene) -> None:
    said = await scene.pay(plus.pay_body())
    (told,) = await scene.told(1)
    assert scene.merchant.genuine == [True]
    assert told == {"notifyType": "PAYMENT_RESULT", **said}


async def test_an_order_code_that_lapses_is_told_as_failed(scene: Scene) -> None:
    await scene.pay(plus.order_code_body())
    await scene.client.running.advance(hours=2)
    (told,) = await scene.told(1)
    assert told["notifyType"] == "PAYMENT_RESULT"
    assert told["result"]["resultCode"] == "ORDER_IS_CLOSED"
    assert told["result"]["resultStatus"] == "F"


async def test_a_cancel_is_not_told_because_its_answer_is(scene: Scene) -> None:
    await scene.pay(plus.order_code_body("a"))
    await scene.client.ask("cancel", {"paymentRequestId": "a"})
    await scene.pay(plus.pay_body("b", "281234567890123491"))
    await scene.client.ask("cancel", {"paymentRequestId": "b"})
    await scene.pay(plus.pay_body("c"))
    (told,) = await scene.told(1)
    assert told["paymentRequestId"] == "c"


async def test_a_refund_is_told_where_its_own_address_was_given(scene: Scene) -> None:
    paid = await scene.pay(plus.pay_body())
    await scene.told(1)
    body = {
        "refundRequestId": "r1",
        "paymentId": paid["paymentId"],
        "refundAmount": {"currency": "USD", "value": "100"},
        "refundNotifyUrl": scene.merchant.url,
        "isAsyncRefund": "true",
    }
    await scene.client.ask("refund", body)
    await scene.client.ask("refund", body | {"refundRequestId": "r2", "refundNotifyUrl": ""})
    await scene.client.running.advance(seconds=6)
    _, told = await scene.told(2)
    assert (told["notifyType"], told["refundStatus"]) == ("REFUND_RESULT", "SUCCESS")
    assert told["refundRequestId"] == "r1"


async def test_anything_but_a_yes_is_told_again(scene: Scene) -> None:
    answers = ((200, "success"), (200, YES.replace('"S"', '"F"')), (500, YES), (200, "[]"), (200, ""))
    for number, (status, says) in enumerate(answers):
        scene.merchant.status, scene.merchant.says = status, says
        await scene.pay(plus.pay_body(f"p{number}"))
        await make.until(lambda: len(scene.merchant.heard) == 1)
        await scene.client.running.advance(minutes=2)
        await make.until(lambda: len(scene.merchant.heard) == 2)
        # this one hears its yes, the next begins anew
        scene.merchant.status, scene.merchant.says = 200, YES
        await scene.client.running.advance(minutes=10)
        await make.until(lambda: len(scene.merchant.heard) == 3)
        scene.merchant.heard.clear()


async def test_who_never_says_yes_is_told_eight_times_at_the_gaps(scene: Scene) -> None:
    scene.merchant.says = "no"
    await scene.pay(plus.pay_body())
    await scene.told(1)
    (notice,) = scene.client.running.sandbox.notices.of_order("pay_test_0001")
    for number, gap in enumerate(GAPS, start=1):
        await scene.client.running.advance(seconds=gap.total_seconds() - 2)
        assert notice.tries == number
        await scene.client.running.advance(seconds=2)
        await make.until(lambda: notice.tries > number)  # noqa: B023
    assert (notice.next_at, notice.acknowledged, len(scene.merchant.heard)) == (None, False, 8)
    assert scene.merchant.genuine == [True] * 8


async def test_a_yes_on_the_second_try_ends_it(scene: Scene) -> None:
    scene.merchant.says = "no"
    await scene.pay(plus.pay_body())
    await scene.told(1)
    scene.merchant.says = YES
    await scene.client.running.advance(minutes=2)
    await scene.told(2)
    notice = (await scene.client.running.control("GET", "notifications/pay_test_0001"))["notifications"][0]
    assert (notice["acknowledged"], notice["next_at"]) == (True, None)


async def test_a_forged_notification_says_something_else_or_fails_to_verify(scene: Scene) -> None:
    await scene.pay(plus.pay_body())
    await scene.told(1)
    forge = "notifications/pay_test_0001/forge"
    await scene.client.running.control("POST", forge, {"changes": {"paymentId": "1"}})
    await scene.client.running.control("POST", forge, {"spoil_signature": True})
    _, lie, spoiled = await scene.told(3)
    assert lie["paymentId"] == "1"
    assert spoiled == scene.merchant.heard[0]
    assert scene.merchant.genuine == [True, True, False]
