"""The doors of the test's integration: the hooks of its adapter, its pages, and where notifications arrive."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from tests.validator.shop import Shop

HOOKS = (
    "advance", "pay", "query", "refund", "cancel", "page", "reported", "register", "vehicle", "confirmation",
    "shop_code", "reconcile", "switch",
)  # fmt: skip


async def answer(shop: Shop, hook: str, body: dict[str, Any]) -> dict[str, Any]:
    """What the adapter says to one hook."""
    match hook:
        case "hello":
            return {"name": "Test shop", "hooks": list(HOOKS), "currency": "USD"}
        case "advance":
            return await shop.advance(float(body["seconds"]))
        case "pay":
            return await shop.pay(body)
        case "query":
            order = shop.orders.get(body["order"])
            return order.standing if order else {"order": body["order"], "status": "unknown"}
        case "refund":
            return await shop.refund(shop.orders[body["order"]], body["amount"])
        case "cancel":
            order = shop.orders[body["order"]]
            await shop.cancel(order)
            return order.standing
        case "page":
            return {"url": f"{shop.home}/menu"}
        case "reported":
            order = shop.orders[body["order"]]
            if body["result_code"] == "9000" and shop.is_wrong("trusts_page"):
                order.paid()
            return order.standing
        case "register":
            return await shop.register()
        case "confirmation":
            return {"url": f"{shop.home}/confirm/{body['order']}"}
        case "shop_code":
            return await shop.shop_code()
        case "reconcile":
            return await shop.reconcile(body["day"])
        case "switch":
            return shop.switch(body)
    raise web.HTTPNotFound(text=f"no hook {hook}")


def doors(shop: Shop) -> web.Application:
    """The web application."""

    async def hook(request: web.Request) -> web.Response:
        return web.json_response(await answer(shop, request.match_info["hook"], await request.json()))

    async def menu(request: web.Request) -> web.Response:
        agent = request.headers.get("User-Agent", "")
        ours = "AlipayClient/" in agent and "APHK" not in agent
        if shop.is_wrong("ignores_wallet"):
            ours = True
        if shop.is_wrong("takes_hong_kong"):
            ours = "AlipayClient" in agent
        known = request.cookies.get("shop", "") in shop.sessions and not shop.is_wrong("forgets_session")
        if not ours or known:
            return web.Response(text="<h1>Menu</h1>", content_type="text/html")
        state = secrets.token_hex(8)
        shop.states.add(state)
        asked = {
            "app_id": shop.app_id,
            "scope": "auth_user" if shop.is_wrong("asks_for_more") else "auth_base",
            "redirect_uri": f"{shop.home}/callback",
            "state": state,
        }
        if shop.is_wrong("no_state"):
            del asked["state"]
        raise web.HTTPFound(f"{shop.sandbox}/oauth2/publicAppAuthorize.htm?{urlencode(asked)}")

    async def callback(request: web.Request) -> web.Response:
        state = request.query.get("state", "")
        if state not in shop.states and "no_state" not in shop.wrong:
            raise web.HTTPForbidden
        shop.states.discard(state)
        code, session = request.query["auth_code"], secrets.token_hex(8)
        shop.sessions[session] = await shop.token(code)
        if shop.is_wrong("token_twice"):
            await shop.token(code)
        found = web.HTTPFound("/menu/open")
        found.set_cookie("shop", session, httponly=True)
        raise found

    async def opened(_: web.Request) -> web.Response:
        return web.Response(text="<h1>Menu</h1>", content_type="text/html")

    async def pay_page(request: web.Request) -> web.Response:
        order = shop.orders[request.match_info["number"]]
        number = "" if shop.is_wrong("no_number") else order.trade_no
        script = "" if shop.is_wrong("no_trade_pay") else '<script src="/pay.js"></script>'
        return web.Response(text=f'<p data-trade="{number}">12.50 USD</p>{script}', content_type="text/html")

    async def script(_: web.Request) -> web.Response:
        text = "AlipayJSBridge.call('tradePay', {tradeNO: document.querySelector('p').dataset.trade}, report)"
        return web.Response(text=text, content_type="text/javascript")

    async def confirm(request: web.Request) -> web.Response:
        second = 0 if shop.is_wrong("still_page") else round(shop.time)
        text = f"<h1>Paid {request.match_info['number']}</h1><p>{second}</p>"
        return web.Response(text=text, content_type="text/html")

    async def notify(request: web.Request) -> web.Response:
        return web.Response(text=shop.notified(await request.read()))

    app = web.Application()
    app.router.add_post("/adapter/{hook}", hook)
    app.router.add_get("/menu", menu)
    app.router.add_get("/menu/open", opened)
    app.router.add_get("/callback", callback)
    app.router.add_get("/pay.js", script)
    app.router.add_get("/pay/{number}", pay_page)
    app.router.add_get("/confirm/{number}", confirm)
    app.router.add_post("/notify", notify)
    return app
