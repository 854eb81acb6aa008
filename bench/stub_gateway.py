"""The other side for benchmarks: answers every barcode payment "paid", signed, and does nothing else.

It is the same for the product and the floor, so that only their own work differs."""

from __future__ import annotations

import json
import sys

from aiohttp import web

from saoma.alipay.signing import SignType, md5_signatory, rsa_signatory
from saoma.alipay.wire import parse_form, write_answer

given = json.loads(sys.stdin.read())
signatory = (
    md5_signatory(given["md5_key"])
    if given["sign_type"] == "MD5"
    else rsa_signatory(SignType.RSA2, given["private"], None)
)


async def pay(request: web.Request) -> web.Response:
    """One signed answer: paid."""
    fields = parse_form(await request.read(), "UTF-8")
    answer = {
        "alipay_buyer_login_id": "ben***@example.com",
        "alipay_buyer_user_id": "2088000000009999",
        "alipay_pay_time": "20260302120000",
        "alipay_trans_id": "20260302" + fields["partner_trans_id"][-20:],
        "currency": fields["currency"],
        "exchange_rate": "7.10000000",
        "partner_trans_id": fields["partner_trans_id"],
        "result_code": "SUCCESS",
        "trans_amount": fields["trans_amount"],
        "trans_amount_cny": "88.75",
    }
    body = write_answer("alipay", answer, fields, signatory, "UTF-8")
    return web.Response(body=body, headers={"Content-Type": "text/xml;charset=UTF-8"})


if __name__ == "__main__":
    app = web.Application()
    app.router.add_post("/gateway.do", pay)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
