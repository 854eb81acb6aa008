"""Partner keys: they add merchants to their account and make their first keys, and can do nothing else."""

from __future__ import annotations

import pytest

from saoma.identity.api_keys import Scope, add_api_key, api_key_for
from saoma.kit.errors import Invalid
from saoma.kit.ids import new_id
from tests.api.make import Deployment, Program, barcode, partner
from tests.identity import make as identity

NEW = {"name": "Harbour Noodles", "currency": "USD", "industry": "5812", "name_zh": "海港面馆"}


async def test_a_merchant_is_added_and_takes_money_with_a_key_of_its_own(house: Deployment) -> None:
    portal = await partner(house)
    made = await portal.post("/merchants", NEW, idempotency_key="first")
    assert made.status_code == 201, made.text
    merchant = made.json()
    assert made.headers["location"] == f"/api/v1/merchants/{merchant['id']}"
    again = await portal.post("/merchants", NEW, idempotency_key="first")
    assert (again.status_code, again.json()) == (200, merchant)
    wish = {"name": "Till", "scopes": ["payments:read", "payments:write", "stores:read", "stores:write"]}
    path = f"/merchants/{merchant['id']}/keys"
    key = await portal.post(path, wish, idempotency_key="key")
    assert key.status_code == 201 and key.json()["secret"].startswith(key.json()["hint"])
    lost = await portal.post(path, wish, idempotency_key="key")
    assert (lost.status_code, lost.json()["id"], lost.json()["secret"]) == (200, key.json()["id"], None)
    found = await api_key_for(house.rooms.db, house.clock, key.json()["secret"])
    assert found is not None and found.merchant_id == merchant["id"]
    till = Program(house.http, found, key.json()["secret"])
    store = await till.post("/stores", {"name": "Pier", "zone": "Asia/Singapore"})
    assert store.status_code == 201, store.text
    paid = await till.pays()
    assert (paid["status"], paid["store"]) == ("succeeded", store.json()["id"])
    assert (await till.get("/merchants")).json()["items"] == [merchant]


async def test_a_partner_key_sees_the_merchants_of_its_account_a_page_at_a_time(house: Deployment) -> None:
    portal = await partner(house)
    made = [(await portal.post("/merchants", NEW | {"name": f"M{number}"})).json()["id"] for number in range(4)]
    seen, cursor = [], ""
    while True:
        page = (await portal.get("/merchants", {"limit": "2"} | ({"cursor": cursor} if cursor else {}))).json()
        seen += [one["id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = page["next_cursor"]
    assert seen == [*reversed(made), house.shop.merchant.id]
    assert (await portal.get(f"/merchants/{made[0]}")).json()["name"] == "M0"


async def test_another_accounts_merchants_are_not_there(house: Deployment) -> None:
    elsewhere = await identity.shop(house.rooms.db, name="Elsewhere")
    portal = await partner(house)
    assert (await portal.get(f"/merchants/{elsewhere.merchant.id}")).status_code == 404
    wish = {"name": "Till", "scopes": ["payments:write"]}
    assert (await portal.post(f"/merchants/{elsewhere.merchant.id}/keys", wish)).status_code == 404
    assert (await portal.post(f"/merchants/{new_id('mer')}/keys", wish)).status_code == 404
    assert elsewhere.merchant.id not in (await portal.get("/merchants", {"limit": "100"})).text


async def test_a_partner_key_moves_no_money_and_a_merchants_key_adds_no_merchants(
    house: Deployment, till: Program
) -> None:
    portal = await partner(house)
    for path in ("/payments", "/webhooks", f"/payments/{(await till.pays())['id']}"):
        assert (await portal.get(path)).status_code == 403
    assert (await portal.post("/payments", barcode())).status_code == 403
    assert (await portal.post("/stores", {"name": "N", "zone": "Asia/Singapore"})).status_code == 403
    device = {"store": house.shop.store.id, "name": "T"}
    assert (await portal.post("/terminals", device)).status_code == 404
    assert (await portal.get("/stores")).json()["items"] == []
    before = await house.count("SELECT count(*) FROM merchants")
    assert (await till.post("/merchants", NEW)).status_code == 403
    wish = {"name": "Till", "scopes": ["payments:write"]}
    assert (await till.post(f"/merchants/{house.shop.merchant.id}/keys", wish)).status_code == 403
    assert await house.count("SELECT count(*) FROM merchants") == before


async def test_a_partner_key_with_more_than_its_due_is_not_made(house: Deployment) -> None:
    with pytest.raises(Invalid):
        async with house.rooms.db.transaction() as tx:
            await add_api_key(
                tx, house.clock, account_id=house.shop.account_id, name="x", scopes=[Scope.PAYMENTS_WRITE], by="stf"
            )


@pytest.mark.parametrize(
    "wrong",
    [
        {"industry": "58"},
        {"currency": "XXZ"},
        {"name": ""},
        {"name": "x" * 65},
        {"secondary_id": "a-b"},
        {"account": "x"},
    ],
)
async def test_a_merchant_that_alipay_would_not_take_is_refused(house: Deployment, wrong: dict[str, str]) -> None:
    portal = await partner(house)
    before = await house.count("SELECT count(*) FROM merchants")
    assert (await portal.post("/merchants", NEW | wrong)).status_code == 422
    assert await house.count("SELECT count(*) FROM merchants") == before


async def test_a_till_chooses_how_its_payments_are_followed(house: Deployment, till: Program) -> None:
    for policy, first in (("barcode", 5), ("fast_food", 5), ("ticket", 4)):
        house.alipay.buyer = "thinks"
        taken = await till.post("/payments", barcode(policy=policy))
        assert taken.status_code == 202, taken.text
        payment = await house.rooms.payments.get(taken.json()["id"])
        assert payment.policy == policy and payment.opened_at and payment.due_at
        assert abs((payment.due_at - payment.opened_at).total_seconds() - first) < 0.5
    assert (await till.post("/payments", barcode(policy="endless"))).status_code == 422
    wish = barcode(method="order_code", payment_code=None, policy="ticket")
    assert (await till.post("/payments", wish)).json()["errors"][0]["field"] == "policy"
