"""The sandbox and a partner in one process, for browsers: `python -m tests.sandbox.wallet.server PORT PARTNER_PORT`.

The partner is a small restaurant page that wants to be paid, noting what it is sent. Tests reach into the book through
`/control/book`, which only this test server has."""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from aiohttp import web
from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Request, post

from saoma.sandbox.book.model import Product
from saoma.sandbox.config import DEFAULT, BuyerSetting, Config
from saoma.sandbox.server import Sandbox
from tests.sandbox.wallet.make import PARTNER, order, shop_code

PAGE = """<!doctype html>
<html><head><meta charset="utf-8"><title>Noodle House</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/page.css"></head>
<body><h1>Noodle House</h1><p>Beef noodles, table 4</p>
<p><button id="pay" data-trade="{trade}">Pay 36.50</button> <a href="/next">Next page</a></p>
<p>agent: <span id="agent"></span></p><p>told: <output id="told"></output></p><p>live: <output id="live"></output></p>
<script src="/page.js"></script></body></html>"""
SCRIPT = """
document.getElementById('agent').textContent = navigator.userAgent;
const button = document.getElementById('pay');
const pay = () => AlipayJSBridge.call('tradePay', {tradeNO: button.dataset.trade}, (r) => {
  document.getElementById('told').textContent = r.resultCode;
  fetch('/told', {method: 'POST', body: r.resultCode});
});
button.onclick = () => window.AlipayJSBridge ? pay() : document.addEventListener('AlipayJSBridgeReady', pay);
new EventSource('/live').onmessage = (e) => document.getElementById('live').textContent = e.data;
"""
BRIDGE_CALL = "AlipayJSBridge.call('tradePay', "
LIBRARY_CALL = "ap.tradePay("


class Partner:
    """The restaurant's server, remembering every request."""

    def __init__(self, port: int, sandbox_port: int) -> None:
        self.port = port
        self.sandbox_port = sandbox_port
        self.trade = ""
        self.seen: list[dict[str, Any]] = []
        self.streams = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.seen.append(
            {
                "path": request.path_qs,
                "method": request.method,
                "headers": dict(request.headers),
                "body": body[:200].decode(),
            }
        )
        match request.path:
            case "/seen":
                return web.json_response(self.seen)
            case "/page.js":
                return web.Response(text=SCRIPT, content_type="text/javascript")
            case "/library":
                library = "https://gw.alipayobjects.com/as/g/h5-lib/alipayjsapi/3.1.1/alipayjsapi.min.js"
                text = PAGE.replace("{trade}", self.trade).replace("/page.js", "/library.js")
                return web.Response(
                    text=text.replace("<script", f'<script src="{library}"></script><script', 1),
                    content_type="text/html",
                )
            case "/library.js":
                return web.Response(text=SCRIPT.replace(BRIDGE_CALL, LIBRARY_CALL), content_type="text/javascript")
            case "/page.css":
                return web.Response(text="body{font-family:sans-serif;padding:16px}", content_type="text/css")
            case "/moved":
                raise web.HTTPFound(f"http://127.0.0.1:{self.port}/t/7?from=moved")
            case "/away":
                raise web.HTTPFound("http://169.254.169.254/latest/meta-data")
            case "/login" | "/profile":
                scope = "auth_base" if request.path == "/login" else "auth_user"
                back = quote(f"http://127.0.0.1:{self.port}/back", safe="")
                raise web.HTTPFound(
                    f"http://127.0.0.1:{self.sandbox_port}/oauth2/publicAppAuthorize.htm"
                    f"?app_id=2016000000000000&scope={scope}&state=xyz&redirect_uri={back}"
                )
            case "/live":
                stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
                await stream.prepare(request)
                self.streams += 1
                try:
                    for number in range(300):
                        await stream.write(f"data: tick {number}\n\n".encode())
                        await asyncio.sleep(0.2)
                finally:
                    self.streams -= 1
                return stream
            case "/streams":
                return web.json_response(self.streams)
            case "/length":
                return web.json_response(len(body))
            case "/zipped":
                packed = gzip.compress(PAGE.encode())
                return web.Response(body=packed, content_type="text/html", headers={"Content-Encoding": "gzip"})
            case "/badly-zipped":
                return web.Response(body=b"no zip", content_type="text/html", headers={"Content-Encoding": "gzip"})
            case "/fragment":
                return web.Response(text="<p>a fragment with <script>1</script></p>", content_type="text/html")
            case "/trade":
                self.trade = body.decode()
                return web.Response()
        answer = web.Response(text=PAGE.replace("{trade}", self.trade), content_type="text/html")
        answer.headers["X-Frame-Options"] = "DENY"
        answer.headers["Content-Security-Policy"] = (
            "default-src 'self'; script-src 'self'; frame-ancestors 'none'; form-action 'self'"
        )
        answer.set_cookie("session", "s3cret", domain="partner.example", secure=True, httponly=True, samesite="None")
        return answer


async def serve(port: int, partner_port: int) -> None:
    """Run both until killed; prints `ready`."""
    partner = Partner(partner_port, port)
    pages = web.Application(client_max_size=8 * 1024 * 1024)
    pages.router.add_route("*", "/{rest:.*}", partner.answer)
    runner = web.AppRunner(pages)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", partner_port).start()

    buyers = [
        BuyerSetting("amy", "Amy"),
        BuyerSetting("ben", "Ben 小本", pin_required=True),
        BuyerSetting("chloe", "Chloé Müller-Lüdenscheidt-Wojciechowska"),
    ]
    sandbox = Sandbox(Config(partners=DEFAULT.partners, buyers=buyers), port=port)
    book = sandbox.book

    @post("/control/book", status_code=200)
    async def control(request: Request[Any, Any, Any]) -> Any:
        wish = json.loads(await request.body())
        match wish.pop("do"):
            case "create":
                return {"trade_no": book.create(order(**wish), book.buyer("amy").user_id).trade_no}
            case "place":
                placed = replace(order(**wish), code_expires_at=book.clock.now() + timedelta(hours=2))
                return {"qr_code": book.code_url(book.place(placed).qr_token)}
            case "shop":
                return {"qr_code": shop_code(book, **wish).qrcode}
            case "till":
                code = wish.pop("code")
                trade = book.pay_by_code(order(product=Product.BARCODE, **wish), code)
                return {"trade_no": trade.trade_no, "status": trade.status, "buyer": trade.buyer_id}
            case "trade":
                found = book.trades.get((PARTNER, wish["number"])) or book.trade(wish["number"])
                return {"status": found.status, "buyer": found.buyer_id, "number": found.out_trade_no}
            case "advance":
                return {"now": book.advance(timedelta(seconds=wish["seconds"])).isoformat()}
        raise AssertionError(wish)

    app = sandbox.app()
    app.register(control)
    server = Server(app, address="127.0.0.1", port=port, interface=Interfaces.ASGI)
    asyncio.get_running_loop().call_later(0.5, lambda: print("ready", flush=True))
    await server.serve()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
