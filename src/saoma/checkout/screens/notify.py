"""Alipay's own door: notifications arrive here and are handed to the payment core, which checks all of it.

The answer is plain text, `success` or `fail`, and never a page, a redirect or an error of ours
(https://docs.antom.com/ac/global/async_notification). Only the body is read: what stands in our own URL was never
signed."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import structlog
from litestar import MediaType, Request, Response, Router, post
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.params import FromPath

from saoma.alipay.wire import Unreadable, parse_form
from saoma.gateway import PRACTICE_ACCOUNT
from saoma.kit.errors import SaomaError
from saoma.payments.payments import Payments

log = structlog.get_logger(__name__)

_LARGEST = 64 * 1024
_FORM = "application/x-www-form-urlencoded"


def _answer(*, accepted: bool) -> Response[str]:
    return Response("success" if accepted else "fail", media_type=MediaType.TEXT, status_code=200)


def _read(body: bytes, charset: str) -> dict[str, str]:
    """The fields in the charset that was stated; otherwise in UTF-8, or in GBK where it can't be UTF-8."""
    if charset:
        return _checked(parse_form(body, charset))
    try:
        return _checked(parse_form(body, "utf-8"))
    except Unreadable:
        return _checked(parse_form(body, "gbk"))


def _checked(fields: dict[str, str]) -> dict[str, str]:
    """No column holds a zero byte, and nothing that Alipay writes has one."""
    if any("\x00" in text for pair in fields.items() for text in pair):
        raise Unreadable("a zero byte in a field")
    return fields


@post(
    "/alipay/notify/{account_id:str}",
    request_max_body_size=_LARGEST,
    opt={"exclude_from_csrf": True, "skip_session": True},
    status_code=200,
)
async def notify(
    request: Request[Any, Any, Any], payments: NamedDependency[Payments], account_id: FromPath[str]
) -> Response[str]:
    """Take one notification for one account. In practice none is heard."""
    if account_id == PRACTICE_ACCOUNT:
        # A till is practised on that finds out by asking: told at once, "an error, and paid" would never look like one.
        return _answer(accepted=True)
    kind, options = request.content_type
    body = b""
    try:
        body = await request.body()
        if kind != _FORM:
            raise Unreadable(f"not a form but {kind[:80]!r}")
        fields = _read(body, options.get("charset", ""))
    except (Unreadable, HTTPException) as error:
        log.warning("notify.unreadable", account=account_id[:40], error=str(error)[:200])
        judged = await payments.notified_unreadably(account_id, body)
        return _answer(accepted=judged.accepted)
    ours = {name for name, _ in parse_qsl(request.url.query, keep_blank_values=True)}
    fields = {name: value for name, value in fields.items() if name not in ours}
    try:
        judged = await payments.notified(account_id, fields)
    except SaomaError as error:
        log.warning("notify.refused", account=account_id[:40], error=str(error)[:200])
        return _answer(accepted=False)
    if not judged.accepted:
        log.warning("notify.not_accepted", account=account_id[:40], why=judged.why)
    return _answer(accepted=judged.accepted)


@post(
    "/acquirer/notify/{account_id:str}",
    request_max_body_size=_LARGEST,
    opt={"exclude_from_csrf": True, "skip_session": True},
    status_code=200,
)
async def notify_by_acquirer(
    request: Request[Any, Any, Any], payments: NamedDependency[Payments], account_id: FromPath[str]
) -> Response[str]:
    """Take one webhook of an acquirer's. Unlike Alipay it goes by the status: anything but 200 is sent again."""
    body = b""
    try:
        body = await request.body()
        fields = {"body": body.decode(), "signature": request.headers.get("saoma-signature", "")}
        judged = await payments.notified(account_id, fields)
    except (UnicodeDecodeError, HTTPException) as error:
        log.warning("notify.unreadable", account=account_id[:40], error=str(error)[:200])
        judged = await payments.notified_unreadably(account_id, body)
    except SaomaError as error:
        log.warning("notify.refused", account=account_id[:40], error=str(error)[:200])
        return Response("fail", media_type=MediaType.TEXT, status_code=400)
    return Response(
        "success" if judged.accepted else "fail",
        media_type=MediaType.TEXT,
        status_code=200 if judged.accepted else 400,
    )


router = Router("/", route_handlers=[notify, notify_by_acquirer])
