"""The floor of the local Alipay: the same server and framework, a form read, a few words of XML back, no more."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import parse_qsl

import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar, Request, Response, get, post

ANSWER = '<?xml version="1.0" encoding="UTF-8"?>\n<alipay><is_success>T</is_success>{}</alipay>'


@get("/readyz")
async def ready() -> str:
    """It is."""
    return "ready"


@post("/gateway.do")
async def gateway(request: Request[Any, Any, Any]) -> Response[str]:
    """One call: what was sent goes back."""
    fields = dict(parse_qsl((await request.body()).decode()))
    said = "".join(f'<param name="{name}">{value}</param>' for name, value in fields.items())
    return Response(ANSWER.format(said), media_type="text/xml")


async def serve(port: int) -> None:
    """Until the process ends."""
    app = Litestar([ready, gateway], openapi_config=None, logging_config=None)
    await Server(app, "127.0.0.1", port, interface=Interfaces.ASGI, log_enabled=False).serve()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
