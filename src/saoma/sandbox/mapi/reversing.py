"""The two ways back of older editions, which `alipay.acquire.cancel` replaced: spot.reverse and spot.cancel.

Reverse undoes a payment that was made, cancel one nobody is sure of; both within the payment's Beijing day. No
official page of theirs is left: parameters and fields are those that public request classes and parsers know."""

from __future__ import annotations

from typing import Final

from saoma.sandbox import lifetimes
from saoma.sandbox.book import undoing
from saoma.sandbox.mapi.asking import Asked, Operation, Words
from saoma.sandbox.parameters import BASIC, NUMBER, Rule

_RULES: Final[dict[str, Rule]] = BASIC | {"partner_trans_id": NUMBER}


def _reverse(asked: Asked) -> dict[str, str]:
    trade = undoing.reverse(asked.book, asked.partner.partner, asked.get("partner_trans_id"))
    return {
        "result_code": "SUCCESS",
        "partner_trans_id": trade.out_trade_no,
        "alipay_trans_id": trade.trade_no,
        "alipay_reverse_time": lifetimes.wire_time(trade.closed_at) if trade.closed_at else "",
    }


def _cancel(asked: Asked) -> dict[str, str]:
    number = asked.get("partner_trans_id")
    undone = undoing.cancel(asked.book, asked.partner.partner, number)
    at = asked.book.trades[asked.partner.partner, number].closed_at
    return {
        "result_code": "SUCCESS",
        "partner_trans_id": number,
        "alipay_trans_id": undone.trade_no,
        "alipay_cancel_time": lifetimes.wire_time(at) if at else "",
    }


OPERATIONS: Final = (
    Operation("alipay.acquire.overseas.spot.reverse", _RULES, _reverse, Words.FAILED_ERROR, "partner_trans_id"),
    Operation("alipay.acquire.overseas.spot.cancel", _RULES, _cancel, Words.FAILED_ERROR, "partner_trans_id"),
)
