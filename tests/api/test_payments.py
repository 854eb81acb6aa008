"""Payments through the partner API: taken once, told as they stand, waited for, given up, seen by their owner only."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from saoma.api.answers import message_of
from saoma.identity import model
from saoma.identity.api_keys import Scope, revoke_api_key
from saoma.payments.lifecycle import Status
from tests.api.make import CODE, Deployment, Program, barcode

FIELDS = {
    *("id", "status", "amount", "currency", "method", "trade_no", "out_trade_no", "refunded", "message"),
    *("created_at", "paid_at", "subject", "store", "terminal", "reference", "qr_code", "code", "gave_back"),
}


async def test_a_scanned_code_is_paid_and_told_in_the_fixed_words(house: Deployment, till: Program) -> None:
    answer = await till.post("/payments", barcode(reference="order-1", store=house.shop.store.id))
    assert answer.status_code == 201, answer.text
    found = answer.json()
    assert set(found) >= FIELDS
    assert (found["status"], found["amount"], found["currency"]) == ("succeeded", "12.50", "USD")
    assert (found["method"], found["refunded"], found["reference"]) == ("barcode", "0.00", "order-1")
    assert found["trade_no"] and found["out_trade_no"].startswith("SM")
    assert found["message"]["cashier"] == "Paid. Hand over the goods and give the receipt."
    assert answer.headers["location"] == f"/api/v1/payments/{found['id']}"
    assert answer.headers["x-request-id"].startswith("req_")
    again = await till.get(f"/payments/{found['id']}")
    assert again.status_code == 200 and again.json() == found


async def test_sentences_come_in_the_language_that_is_asked_for(till: Program) -> None:
    answer = await till.post("/payments", barcode(), accept_language="zh-CN, en;q=0.5")
    assert answer.json()["message"]["cashier"] == "收款成功。请交付商品，并给顾客小票。"
    refused = await till.post("/payments", barcode(payment_code="12"), accept_language="zh")
    assert refused.json()["messages"]["en"]["cashier"] != refused.json()["message"]["cashier"]


async def test_a_refused_customer_is_a_failed_payment_and_nothing_is_handed_over(
    house: Deployment, till: Program
) -> None:
    house.alipay.buyer = "BUYER_BALANCE_NOT_ENOUGH"
    answer = await till.post("/payments", barcode())
    assert (answer.status_code, answer.json()["status"]) == (201, "failed")
    assert answer.json()["message"]["cashier"] == "BUYER_BALANCE_NOT_ENOUGH"


async def test_a_payment_that_waits_for_the_buyer_is_accepted_and_then_paid(house: Deployment, till: Program) -> None:
    house.alipay.buyer = "thinks"
    answer = await till.post("/payments", barcode())
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    house.alipay.buyer_pays(answer.json()["out_trade_no"])
    await house.work(6)
    assert (await till.get(f"/payments/{answer.json()['id']}")).json()["status"] == "succeeded"


async def test_a_wallet_page_is_told_the_trade_it_pays(till: Program) -> None:
    answer = await till.post("/payments", barcode(method="wallet_page", payment_code=None, buyer_id="2088000000009999"))
    assert answer.status_code == 202, answer.text
    assert answer.json()["trade_no"]


async def test_twenty_at_once_with_one_key_are_one_payment(house: Deployment, till: Program) -> None:
    answers = await asyncio.gather(*(till.post("/payments", barcode(), idempotency_key="the-same") for _ in range(20)))
    assert {answer.json()["id"] for answer in answers}.__len__() == 1
    assert {answer.status_code for answer in answers} <= {200, 201, 202}
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert await house.count("SELECT count(*) FROM payments") == 1
    assert house.alipay.count("open") == 1


async def test_a_repetition_tells_the_payment_as_it_stands_now(house: Deployment, till: Program) -> None:
    house.alipay.buyer = "thinks"
    first = await till.post("/payments", barcode(), idempotency_key="lost-answer")
    house.alipay.buyer_pays(first.json()["out_trade_no"])
    await house.work(6)
    again = await till.post("/payments", barcode(), idempotency_key="lost-answer")
    assert (again.status_code, again.json()["status"]) == (200, "succeeded")
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json()["id"] == first.json()["id"]


@pytest.mark.parametrize(
    "change", [{"amount": "12.51"}, {"subject": "Tea"}, {"reference": "x"}, {"payment_code": "281234567890123457"}]
)
async def test_the_same_key_with_other_content_is_refused(
    house: Deployment, till: Program, change: dict[str, str]
) -> None:
    await till.post("/payments", barcode(), idempotency_key="k")
    answer = await till.post("/payments", barcode(**change), idempotency_key="k")
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (422, "key-reused")
    assert await house.count("SELECT count(*) FROM payments") == 1


async def test_a_post_without_a_key_does_nothing(house: Deployment, till: Program) -> None:
    for key in (None, "", "with space", "x" * 129, "日"):
        said = {"idempotency_key": key.encode() if key else key}
        answer = await till.post("/payments", barcode(), **said)
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (400, "key-missing")
    assert await house.count("SELECT count(*) FROM payments") == 0


async def test_a_reference_is_paid_once_and_free_again_after_a_refusal(house: Deployment, till: Program) -> None:
    house.alipay.buyer = "BUYER_BALANCE_NOT_ENOUGH"
    assert (await till.pays(reference="order-7"))["status"] == "failed"
    house.alipay.buyer = "pays"
    assert (await till.pays(reference="order-7"))["status"] == "succeeded"
    answer = await till.post("/payments", barcode(reference="order-7"))
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "reference-taken")
    assert "don't charge again" in answer.json()["message"]["cashier"]
    assert len((await till.get("/payments", {"reference": "order-7"})).json()["items"]) == 2


async def test_prefer_wait_answers_as_soon_as_the_end_is_known(house: Deployment, till: Program) -> None:
    house.alipay.buyer = "thinks"
    asking = asyncio.create_task(till.post("/payments", barcode(), prefer="wait=30"))
    while not house.alipay.trades:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    house.alipay.buyer_pays(next(iter(house.alipay.trades)))
    await asyncio.sleep(0.05)
    await house.work(6)
    answer = await asyncio.wait_for(asking, 10)
    assert (answer.status_code, answer.json()["status"]) == (201, "succeeded")
    assert answer.headers["preference-applied"] == "wait=30"


async def test_prefer_wait_tells_the_state_when_its_seconds_are_over(house: Deployment, till: Program) -> None:
    house.alipay.buyer = "thinks"
    answer = await till.post("/payments", barcode(), prefer="wait=1")
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    at_once = await till.post("/payments", barcode(), prefer="respond-async, wait=0")
    assert (at_once.status_code, at_once.json()["status"]) == (202, "created")
    assert at_once.headers["preference-applied"] == "wait=0"
    await house.work(0)
    assert (await till.get(f"/payments/{at_once.json()['id']}")).json()["status"] == "pending"
    assert "preference-applied" not in (await till.post("/payments", barcode(), prefer="wait=-1; soon")).headers


async def test_a_caller_who_leaves_loses_nothing(house: Deployment, till: Program) -> None:
    sent = asyncio.Event()

    async def slow(service: str) -> None:
        sent.set()
        await asyncio.sleep(0.1)

    house.alipay.before_call = slow
    asking = asyncio.create_task(till.post("/payments", barcode(), idempotency_key="left"))
    await sent.wait()
    asking.cancel()
    await asyncio.sleep(0.3)
    again = await till.post("/payments", barcode(), idempotency_key="left")
    assert (again.status_code, again.json()["status"]) == (200, "succeeded")
    assert house.alipay.count("open") == 1


async def test_giving_up_undoes_a_payment_once(house: Deployment, till: Program) -> None:
    house.alipay.buyer = "thinks"
    payment = await till.pays()
    path = f"/payments/{payment['id']}/cancel"
    first = await till.post(path, idempotency_key="stop")
    assert (first.status_code, first.json()["status"]) == (200, "cancelled")
    again = await till.post(path, idempotency_key="stop")
    assert again.json()["status"] == "cancelled" and house.alipay.count("cancel") == 1
    other = await till.pays()
    assert (await till.post(f"/payments/{other['id']}/cancel", idempotency_key="stop")).status_code == 422
    assert (await till.get(f"/payments/{other['id']}")).json()["status"] == "pending"


async def test_a_paid_payment_stays_paid_when_it_is_cancelled(till: Program) -> None:
    payment = await till.pays()
    answer = await till.post(f"/payments/{payment['id']}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "succeeded")


async def test_nobody_comes_in_without_a_living_key(house: Deployment, till: Program) -> None:
    for said in (
        None,
        "Bearer",
        "Bearer sk_",
        f"Basic {till.secret}",
        "Bearer sk_" + "A" * 43,
        f"Bearer {till.secret}x",
    ):
        answer = await till.get("/payments", authorization=said)
        assert answer.status_code == 401 and answer.headers["www-authenticate"].startswith("Bearer")
    async with house.rooms.db.transaction() as tx:
        await revoke_api_key(tx, house.clock, merchant_id=house.shop.merchant.id, key_id=till.key.id, by="stf_test")
    assert (await till.get("/payments")).status_code == 401


@pytest.mark.parametrize(
    ("scope", "path", "body"),
    [
        (Scope.PAYMENTS_READ, "/payments", barcode()),
        (Scope.PAYMENTS_READ, "/payments/{id}/cancel", None),
        (Scope.PAYMENTS_WRITE, "/payments/{id}/refunds", {"amount": "1.00"}),
        (Scope.PAYMENTS_WRITE, "/stores", {"name": "x", "zone": "UTC"}),
        (Scope.PAYMENTS_WRITE, "/webhooks", {"url": "https://a.example/", "events": ["payment.failed"]}),
    ],
)
async def test_a_key_does_only_what_its_scopes_say(
    house: Deployment, till: Program, scope: Scope, path: str, body: Any
) -> None:
    payment = await till.pays()
    narrow = await house.program(scope)
    answer = await narrow.post(path.format(id=payment["id"]), body)
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (403, "not-allowed")


async def test_another_merchants_things_are_not_there(house: Deployment, till: Program) -> None:
    stranger = await house.program(at=await house.another_shop())
    payment = await till.pays()
    refund = (await till.post(f"/payments/{payment['id']}/refunds", {"amount": "1.00"})).json()
    async with house.rooms.db.transaction() as tx:
        terminal = await model.add_terminal(tx, house.shop.store.id, name="Till 9")
    for path in (
        f"/payments/{payment['id']}",
        f"/payments/{payment['id']}/refunds",
        f"/refunds/{refund['id']}",
        f"/stores/{house.shop.store.id}",
        f"/merchants/{house.shop.merchant.id}",
        f"/terminals/{terminal.id}",
    ):
        assert (await till.get(path)).status_code == 200, path
        answer = await stranger.get(path)
        assert answer.status_code == 404, path
    for path in (f"/payments/{payment['id']}/cancel", f"/payments/{payment['id']}/refunds"):
        body = {"amount": "1.00"} if path.endswith("refunds") else None
        assert (await stranger.post(path, body)).status_code == 404
    for change in ({"store": house.shop.store.id}, {"terminal": terminal.id}):
        assert (await stranger.post("/payments", barcode(**change))).status_code == 404
    assert (await stranger.get("/payments")).json()["items"] == []


async def test_a_key_for_one_store_reaches_no_other(house: Deployment, till: Program) -> None:
    async with house.rooms.db.transaction() as tx:
        second = await model.add_store(tx, house.shop.merchant.id, name="Second", zone="UTC")
    here = await house.program(stores=[house.shop.store.id])
    there = (await till.post("/payments", barcode(store=second.id))).json()
    assert (await till.post("/payments", barcode())).status_code == 422, "which of two stores?"
    assert (await here.post("/payments", barcode())).json()["store"] == house.shop.store.id
    assert (await here.post("/payments", barcode(store=second.id))).status_code == 404
    assert (await here.get(f"/payments/{there['id']}")).status_code == 404
    assert {each["store"] for each in (await here.get("/payments")).json()["items"]} == {house.shop.store.id}
    assert [each["id"] for each in (await here.get("/stores")).json()["items"]] == [house.shop.store.id]
    assert (await here.post("/stores", {"name": "Third", "zone": "UTC"})).status_code == 403


async def test_the_code_of_a_customer_is_in_no_answer_and_no_table_of_requests(
    house: Deployment, till: Program
) -> None:
    payment = await till.pays()
    for text in ((await till.get("/payments")).text, (await till.get(f"/payments/{payment['id']}")).text):
        assert CODE not in text
    assert await house.count(f"SELECT count(*) FROM api_requests r WHERE r::text LIKE '%{CODE}%'") == 0


@pytest.mark.parametrize("status", list(Status))
async def test_only_a_paid_payment_says_hand_over(house: Deployment, till: Program, status: Status) -> None:
    paid = await house.rooms.payments.get((await till.pays())["id"])
    for lang in ("en", "zh"):
        said = message_of(msgspec.structs.replace(paid, status=status), house.alipay, lang)
        assert said.cashier and said.customer
        assert ("Paid. Hand over" in said.cashier or "请交付" in said.cashier) == (status is Status.SUCCEEDED)
