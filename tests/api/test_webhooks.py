"""Webhooks end to end: written with the payment, signed, retried, replayed, given up with a notice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from aiohttp import web

from saoma.identity import audit, model
from saoma.identity.api_keys import Scope
from saoma.notifications.signing import holds
from saoma.payments.alarms import open_alarms
from tests.api.make import Deployment, Program

ALL = [
    *("payment.succeeded", "payment.failed", "payment.cancelled", "payment.needs_attention"),
    *("refund.succeeded", "refund.failed"),
]


@dataclass
class Receiver:
    """A partner's server; `answers` are used up, then it is content."""

    url: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    always: int = 200

    async def hear(self, request: web.Request) -> web.Response:
        self.got.append(({name.lower(): value for name, value in request.headers.items()}, await request.read()))
        status = self.answers.pop(0) if self.answers else self.always
        return web.Response(status=status, text="thanks", headers={"Location": "/elsewhere"})

    def kinds(self) -> list[str]:
        return [msgspec.json.decode(body)["type"] for _, body in self.got]


@pytest.fixture
async def partner() -> AsyncIterator[Receiver]:
    """A server on this machine."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/{anything:.*}", receiver.hear)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    receiver.url = f"http://{host}:{port}/saoma"
    yield receiver
    await runner.cleanup()


async def subscribed(till: Program, partner: Receiver, *events: str) -> dict[str, Any]:
    answer = await till.post("/webhooks", {"url": partner.url, "events": list(events) or ALL})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def deliveries(till: Program, hook: dict[str, Any]) -> list[dict[str, Any]]:
    return list((await till.get(f"/webhooks/{hook['id']}/deliveries")).json()["items"])


async def test_a_paid_payment_is_told_once_and_signed(house: Deployment, till: Program, partner: Receiver) -> None:
    hook = await subscribed(till, partner)
    payment = await till.pays(reference="order-1")
    await house.work()
    [(headers, body)] = partner.got
    assert holds(hook["secret"], headers["saoma-signature"], body, house.clock.now())
    event = msgspec.json.decode(body)
    assert event["type"] == "payment.succeeded" and headers["saoma-event-id"] == event["id"]
    assert event["data"] == (await till.get(f"/payments/{payment['id']}")).json()
    await house.work(3600)
    assert len(partner.got) == 1
    [delivery] = await deliveries(till, hook)
    assert (delivery["status"], delivery["subject"]) == ("delivered", payment["id"])
    assert [each["outcome"] for each in delivery["attempts"]] == ["delivered"]


async def test_every_kind_of_end_is_told(house: Deployment, till: Program, partner: Receiver) -> None:
    await subscribed(till, partner)
    paid = await till.pays()
    await till.post(f"/payments/{paid['id']}/refunds", {"amount": "12.50"})
    house.alipay.buyer = "BUYER_BALANCE_NOT_ENOUGH"
    await till.pays()
    house.alipay.buyer = "thinks"
    waiting = await till.pays()
    await till.post(f"/payments/{waiting['id']}/cancel")
    await house.work()
    assert sorted(partner.kinds()) == sorted(
        ["payment.succeeded", "refund.succeeded", "payment.failed", "payment.cancelled"]
    )


async def test_a_webhook_hears_only_what_it_asked_for_and_of_its_own_stores(
    house: Deployment, till: Program, partner: Receiver
) -> None:
    async with house.rooms.db.transaction() as tx:
        second = await model.add_store(tx, house.shop.merchant.id, name="Second", zone="UTC")
    there = await house.program(stores=[second.id])
    await subscribed(there, partner, "payment.succeeded")
    await subscribed(till, partner, "payment.failed")
    stranger = await house.program(at=await house.another_shop())
    await stranger.pays()
    await till.pays(store=house.shop.store.id)
    await house.work()
    assert partner.got == []
    await till.pays(store=second.id)
    await house.work()
    assert partner.kinds() == ["payment.succeeded"]


async def test_without_a_webhook_nothing_is_written(house: Deployment, till: Program) -> None:
    await till.pays()
    assert await house.count("SELECT count(*) FROM webhook_events") == 0


async def test_a_payment_that_is_rolled_back_is_not_told(house: Deployment, till: Program, partner: Receiver) -> None:
    await subscribed(till, partner)
    house.alipay.buyer = "thinks"
    payment = await till.pays()
    found = await house.rooms.payments.get(payment["id"])
    with pytest.raises(ZeroDivisionError):
        async with house.rooms.db.transaction() as tx:
            for listener in house.rooms.payments.hall.listeners:
                await listener.payment_moved(tx, msgspec.structs.replace(found, status="succeeded"))
            raise ZeroDivisionError
    await house.work()
    assert partner.got == []


async def test_a_partner_that_is_down_hears_later_and_the_same_bytes(
    house: Deployment, till: Program, partner: Receiver
) -> None:
    hook = await subscribed(till, partner)
    partner.answers = [500, 302, 404]
    await till.pays()
    await house.work()
    for gap, heard in ((9, 1), (1, 2), (29, 2), (1, 3), (119, 3), (1, 4), (100_000, 4)):
        await house.work(gap)
        assert len(partner.got) == heard
    assert len({body for _, body in partner.got}) == 1
    assert len({headers["saoma-signature"] for headers, _ in partner.got}) == 4, "each attempt is signed anew"
    [delivery] = await deliveries(till, hook)
    assert [each["http_status"] for each in delivery["attempts"]] == [500, 302, 404, 200]
    assert delivery["status"] == "delivered"
    assert (await till.get(f"/webhooks/{hook['id']}")).json()["failing_since"] is None


async def test_an_address_that_is_gone_for_days_is_given_up_with_a_notice_and_comes_back_by_replay(
    house: Deployment, till: Program, partner: Receiver
) -> None:
    hook = await subscribed(till, partner)
    partner.always = 503
    await till.pays()
    for _ in range(150):
        await house.work(1800)
    [delivery] = await deliveries(till, hook)
    assert delivery["status"] == "failed" and 10 <= len(delivery["attempts"]) <= 16
    given_up = (await till.get(f"/webhooks/{hook['id']}")).json()
    assert given_up["disabled_at"] and "503" not in given_up["disabled_because"]
    async with house.rooms.db.reading() as rows:
        assert "webhook_disabled" in [entry.what for entry in await audit.trail(rows, hook["id"])]
        [alarm] = [each for each in await open_alarms(rows) if each.rule == "webhook_dead"]
    assert (alarm.key, alarm.merchant_id) == (hook["id"], house.shop.merchant.id) and "Nothing was taken" in alarm.text
    await till.pays()
    assert len(await deliveries(till, hook)) == 1, "a webhook that was given up gathers nothing"
    partner.always, partner.got = 200, []
    path = f"/webhooks/{hook['id']}/deliveries/{delivery['id']}/replay"
    for _ in range(2):
        assert (await till.post(path, idempotency_key="again")).status_code == 202
        await house.work()
    assert partner.kinds() == ["payment.succeeded"], "one request replays once"
    assert (await till.get(f"/webhooks/{hook['id']}")).json()["disabled_at"] is None


async def test_a_webhook_that_turned_private_is_not_called(house: Deployment, till: Program, partner: Receiver) -> None:
    hook = await subscribed(till, partner)
    await till.pays()
    house.rooms.postman.loopback = False
    await house.work()
    assert partner.got == []
    [delivery] = await deliveries(till, hook)
    assert delivery["attempts"][0]["outcome"] == "forbidden"


@pytest.mark.parametrize("url", ["http://10.0.0.5/", "http://169.254.169.254/latest/meta-data", "file:///etc/passwd"])
async def test_a_private_address_is_refused_at_once(house: Deployment, till: Program, url: str) -> None:
    answer = await till.post("/webhooks", {"url": url, "events": ALL})
    assert answer.status_code == 422
    assert await house.count("SELECT count(*) FROM webhooks") == 0


async def test_a_deleted_webhook_hears_nothing_more(house: Deployment, till: Program, partner: Receiver) -> None:
    hook = await subscribed(till, partner)
    await till.pays()
    assert (await till.delete(f"/webhooks/{hook['id']}")).status_code == 204
    await house.work()
    await till.pays()
    await house.work()
    assert partner.got == []
    assert (await till.get(f"/webhooks/{hook['id']}")).status_code == 404


async def test_the_secret_is_told_by_the_making_alone_and_kept_sealed(
    house: Deployment, till: Program, partner: Receiver
) -> None:
    body = {"url": partner.url, "events": ALL}
    made = await till.post("/webhooks", body, idempotency_key="hook")
    again = await till.post("/webhooks", body, idempotency_key="hook")
    assert (again.status_code, again.json()) == (200, made.json())
    for path in ("/webhooks", f"/webhooks/{made.json()['id']}"):
        assert made.json()["secret"] not in (await till.get(path)).text
    secret = made.json()["secret"]
    assert await house.count(f"SELECT count(*) FROM webhooks w WHERE w::text LIKE '%{secret}%'") == 0


async def test_another_merchants_webhooks_are_not_there(house: Deployment, till: Program, partner: Receiver) -> None:
    hook = await subscribed(till, partner)
    await till.pays()
    [delivery] = await deliveries(till, hook)
    stranger = await house.program(Scope.WEBHOOKS, at=await house.another_shop())
    path = f"/webhooks/{hook['id']}"
    assert (await stranger.get(path)).status_code == 404
    assert (await stranger.delete(path)).status_code == 404
    assert (await stranger.get(f"{path}/deliveries")).status_code == 404
    assert (await stranger.post(f"{path}/deliveries/{delivery['id']}/replay")).status_code == 404
    assert (await stranger.get("/webhooks")).json()["items"] == []


async def test_two_workers_at_one_delivery_agree_that_it_was_delivered(
    house: Deployment, till: Program, partner: Receiver
) -> None:
    hook = await subscribed(till, partner)
    await till.pays()
    [delivery] = await deliveries(till, hook)
    await asyncio.gather(*(house.rooms.postman.deliver(delivery["id"]) for _ in range(2)))
    [delivery] = await deliveries(till, hook)
    assert delivery["status"] == "delivered"
    await house.rooms.postman.deliver(delivery["id"])
    assert len(partner.got) <= 2
