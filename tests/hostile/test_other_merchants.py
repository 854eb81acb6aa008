"""Every route that takes an id, asked with another merchant's: it answers as if there were nothing, and changes none.

The routes are read from the application itself: a new one is tried here from its first day, or fails until somebody
says below what its id stands for."""

from __future__ import annotations

import json
import re
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest
from litestar.routes import HTTPRoute

from saoma.identity.roles import Role
from saoma.kit.ids import new_id
from tests.api.make import Program, barcode
from tests.hostile.make import ANNA, MARK, SPY, World, changed, faceless, stranger
from tests.identity.web import text_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: What opens these is not who asks but what they hold (a printed code, a signed link), or there is nothing to protect.
OPEN: Final = {
    "/acquirer/notify/{account_id}": "signed by the acquirer: tests/gateway/test_two_deployments.py",
    "/alipay/notify/{account_id}": "signed by Alipay: test_classic_holes.py",
    "/api/problems/{kind}": "a page of the documentation",
    "/assets/{name}": "styles and scripts",
    "/be/{buyer_id}": "these tests' own",
    "/board/{store_id}": "what hangs on the shop's wall: numbers to call and dishes, never who or how much",
    "/pair/{token}": "a signed link",
    "/practice/lessons/{key}/begin": "the name of a lesson, the same for everybody",
    "/photos/{file}": "dishes' photos, public as the menu is, under names nobody guesses",
    "/sign-in/link/{token}": "a signed link",
    "/staff-is/{staff_id}": "these tests' own",
}
#: Pages of whoever holds a printed code: tests below, and tests/online/test_screens.py.
CODED: Final = ("/t/", "/order/")
#: A kiosk finds its own orders only, not even those of a colleague's screen: a test below.
KIOSKS: Final = "/kiosk/orders/"
#: What the ids in a path stand for, by the beginning of the path; the longest that fits counts.
MEANT: Final = {
    "/api/v1/payments": {"payment_id": "api_payment"},
    "/api/v1/payments/{payment_id}/cancel": {"payment_id": "open_payment"},
    "/api/v1/refunds": {"refund_id": "refund"},
    "/api/v1/merchants": {"merchant_id": "merchant"},
    "/api/v1/stores": {"store_id": "store"},
    "/api/v1/terminals": {"terminal_id": "terminal"},
    "/api/v1/webhooks": {"webhook_id": "webhook", "delivery_id": "delivery"},
    "/counter/orders": {"order_id": "counter_order", "line_id": "counter_line", "payment_id": "counter_payment"},
    "/kiosk/orders": {
        "order_id": "counter_order",
        "line_id": "counter_line",
        "payment_id": "counter_payment",
        "item_id": "item",
    },
    "/console/cases": {"case_id": "case"},
    "/online": {"order_id": "ahead", "payment_id": "ahead_payment"},
    "/console/payments": {"payment_id": "stuck_payment"},
    "/console/refunds": {"refund_id": "waiting_refund"},
    "/console/shops": {"store_id": "store"},
    "/console/staff": {"person_id": "person"},
    "/courier": {"delivery_id": "brought"},
    "/deliveries": {"delivery_id": "brought"},
    "/kitchen/items": {"item_id": "item"},
    "/kitchen/lines": {"line_id": "sent_line"},
    "/kitchen/tabs": {"tab_id": "tab"},
    "/kitchen/tickets": {"tab_id": "tab", "number": "1"},
    "/office/api-keys": {"key_id": "key"},
    "/office/codes": {"code_id": "code", "move": "stop"},
    "/office/delivery/zones": {"zone_id": "zone"},
    "/office/menu/items": {"item_id": "item"},
    "/office/menu/sections": {"section_id": "section"},
    "/office/menu/times": {"part_id": "part"},
    "/office/offers": {"offer_id": "offer", "batch": "batch"},
    "/office/tables": {"table_id": "table"},
    "/office/terminals": {"terminal_id": "terminal"},
    "/runner/tabs": {"tab_id": "tab"},
    "/tablet/bills": {"sitting_id": "sitting", "payment_id": "table_payment"},
    "/till-payments": {"payment_id": "open_payment"},
    "/till/arrivals": {"payment_id": "arrival"},
    "/till/bills": {
        "sitting_id": "sitting",
        "payment_id": "table_payment",
        "line_id": "staff_line",
        "discount_id": "discount",
    },
    "/till/codes": {"table_id": "table"},
    "/till/knocks": {"guest_id": "guest"},
    "/till/offline": {"order_id": "offline_order"},
    "/till/refunds": {"refund_id": "waiting_refund"},
    "/till/shifts": {"shift_id": "shift"},
    "/till/tables": {"table_id": "table"},
    "/pay": {"payment_id": "held_payment"},
    "/receipt": {"payment_id": "table_payment"},
}
#: What only the partner's own people do.
OPERATORS: Final = (
    *("/console/accounts", "/console/alarms", "/console/notices", "/console/reconciliation"),
    *("/console/cases/{case_id}/rule", "/console/cases/{case_id}/send-back"),
    # with a partner key: tests/api/test_merchants.py
    "/api/v1/merchants/{merchant_id}/keys",
)
#: What makes the request one that would do something; `@` before the name of a thing stands for its id.
SENT: Final[dict[str, dict[str, Any]]] = {
    "/till/arrivals/{payment_id}/assign": {"bill": "@sitting"},
    "/till/bills/{sitting_id}/lines": {"item": "@dish"},
    "/api/v1/payments/{payment_id}/refunds": {"amount": "1.00"},
    "/counter/orders/{order_id}/coupon": {"coupon": "mine now"},
    "/counter/orders/{order_id}/channel": {"channel": "takeaway"},
    "/counter/orders/{order_id}/lines/{line_id}": {"quantity": "2"},
    "/counter/orders/{order_id}/taken": {"method": "cash"},
    "/online/{order_id}/taken": {"method": "cash"},
    "/courier/{delivery_id}/delivered": {"left": "mine now"},
    "/courier/{delivery_id}/nobody": {"reason": "nobody_there"},
    "/deliveries/{delivery_id}/assign": {"courier": "@owner"},
    "/office/delivery/zones/{zone_id}": {"name": "Mine now", "metres": "900", "fee": "1.00"},
    "/runner/tabs/{tab_id}/take": {"line": "@sent_line"},
    "/console/staff/{person_id}/pin": {"pin": "8642"},
    "/console/staff/{person_id}/roles": {"role": "waiter"},
    "/kitchen/items/{item_id}/sold-out": {"sold_out": "yes"},
    "/kitchen/lines/{line_id}/bump": {"seen": "sent"},
    "/kitchen/tabs/{tab_id}/fire": {"course": ""},
    "/kitchen/tabs/{tab_id}/hold": {"course": ""},
    "/kitchen/tabs/{tab_id}/serve": {"course": ""},
    "/kitchen/tickets/{tab_id}/{number}/bump": {"seen": "sent"},
    "/kitchen/tickets/{tab_id}/{number}/recall": {"seen": "served"},
    "/office/codes/{code_id}": {"label": "Mine now"},
    "/office/menu/items/{item_id}/hidden": {"hidden": "yes"},
    "/office/menu/items/{item_id}/move": {"where": "up"},
    "/office/menu/items/{item_id}/place": {"section": "@section"},
    "/office/menu/items/{item_id}/sold-out": {"sold_out": "yes"},
    "/office/menu/sections/{section_id}": {"name": "Mine now"},
    "/office/menu/sections/{section_id}/move": {"where": "up"},
    "/office/offers/{offer_id}/turn": {"to": "end"},
    "/office/offers/{offer_id}/coupons": {"count": "3"},
    "/till/bills/{sitting_id}/coupon": {"coupon": "@coupon"},
    "/office/tables/{table_id}": {"name": "Mine now"},
    "/till/arrivals/{payment_id}/refund": {"reason": "mine now"},
    "/till/bills/{sitting_id}/lines/{line_id}": {"quantity": "2"},
    "/till/bills/{sitting_id}/payments/{payment_id}/refund": {"reason": "mine now", "typed": "0.10"},
    "/till/offline/{order_id}/drop": {"reason": "mine now"},
    "/tablet/bills/{sitting_id}/pay": {"how": "whole", "tip": "0", "by": "code"},
    "/till/shifts/{shift_id}/cash": {"kind": "pay_out", "amount": "1.00", "reason": "mine now"},
    "/till/shifts/{shift_id}/paper": {"how": "pdf"},
    "/receipt/{payment_id}/paper": {"how": "pdf"},
    "/till/bills/{sitting_id}/taken": {"method": "cash"},
    "/till/bills/{sitting_id}/ask": {"asked": "yes"},
    "/till/bills/{sitting_id}/discount": {"typed": "10", "off": "percent", "words": "mine now"},
    "/till/bills/{sitting_id}/fire": {"course": "main"},
    "/till/bills/{sitting_id}/move": {"to": "@free_table"},
    "/till/bills/{sitting_id}/seats": {"known": "1"},
    "/till/bills/{sitting_id}/void": {"line": "@sent_line", "words": "mine now"},
    "/till/bills/{sitting_id}/pay": {"payment_code": "281234567890123456"},
}
#: These end what others need: they come last.
LAST: Final = re.compile(r"remove|retire|dismiss|revoke|delete|close|give-up|cancel|/code$|refuse|approve|DELETE")
#: How an id in a path may be asked for where there is nothing of that name at all.
PREFIXES: Final = {"number": "1", "move": "stop"}


@dataclass(frozen=True)
class Route:
    """One thing that can be asked for."""

    method: str
    path: str
    guarded: bool

    @property
    def names(self) -> list[str]:
        """The ids in its path."""
        return re.findall(r"{(\w+)}", self.path)

    @property
    def meant(self) -> dict[str, str]:
        """What they stand for. Fails where nobody said so."""
        fitting = [begin for begin in MEANT if self.path == begin or self.path.startswith(f"{begin}/")]
        found = MEANT[max(fitting, key=len)] if fitting else {}
        assert set(self.names) <= set(found), f"{self}: say in MEANT (or OPEN) what these ids stand for"
        return {name: found[name] for name in self.names}

    def filled(self, ids: dict[str, str]) -> str:
        """Its path with the things that are meant."""
        return self.path.format(**{name: ids.get(what, what) for name, what in self.meant.items()})

    def nowhere(self, ids: dict[str, str]) -> str:
        """Its path with ids of the right shape that nothing has."""
        return self.path.format(
            **{
                name: new_id(ids[what].partition("_")[0]) if "_" in ids.get(what, "") else ids.get(what, what)
                for name, what in self.meant.items()
            }
        )


def routes(of: World) -> list[Route]:
    """All that can be asked for by an id, what ends things last."""
    found = [
        Route(str(method), re.sub(r":\w+}", "}", route.path), bool(handler.resolve_guards()))
        for route in of.house.app.routes
        if isinstance(route, HTTPRoute) and "{" in route.path
        for handler in route.route_handlers
        for method in handler.http_methods
        if method not in ("OPTIONS", "HEAD")
    ]
    return sorted(found, key=lambda each: (bool(LAST.search(f"{each.path} {each.method}")), each.path, each.method))


async def ask(of: World, route: Route, path: str, browser: Any, till: Program) -> httpx.Response:
    """Ask as a page or a program would."""
    body = {name: of.ids.get(value[1:], value) for name, value in SENT.get(route.path, {}).items()}
    if path.startswith("/api/"):
        path = path.removeprefix("/api/v1")
        match route.method:
            case "GET":
                return await till.get(path)
            case "DELETE":
                return await till.delete(path)
            case _:
                return await till.post(path, body or None)
    if route.method == "GET":
        return await browser.get(path)  # type: ignore[no-any-return]
    return await browser.post(path, body)  # type: ignore[no-any-return]


async def test_missing_authorisation_on_an_object_of_another_merchant(of: World) -> None:
    spy = await of.person(of.theirs, Role.OWNER)
    till = await stranger(of)
    tried, wrong = 0, []
    async with of.browser(spy, buyer=SPY) as browser:
        await browser.get("/till")
        before = await of.state()
        for route in routes(of):
            if route.path in OPEN or route.path.startswith(CODED) or (route.guarded and _operators(route)):
                continue
            tried += 1
            answer = await ask(of, route, route.filled(of.ids), browser, till)
            nothing = await ask(of, route, route.nowhere(of.ids), browser, till)
            after = await of.state()
            moved, before = changed(before, after), after
            if answer.status_code != 404 or moved or MARK in answer.text:
                wrong.append(f"{route.method} {route.path}: {answer.status_code}, changed {moved}")
            if nothing.status_code != 404 or faceless(text_of(nothing.text)) != faceless(text_of(answer.text)):
                wrong.append(f"{route.method} {route.path}: tells what is there from what is not")
    assert not wrong, "\n".join(wrong)
    assert tried >= 60, "the routes were not read"


def _operators(route: Route) -> bool:
    return route.path.startswith(OPERATORS)


async def test_the_partners_own_screens_open_for_no_merchant(of: World) -> None:
    spy = await of.person(of.theirs, Role.OWNER)
    async with of.browser(spy) as browser:
        theirs = [route for route in routes(of) if _operators(route) and not route.path.startswith("/api/")]
        assert len(theirs) >= 6
        for route in theirs:
            path = re.sub(r"{\w+}", "1", route.path)
            answer = await (browser.get(path) if route.method == "GET" else browser.post(path))
            assert answer.status_code == 403, route


async def test_missing_authorisation_at_another_table(of: World) -> None:
    """Whoever sits at one table opens nothing of another's, though they hold a printed code of their own."""
    async with of.house.rooms.db.reading() as rows:
        sql = "SELECT code FROM dining_tables WHERE store_id = %(id)s AND name = 'B1'"
        elsewhere = str(await rows.value(sql, {"id": of.theirs.store.id}))
    wrong, tried = [], 0
    ids = {"item_id": of.ids["item"], "line_id": of.ids["basket_line"], "payment_id": of.ids["held_payment"]}
    ids |= {"guest_id": of.ids["guest"], "order_id": of.ids["ahead"]}
    for code in (elsewhere, of.restaurant.tables[2].code):
        async with of.browser(buyer=SPY) as phone:
            assert (await phone.post(f"/t/{code}/name", {"name": "Spy"})).status_code == 303
            for route in routes(of):
                if not route.path.startswith("/t/{code}/") or route.names == ["code"]:
                    continue
                if "{item_id}" in route.path and code != elsewhere:
                    continue  # the menu is the store's
                tried += 1
                before = await of.state()
                path = route.path.format(code=code, **{name: ids[name] for name in route.names if name != "code"})
                answer = await (phone.get(path) if route.method == "GET" else phone.post(path, {"quantity": "3"}))
                if answer.status_code != 404 or changed(before, await of.state()):
                    wrong.append(f"{route.method} {path}: {answer.status_code}")
    assert wrong == [] and tried >= 5


async def test_a_buyer_opens_only_what_the_same_buyer_pays(of: World) -> None:
    for path in (f"/pay/{of.ids['held_payment']}", f"/receipt/{of.ids['table_payment']}"):
        async with of.browser(buyer=ANNA) as anna, of.browser(buyer=SPY) as spy, of.browser() as nobody:
            assert (await anna.get(path)).status_code == 200
            assert (await spy.get(path)).status_code == 404
            assert (await nobody.get(path)).status_code == 404


async def test_no_list_shows_anything_of_another_merchant_whatever_is_asked_for(of: World) -> None:
    spy, till = await of.person(of.theirs, Role.OWNER), await stranger(of)
    ours = of.ids
    query = {
        "store": ours["store"],
        "merchant": ours["merchant"],
        "section": ours["section"],
        "code": ours["code"],
        "selected": ours["sitting"],
        "station": ours["section"],
        "q": MARK,
        "reference": f"{MARK}-1",
    }
    seen = 0
    async with of.browser(spy) as browser:
        for route in of.house.app.routes:
            if not isinstance(route, HTTPRoute) or "{" in route.path or "GET" not in route.methods:
                continue
            if route.path.startswith("/api/v1/"):
                for name in ("store", "reference"):
                    answer = await till.get(route.path.removeprefix("/api/v1"), {name: query[name]})
                    assert MARK not in answer.text.replace(f"{MARK}-1", ""), (route.path, name)
                    assert not any(each in answer.text for each in ours.values()), (route.path, name)
                    seen += 1
                continue
            if not any(handler.resolve_guards() for handler in route.route_handlers):
                continue
            for name, value in query.items():
                answer = await browser.get(route.path, {name: value})
                page = answer.text.replace(f'value="{MARK}"', "").replace(value, "")
                assert MARK not in page, (route.path, name)
                assert not any(each in page for each in ours.values() if len(each) > 20), (route.path, name)
                seen += 1
    assert seen >= 150


async def test_no_body_names_another_merchants_store_terminal_or_bill(of: World) -> None:
    till, spy = await stranger(of), await of.person(of.theirs, Role.OWNER)
    before = await of.state()
    for body in (
        barcode(store=of.ids["store"]),
        barcode(store=of.theirs.store.id, terminal=of.ids["terminal"]),
        barcode(terminal=of.ids["terminal"]),
    ):
        assert (await till.post("/payments", body)).status_code == 404
    assert (await till.post("/terminals", {"store": of.ids["store"], "name": "Mine"})).status_code == 404
    assert (await till.post("/payments/withdraw", {"store": of.ids["store"], "reference": "x"})).status_code == 404
    async with of.browser(spy) as browser:
        made = {"name": "Mine", "scope": "payments:write", "store": of.ids["store"]}
        assert (await browser.post("/office/api-keys", made)).status_code == 422
        dish = {"section": of.ids["section"], "section_id": of.ids["section"], "name": "Mine", "price": "1.00"}
        assert (await browser.post("/office/menu/items", dish)).status_code in (404, 409, 422)
        person = {"name": "Mole", "login": "mole", "role": "owner", "merchant": of.ids["merchant"]}
        await browser.post("/console/staff", person)
    async with of.house.rooms.db.reading() as rows:
        sql = "SELECT count(*) FROM staff WHERE login = 'mole' AND merchant_id = %(id)s"
        assert await rows.value(sql, {"id": of.ids["merchant"]}) == 0
    moved = changed(before, await of.state())
    assert set(moved) <= {"staff", "audit"}, moved


async def test_a_device_of_another_merchant_sends_nothing_and_tells_nothing(of: World) -> None:
    """Orders taken offline name their device in the body: no id in the path to try."""
    line = {"item": of.ids["dish"], "name": "Mine now", "unit": 100}
    order = {"device": "dev_of_anna", "seq": 2, "key": "mine_now_2", "kind": "table", "place": of.ids["table"]}
    order |= {"taken_at": of.house.clock.now().isoformat(), "taken_by": of.ids["owner"], "lines": [line]}
    spy, owner = await of.person(of.theirs, Role.OWNER), await of.person(of.ours, Role.OWNER)
    before = await of.state()
    async with of.browser(spy) as browser, of.browser(owner) as ours:
        for who in (browser, ours):
            await who.get("/till")

        async def sends(who: Any, path: str, body: dict[str, Any], **headers: str) -> httpx.Response:
            token = {"X-CSRF-Token": who.http.cookies["saoma_csrf"], "Content-Type": "application/json"}
            return await who.http.post(path, content=json.dumps(body).encode(), headers=token | headers)  # type: ignore[no-any-return]

        same = {**order, "seq": 1, "key": "of_anna_1"}
        for body in (order, same, {**order, "device": "dev_of_nobody"}):
            answer = await sends(browser, "/offline/orders", body)
            assert answer.status_code == 404 and MARK not in answer.text
        for begins in (1, 10**12):
            answer = await sends(browser, "/offline/device", {"device": "dev_of_anna", "begins": begins})
            assert answer.status_code == 404
        assert (
            await sends(browser, "/offline/device", {"device": "dev_mine_now", "begins": 10**30})
        ).status_code == 422
        # The right person from another site, and a body larger than any order.
        assert (await sends(ours, "/offline/orders", order, **{"X-CSRF-Token": ""})).status_code == 403
        huge = {**order, "lines": [line | {"note": "x" * 3_000_000}]}
        assert (await sends(ours, "/offline/orders", huge)).status_code == 413
        assert changed(before, await of.state()) == []
        # A device of their own orders nothing at a table of ours: it waits for a person there.
        assert (await sends(browser, "/offline/device", {"device": "dev_of_theirs"})).status_code == 200
        answer = await sends(browser, "/offline/orders", {**order, "device": "dev_of_theirs", "seq": 1})
        assert (answer.status_code, answer.json()["state"]) == (200, "trouble")
        assert set(changed(before, await of.state())) <= {"offline_devices", "offline_orders"}
        # And the rightful one does all of it.
        assert (await sends(ours, "/offline/orders", order)).status_code == 200


async def test_the_rightful_owner_finds_all_that_the_stranger_did_not(of: World) -> None:
    """Without this the tests above would pass on paths that lead nowhere."""
    owner = await of.person(of.ours, Role.OWNER)
    till = await of.house.program(at=of.ours)
    missing = []
    async with of.browser(owner, buyer=ANNA) as browser:
        for route in routes(of):
            if route.path in OPEN or route.path.startswith((*CODED, KIOSKS)) or _operators(route):
                continue
            if LAST.search(str(route)):
                continue
            answer = await ask(of, route, route.filled(of.ids), browser, till)
            if answer.status_code in (403, 404) or answer.status_code >= 500:
                missing.append(f"{route.method} {route.path}: {answer.status_code}")
    assert not missing, "\n".join(missing)


async def test_a_kiosk_finds_its_own_orders_and_no_other_kiosks(of: World) -> None:
    async with AsyncExitStack() as stack:
        kiosks = []
        for shop in (of.ours, of.ours, of.theirs):
            kiosks.append(await stack.enter_async_context(of.browser(await of.person(shop, Role.OWNER))))
            assert (await kiosks[-1].post("/kiosk/open")).status_code == 303
        mine, beside, spy = kiosks
        order = (await mine.post("/kiosk/begin", {"key": "one"})).headers["location"]
        await mine.post(f"{order}/lines", {"item": of.ids["dish"], "key": "two"})
        async with of.house.rooms.db.reading() as rows:
            sql = "SELECT l.id FROM tab_lines l JOIN counter_orders o ON o.tab_id = l.tab_id WHERE o.id = %(id)s"
            line = await rows.value(sql, {"id": order.rpartition("/")[2]})
        paying = await mine.post(f"{order}/scan", {"payment_code": "281234567890123456"})
        assert paying.status_code == 303, paying.text
        async with of.house.rooms.db.reading() as rows:
            sql = "SELECT id FROM payments WHERE payable_id = %(id)s"
            payment = await rows.value(sql, {"id": order.rpartition("/")[2]})
        ids = {"order_id": order.rpartition("/")[2], "line_id": line, "payment_id": payment, "item_id": of.ids["dish"]}
        tried = [route for route in routes(of) if route.path.startswith(KIOSKS)]
        assert len(tried) >= 15
        for route in tried:
            path, sent, before = (
                route.path.format(**ids),
                {"coupon": of.ids["coupon"], "item": of.ids["dish"]},
                await of.state(),
            )
            for other in (beside, spy):
                answer = await (other.get(path) if route.method == "GET" else other.post(path, sent))
                assert answer.status_code == 404 and MARK not in answer.text, route
            assert not changed(before, await of.state()), route
            found = await (mine.get(path) if route.method == "GET" else mine.post(path, sent))
            assert found.status_code not in (403, 404) and found.status_code < 500, (route, found.status_code)
