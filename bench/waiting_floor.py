"""The floor: the least that following a waiting payment can be. Claim, sign, ask, verify, write when to ask next.

No lifecycle, no evidence, nobody told: what the product adds is what a person needs when something goes wrong."""

from __future__ import annotations

import asyncio
import json
import sys

import aiohttp
import uvloop
from psycopg_pool import AsyncConnectionPool

from saoma.alipay.signing import SignType, rsa_signatory, string_to_sign
from saoma.alipay.wire import form, read_answer

given = json.loads(sys.stdin.read())
signatory = rsa_signatory(SignType.RSA2, given["private"], given["public"])
CLAIM = """
UPDATE floor SET due_at = clock_timestamp() + interval '30 seconds', tries = tries + 1 WHERE order_number IN (
    SELECT order_number FROM floor WHERE due_at <= clock_timestamp() ORDER BY due_at LIMIT 500 FOR UPDATE SKIP LOCKED
) RETURNING order_number
"""
NEXT = """
UPDATE floor SET due_at = clock_timestamp() + %s * interval '1 second', version = version + 1 WHERE order_number = %s
"""


async def ask(http: aiohttp.ClientSession, pool: AsyncConnectionPool, number: str) -> None:
    """One question and its answer."""
    fields = {
        "service": "alipay.acquire.overseas.query",
        "partner": "2088000000000001",
        "_input_charset": "UTF-8",
        "partner_trans_id": number,
    }
    fields["sign"] = signatory.sign(string_to_sign(fields).encode())
    fields["sign_type"] = "RSA2"
    headers = {"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"}
    async with http.post(given["gateway"], data=form(fields, "UTF-8"), headers=headers) as reply:
        answer = read_answer(await reply.read())
    if not answer.is_signed_by(signatory, "UTF-8"):
        raise SystemExit("a bad answer")
    async with pool.connection() as connection:
        await connection.execute(NEXT, (given["gap"], number))


async def main() -> None:
    """Ask until stopped."""
    pool = AsyncConnectionPool(given["database"], min_size=4, max_size=10, open=False, kwargs={"autocommit": True})
    await pool.open(wait=True)
    running: set[asyncio.Task[None]] = set()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1000)) as http:
        while True:
            async with pool.connection() as connection:
                found = await (await connection.execute(CLAIM)).fetchall()
            for (number,) in found:
                task = asyncio.create_task(ask(http, pool, number))
                running.add(task)
                task.add_done_callback(running.discard)
            await asyncio.sleep(0.02)


if __name__ == "__main__":
    uvloop.run(main())
