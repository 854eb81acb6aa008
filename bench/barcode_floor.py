"""The floor: the least that a barcode payment can be. HTTP in, a durable row, sign, call, verify, a durable result.

No lifecycle, ledger, evidence, bill or idempotency: what the product adds is the price of never losing a cent."""

from __future__ import annotations

import json
import sys
import time
import uuid

import aiohttp
from aiohttp import web
from psycopg_pool import AsyncConnectionPool

from saoma.alipay.signing import SignType, md5_signatory, rsa_signatory, string_to_sign
from saoma.alipay.wire import form, read_answer

given = json.loads(sys.stdin.read())
signatory = (
    md5_signatory(given["md5_key"])
    if given["sign_type"] == "MD5"
    else rsa_signatory(SignType.RSA2, given["private"], given["public"])
)


async def pay(request: web.Request) -> web.Response:
    """One payment, without anything a person would miss."""
    body = await request.json()
    number = uuid.uuid4().hex
    pool: AsyncConnectionPool = request.app["pool"]
    async with pool.connection() as connection:
        await connection.execute(
            "INSERT INTO floor (id, amount, status) VALUES (%s, %s, 'pending')", (number, body["amount"])
        )
    fields = {
        "service": "alipay.acquire.overseas.spot.pay",
        "partner": "2088000000000001",
        "_input_charset": "UTF-8",
        "alipay_seller_id": "2088000000000001",
        "trans_name": "Noodles",
        "partner_trans_id": number,
        "currency": "USD",
        "trans_amount": "12.50",
        "buyer_identity_code": body["code"],
        "identity_code_type": "barcode",
        "trans_create_time": time.strftime("%Y%m%d%H%M%S"),
        "biz_product": "OVERSEAS_MBARCODE_PAY",
        "extend_info": '{"secondary_merchant_id":"SM_1","store_id":"ST_1"}',
    }
    fields["sign"] = signatory.sign(string_to_sign(fields).encode())
    fields["sign_type"] = given["sign_type"]
    async with request.app["http"].post(
        given["gateway"], data=form(fields, "UTF-8"), headers=given["headers"]
    ) as reply:
        answer = read_answer(await reply.read())
    if not answer.is_signed_by(signatory, "UTF-8") or answer.fields["result_code"] != "SUCCESS":
        return web.json_response({"status": "unclear"})
    async with pool.connection() as connection:
        await connection.execute(
            "WITH paid AS (UPDATE floor SET status = 'paid' WHERE id = %s RETURNING id, amount)"
            " INSERT INTO floor_ledger SELECT id, amount FROM paid",
            (number,),
        )
    return web.json_response({"status": "succeeded"})


async def begin(app: web.Application) -> None:
    """Open pool and client."""
    app["pool"] = AsyncConnectionPool(
        given["database"], min_size=4, max_size=16, open=False, kwargs={"autocommit": True}
    )
    await app["pool"].open(wait=True)
    async with app["pool"].connection() as connection:
        await connection.execute("CREATE TABLE IF NOT EXISTS floor (id text PRIMARY KEY, amount bigint, status text)")
        await connection.execute("CREATE TABLE IF NOT EXISTS floor_ledger (id text, amount bigint)")
    app["http"] = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64))


async def end(app: web.Application) -> None:
    """Close both."""
    await app["http"].close()
    await app["pool"].close()


if __name__ == "__main__":
    application = web.Application()
    application.on_startup.append(begin)
    application.on_cleanup.append(end)
    application.router.add_post("/pay", pay)
    web.run_app(application, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
