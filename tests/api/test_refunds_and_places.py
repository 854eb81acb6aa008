"""Refunds, stores, devices and pages of lists through the partner API."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from saoma.api.rate import Limits
from saoma.kit.clock import MovableClock
from tests.api.make import Deployment, Program, barcode, deployment


async def test_a_refund_is_given_once_however_often_it_is_asked(house: Deployment, till: Program) -> None:
    payment = await till.pays()
    path = f"/payments/{payment['id']}/refunds"
    body = {"amount": "2.50", "reason": "No tea"}
    answers = await asyncio.gather(*(till.post(path, body, idempotency_key="r") for _ in range(10)))
    assert len({answer.json()["id"] for answer in answers}) == 1
    settled = await till.post(path, body, idempotency_key="r")
    assert (settled.status_code, settled.json()["status"]) == (200, "succeeded")
    assert settled.json()["message"]["customer"] == "Your money was given back."
    assert (await till.get(f"/payments/{payment['id']}")).json()["refunded"] == "2.50"
    assert (await till.get(f"/refunds/{settled.json()['id']}")).json() == settled.json()
    other = await till.post(path, {"amount": "2.51", "reason": "No tea"}, idempotency_key="r")
    assert (other.status_code, other.json()["type"].rpartition("/")[2]) == (422, "key-reused")


async def test_a_refund_that_was_refused_leaves_its_key_free(house: Deployment, till: Program) -> None:
    payment = await till.pays()
    path = f"/payments/{payment['id']}/refunds"
    for wrong in ("12.51", "0", "0.00", "1.001"):
        assert (await till.post(path, {"amount": wrong}, idempotency_key="r")).status_code == 422
    assert (await till.post(path, {"amount": "12.50"}, idempotency_key="r")).json()["status"] == "succeeded"
    assert (await till.post(path, {"amount": "0.01"})).status_code == 422
    assert house.alipay.count("refund") == 1


async def test_a_key_of_a_payment_is_not_taken_for_a_refund(till: Program) -> None:
    answer = await till.post("/payments", barcode(), idempotency_key="one")
    path = f"/payments/{answer.json()['id']}/refunds"
    refused = await till.post(path, {"amount": "1.00"}, idempotency_key="one")
    assert refused.status_code == 422


async def test_an_unpaid_payment_gives_nothing_back(house: Deployment, till: Program) -> None:
    house.alipay.buyer = "thinks"
    payment = await till.pays()
    answer = await till.post(f"/payments/{payment['id']}/refunds", {"amount": "1.00"})
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "conflict")


async def test_a_refund_nobody_heard_of_is_waited_for(house: Deployment, till: Program) -> None:
    payment = await till.pays()
    house.alipay.fails("refund", "silence_after")
    path = f"/payments/{payment['id']}/refunds"
    asking = asyncio.create_task(till.post(path, {"amount": "1.00"}, prefer="wait=20"))
    while not house.alipay.count("refund"):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    await house.work(120)
    answer = await asyncio.wait_for(asking, 10)
    assert (answer.status_code, answer.json()["status"]) == (201, "succeeded")


async def test_stores_and_devices_are_made_once_and_found(house: Deployment, till: Program) -> None:
    body = {"name": "Second", "zone": "Asia/Singapore"}
    answers = await asyncio.gather(*(till.post("/stores", body, idempotency_key="s") for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 200, 201]
    store = answers[0].json()
    assert all(answer.json() == store for answer in answers)
    device = await till.post("/terminals", {"store": store["id"], "name": "Till 2"})
    assert (device.status_code, device.json()["paired"]) == (201, False)
    assert (await till.get("/terminals", {"store": store["id"]})).json()["items"] == [device.json()]
    paid = await till.post("/payments", barcode(store=store["id"], terminal=device.json()["id"]))
    assert (paid.json()["store"], paid.json()["terminal"]) == (store["id"], device.json()["id"])
    elsewhere = await till.post("/payments", barcode(store=house.shop.store.id, terminal=device.json()["id"]))
    assert elsewhere.status_code == 404
    [merchant] = (await till.get("/merchants")).json()["items"]
    assert merchant == (await till.get(f"/merchants/{merchant['id']}")).json()
    assert (await till.post("/stores", {"name": "x", "zone": "Mars/Base"})).status_code == 422


async def pages(till: Program, limit: int, query: dict[str, Any] | None = None) -> list[list[dict[str, Any]]]:
    """Every page of a list of payments."""
    found, cursor = [], None
    while True:
        asked = {"limit": limit, **(query or {}), **({"cursor": cursor} if cursor else {})}
        page = (await till.get("/payments", asked)).json()
        found.append(page["items"])
        cursor = page["next_cursor"]
        if cursor is None:
            return found


async def test_pages_of_every_size_hold_each_payment_once_in_order(house: Deployment, till: Program) -> None:
    made = []
    for number in range(7):
        made.append((await till.pays(reference=f"o{number}"))["id"])
        if number % 3:
            house.clock.advance(timedelta(microseconds=1))

    # One event loop runs them all: the property is asked in the loop, case by case.
    for limit in range(1, 9):
        found = await pages(till, limit)
        assert [each["id"] for page in found for each in page] == list(reversed(made))
        assert all(len(page) == limit for page in found[:-1])


async def test_new_payments_shift_nothing_between_pages(house: Deployment, till: Program) -> None:
    old = [(await till.pays())["id"] for _ in range(4)]
    first = (await till.get("/payments", {"limit": 2})).json()
    house.clock.advance(timedelta(seconds=1))
    await till.pays()
    rest = (await till.get("/payments", {"limit": 10, "cursor": first["next_cursor"]})).json()
    assert [each["id"] for each in [*first["items"], *rest["items"]]] == old[::-1]
    assert rest["next_cursor"] is None


WRONG_QUERIES: list[dict[str, str]] = [
    *({"limit": limit} for limit in ("0", "101", "-1", "1.5", "x", "", "9" * 30, "١")),
    *({"cursor": cursor} for cursor in ("x", "!!", "a" * 500, "日", "MQ", "MS4y", "\x00", "")),
    *({"status": "paid"}, {"statsu": "failed"}, {"reference": "\x00"}, {"store": "a\x00b"}, {"store": "x" * 201}),
]


async def test_a_query_that_is_wrong_is_refused_and_names_its_field(till: Program) -> None:
    for query in WRONG_QUERIES:
        answer = await till.get("/payments", query)
        assert answer.status_code == 422, (query, answer.text)
        assert answer.json()["errors"][0]["field"] == next(iter(query))


async def test_too_many_requests_wait_as_long_as_they_are_told(
    database_url: str, clock: MovableClock, tmp_path: Path
) -> None:
    async with deployment(database_url, clock, tmp_path, api_per_second=1.0) as house:
        till, other = await house.program(), await house.program()
        codes = [(await till.get("/payments")).status_code for _ in range(5)]
        assert codes == [200, 200, 200, 200, 429]
        refused = await till.get("/payments")
        assert refused.headers["retry-after"] == "1"
        assert (refused.headers["ratelimit-limit"], refused.headers["ratelimit-remaining"]) == ("4", "0")
        assert refused.json()["type"].endswith("/too-many")
        assert (await other.get("/payments")).status_code == 200, "each key counts for itself"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0.5, 100), st.lists(st.floats(0, 2), min_size=1, max_size=200))
@example(0.5, [0.3, 0.0, 0.0])
def test_a_key_never_gets_more_than_its_rate_and_burst(rate: float, gaps: list[float]) -> None:
    now = [0.0]
    limits = Limits(rate, lambda: now[0])
    passed = 0
    for gap in gaps:
        now[0] += gap
        wait = limits.take("key").wait
        passed += wait == 0
        assert passed <= max(1.0, rate * 4) + now[0] * rate + 1e-6
        if wait:
            later = Limits(rate, lambda: now[0])
            later._left = limits._left.copy()
            now[0] += wait
            assert later.take("key").wait == 0, "Retry-After was a promise"
            now[0] -= wait
