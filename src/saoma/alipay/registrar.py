"""Registering a store at Alipay and learning what its review decided, as reports.

Alipay accepts a registration at once and reviews it afterwards. The question about a review,
`alipay.overseas.secmerchant.maintain.queryStatus`, is named in the API list of
https://global.alipay.com/docs/ac/vending and its fields are not published: those here are unconfirmed, an answer
without a word we know means that the review goes on, and a gateway without the service that nothing more is told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final, Self

from saoma.alipay.account import Account
from saoma.alipay.client import AlipayClient, NoBelievableAnswer, Reply
from saoma.alipay.messages import fields as f
from saoma.alipay.submerchants import MaintainAnswer, MaintainSubmerchant
from saoma.kit.errors import Invalid, NotSent

_AGAIN: Final = frozenset({"SYSTEM_ERROR", "UNKNOWN", "silence", "unreadable", "bad_signature", "not_sent"})
_PASSED: Final = re.compile(r"PASS(ED)?|APPROVED|EFFECTIVE|SUCCESS", re.IGNORECASE)
_TURNED_DOWN: Final = re.compile(r"REJECT(ED)?|REFUSED?|FAIL(ED)?", re.IGNORECASE)
_NO_SERVICE: Final = frozenset({"ILLEGAL_SERVICE", "ILLEGAL_ACCESS_SWITCH_SYSTEM", "HAS_NO_PRIVILEGE"})


@dataclass(frozen=True, slots=True)
class AskReview:
    """The question what became of a registration."""

    service: ClassVar[str] = "alipay.overseas.secmerchant.maintain.queryStatus"

    merchant_id: str
    store_id: str
    sent_at: datetime

    @property
    def about(self) -> str:
        """The store's id."""
        return self.store_id

    def fields(self) -> dict[str, str]:
        """The fields as far as anybody knows them."""
        return {
            "secondary_merchant_id": self.merchant_id,
            "store_id": self.store_id,
            "timestamp": f.day_and_time(self.sent_at),
        }


@dataclass(frozen=True, slots=True)
class ReviewAnswer:
    """What was said of a review."""

    result: str
    status: str
    reason: str
    error: str

    @classmethod
    def read(cls, fields: Mapping[str, str]) -> Self:
        """Read it."""
        got = f.Incoming(fields)
        return cls(
            result=got.text("result_code"),
            status=got.text("status", "audit_status", "review_status"),
            reason=got.text("reason", "fail_reason", "audit_remark"),
            error=got.text("error", "detail_error_code"),
        )


@dataclass(frozen=True, slots=True)
class Registered:
    """The store stands in Alipay's register; `reviewed` tells whether anybody said that its review is over."""

    reviewed: bool


@dataclass(frozen=True, slots=True)
class InReview:
    """Accepted, and being looked at."""


@dataclass(frozen=True, slots=True)
class TurnedDown:
    """Alipay won't have it like this: its code or reason, for the person who must change something."""

    why: str


@dataclass(frozen=True, slots=True)
class NoWord:
    """Nothing is proven: ask again."""

    code: str


RegisterReport = InReview | TurnedDown | NoWord
ReviewReport = Registered | InReview | TurnedDown | NoWord


async def register(client: AlipayClient, account: Account, shop: MaintainSubmerchant) -> RegisterReport:
    """Tell Alipay of a store, or of its changed data: the same request, which may be repeated."""
    try:
        reply = await client.call(account, shop)
    except Invalid as error:
        return TurnedDown(str(error))
    except NotSent:
        return NoWord("not_sent")
    except NoBelievableAnswer as error:
        return NoWord(error.code)
    if reply.rejection:
        return _no(reply.rejection)
    answer = MaintainAnswer.read(reply.fields)
    if answer.result == "SUCCESS":
        return InReview()
    return _no(answer.error or answer.result or "unreadable")


async def review(client: AlipayClient, account: Account, question: AskReview) -> ReviewReport:
    """Ask what became of it."""
    try:
        reply: Reply = await client.call(account, question)
    except NotSent:
        return NoWord("not_sent")
    except (Invalid, NoBelievableAnswer) as error:
        return NoWord(getattr(error, "code", "unreadable"))
    if reply.rejection in _NO_SERVICE:
        return Registered(reviewed=False)
    if reply.rejection:
        return NoWord(reply.rejection)
    answer = ReviewAnswer.read(reply.fields)
    if answer.result == "SUCCESS" and _PASSED.fullmatch(answer.status):
        return Registered(reviewed=True)
    if answer.result == "SUCCESS" and _TURNED_DOWN.fullmatch(answer.status):
        return TurnedDown(answer.reason or answer.status)
    return InReview() if answer.result == "SUCCESS" else NoWord(answer.error or answer.result or "unreadable")


def _no(code: str) -> TurnedDown | NoWord:
    return NoWord(code) if code in _AGAIN else TurnedDown(code)
