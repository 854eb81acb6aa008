"""Printed merchant codes at Alipay: our wishes become the three `alipay.commerce.qrcode` calls, answers become reports.

A code is made once and asked for as often as one likes: Alipay gives the existing one back. What pays through it is
numbered by Alipay and told by notification alone (https://docs.antom.com/ac/global/qrcode_create)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

from saoma.alipay.client import Reply
from saoma.alipay.messages.fields import Request
from saoma.alipay.messages.merchant_codes import (
    CodeStatus,
    Counter,
    QrcodeAnswer,
    QrcodeCreate,
    QrcodeModify,
    QrcodeModifyStatus,
)
from saoma.alipay.notify import CODE_KEY
from saoma.alipay.wire import Unreadable
from saoma.gateway import CodeMove, CodeRefused, CodeReport, CodeStands, Evidence, PrintedCode, Unclear
from saoma.kit.errors import Invalid

#: How a gateway asks: the verified answer, or why there is none.
Ask = Callable[[Request], Awaitable[Reply | Unclear]]
CodeCall = QrcodeCreate | QrcodeModify | QrcodeModifyStatus

_MOVES: Final = {
    CodeMove.STOP: CodeStatus.STOP,
    CodeMove.RESTART: CodeStatus.RESTART,
    CodeMove.DELETE: CodeStatus.DELETE,
}
#: Words of the services themselves that come with a plain no; what the gateway says may pass.
_MAY_PASS: Final = ("SYSTEM_ERROR", "UNKNOWN", "SYSTEM_EXCEPTION")


def to_create(code: PrintedCode, now: datetime) -> QrcodeCreate:
    """The request that makes a code."""
    return QrcodeCreate(_counter(code), code.notify_url, now)


def to_modify(address: str, code: PrintedCode, now: datetime) -> QrcodeModify:
    """The request that changes what a code says."""
    return QrcodeModify(address, _counter(code), code.notify_url, now)


def to_move(address: str, move: CodeMove, now: datetime) -> QrcodeModifyStatus:
    """The request that stops, restarts or deletes a code."""
    return QrcodeModifyStatus(address, _MOVES[move], now)


def _counter(code: PrintedCode) -> Counter:
    return Counter(
        shop=code.shop,
        trans_currency=code.currency,
        currency=code.currency,
        country=code.country,
        address=code.place,
        pass_back={CODE_KEY: code.id},
    )


async def told(ask: Ask, request: CodeCall, address: str = "") -> CodeReport:
    """Ask, and read the answer. It must name a code, and the very one that was asked about."""
    service = request.service
    try:
        reply = await ask(request)
    except Invalid as error:
        return CodeRefused("invalid_request", Evidence(service, "invalid_request", signed=None, raw=str(error)))
    if isinstance(reply, Unclear):
        return reply
    try:
        answer = QrcodeAnswer.read(reply.fields)
    except Unreadable:
        return Unclear("unreadable", Evidence(service, "unreadable", signed=True, raw=reply.raw))
    word = answer.error or answer.result or "code"
    evidence = Evidence(service, word, signed=True, raw=reply.raw)
    if answer.result in ("FAIL", "FAILED"):
        return Unclear(word, evidence) if word in _MAY_PASS else CodeRefused(word, evidence)
    if answer.result not in ("", "SUCCESS") or not answer.qrcode:
        return Unclear("unreadable", evidence)
    if address and answer.qrcode != address:
        return Unclear("other_order", evidence)
    return CodeStands(answer.qrcode, evidence)
