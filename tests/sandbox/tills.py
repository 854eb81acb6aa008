"""Tills at the three gateways of one sandbox without a server: each asks in its own words and hears one word back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from saoma.alipay.signing import md5_signatory
from saoma.alipay.wire import read_answer, read_openapi_answer
from saoma.sandbox.book.model import Trade
from saoma.sandbox.plus.gateway import Heard
from saoma.sandbox.plus.signing import read_signature, text_to_sign, write_signature
from saoma.sandbox.server import Sandbox
from tests.sandbox import make
from tests.sandbox.openapi import make as openapi
from tests.sandbox.plus import make as plus

PLUS = "/ams/api/v1/payments/"


@dataclass(frozen=True)
class Said:
    """What a till hears: one word (empty for silence), after how long, and whether its signature holds."""

    word: str
    wait: float
    holds: bool


@dataclass
class Till:
    """One gateway. `services` are what pays, asks and cancels there."""

    sandbox: Sandbox
    services: dict[str, str]
    send: Callable[[Sandbox, str, str], Said]

    def ask(self, what: str, number: str = "T-1") -> Said:
        """pay, query or cancel an order."""
        return self.send(self.sandbox, what, number)

    def trade(self, number: str = "T-1") -> Trade | None:
        """How the order stands in the book."""
        return self.sandbox.book.trades.get((make.PARTNER, number))


def _xml(sandbox: Sandbox, what: str, number: str) -> Said:
    fields = {
        "pay": lambda: make.pay_fields(number),
        "query": lambda: make.basic(make.QUERY, partner_trans_id=number),
        "cancel": lambda: make.cancel_fields(number),
    }[what]()
    reply = sandbox.mapi.answer(urlencode(make.signed(fields)).encode(), b"")
    if reply.body is None:
        return Said("", reply.wait, holds=False)
    said = read_answer(reply.body)
    word = said.error or said.fields.get("error") or said.fields.get("detail_error_code") or said.fields["result_code"]
    return Said(word, reply.wait, said.is_signed_by(md5_signatory(make.KEY), "UTF-8"))


def _open(sandbox: Sandbox, what: str, number: str) -> Said:
    content = {"out_trade_no": number}
    if what == "pay":
        content |= {"scene": "bar_code", "auth_code": make.CODE, "subject": "Noodles", "total_amount": "12.50"}
    method = {"pay": openapi.PAY, "query": openapi.QUERY, "cancel": openapi.CANCEL}[what]
    fields = openapi.Desk(sandbox).signed(method, content)
    reply = sandbox.openapi.answer(urlencode(fields).encode(), b"")
    if reply.body is None:
        return Said("", reply.wait, holds=False)
    said = read_openapi_answer(reply.body)
    word = str(said.fields.get("sub_code") or said.fields["code"])
    return Said(word, reply.wait, said.is_signed_by(make.partner_signatory()))


def _plus(sandbox: Sandbox, what: str, number: str) -> Said:
    body = plus.pay_body(number) if what == "pay" else {"paymentRequestId": number}
    path, raw = PLUS + {"query": "inquiryPayment"}.get(what, what), json.dumps(body).encode()
    signatory = make.partner_signatory()
    head = {
        "content-type": "application/json; charset=UTF-8",
        "client-id": plus.CLIENT,
        "request-time": plus.TIME,
        "signature": write_signature(signatory, text_to_sign(path, plus.CLIENT, plus.TIME, raw)),
    }
    reply = sandbox.plus.answer(Heard("POST", path, head, raw))
    if reply.body is None:
        return Said("", reply.wait, holds=False)
    signature = read_signature(reply.headers.get("Signature", ""))
    text = text_to_sign(path, plus.CLIENT, reply.headers["Response-Time"], reply.body)
    holds = signature is not None and signatory.verify(text, signature.value)
    return Said(json.loads(reply.body)["result"]["resultCode"], reply.wait, holds)


def tills(sandbox: Sandbox | None = None) -> dict[str, Till]:
    """One at each gateway of a sandbox that stands at the lunch of the published samples."""
    made = sandbox or Sandbox(make.settings(partners=[plus.partner()]), make.clock(), 1, make.store())
    return {
        "xml": Till(made, {"pay": make.PAY, "query": make.QUERY, "cancel": make.CANCEL}, _xml),
        "open": Till(made, {"pay": openapi.PAY, "query": openapi.QUERY, "cancel": openapi.CANCEL}, _open),
        "plus": Till(
            made, {"pay": f"{PLUS}pay", "query": f"{PLUS}inquiryPayment", "cancel": f"{PLUS}cancel"}, _plus
        ),
    }  # fmt: skip
