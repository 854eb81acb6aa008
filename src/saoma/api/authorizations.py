"""`/api/v1/authorizations`: who is the buyer of a phone, asked in our application's name for a partner who has none.

The phone goes to Alipay, comes back here, and is sent on to the partner with a code. The buyer's id never travels
through the phone: the partner's server exchanges the code for it, once, with its own key."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
import structlog
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.response import Redirect

from saoma.alipay.account import check_address
from saoma.alipay.wallet import authorization_url
from saoma.api.answers import json
from saoma.api.bodies import AuthorizationAnswer, BuyerAnswer, NewAuthorization, NewExchange
from saoma.api.door import allows, body_of, idempotency_key, key_of
from saoma.api.payments import store_for
from saoma.api.problems import Refusal
from saoma.identity import model
from saoma.identity.api_keys import Scope
from saoma.identity.wallet_sign_in import Wallets
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.errors import Invalid, NotFound, SaomaError
from saoma.kit.seal import Seal
from saoma.settings import Settings

AnyRequest = Request[Any, Any, Any]
log = structlog.get_logger(__name__)

_TAKES: Final = timedelta(minutes=10)
_CODE_LIVES: Final = timedelta(minutes=3)
_BACK: Final = "/alipay/passed-on"
#: Sixteen digits that begin with 2088: https://docs.antom.com/ac/global/oauth_token.
_USER_ID: Final = re.compile(r"2088[0-9]{12}")
_CODE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")

_BEGIN: Final = """
WITH gone AS (
    DELETE FROM passed_sign_ins WHERE state_hash IN
        (SELECT state_hash FROM passed_sign_ins WHERE ends_at < %(now)s LIMIT 10 FOR UPDATE SKIP LOCKED)
)
INSERT INTO passed_sign_ins (state_hash, merchant_id, account_id, return_url, state, ends_at)
VALUES (%(hash)s, %(merchant_id)s, %(account_id)s, %(return_url)s, %(state)s, %(ends_at)s)
"""
_ARRIVE: Final = """
UPDATE passed_sign_ins SET arrived_at = %(now)s
WHERE state_hash = %(hash)s AND arrived_at IS NULL AND ends_at > %(now)s RETURNING account_id, return_url, state
"""
_KNOW: Final = """
UPDATE passed_sign_ins SET code_hash = %(code)s, buyer_id = %(buyer_id)s, ends_at = %(ends_at)s
WHERE state_hash = %(hash)s
"""
_SPEND: Final = """
DELETE FROM passed_sign_ins WHERE code_hash = %(code)s AND merchant_id = %(merchant_id)s AND ends_at > %(now)s
RETURNING buyer_id
"""


class _Begun(msgspec.Struct, frozen=True):
    account_id: str
    return_url: str
    state: str


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@post("/authorizations", guards=[allows(Scope.PAYMENTS_WRITE)])
async def begin_authorization(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    seal: NamedDependency[Seal],
    settings: NamedDependency[Settings],
) -> Response[bytes]:
    """Where to send a phone whose buyer the partner wants to know."""
    key = key_of(request)
    idempotency_key(request)
    body = await body_of(request, NewAuthorization)
    state, now = secrets.token_urlsafe(24), clock.now()
    async with db.transaction() as tx:
        account_id, *_ = await model.shop_of(tx, await store_for(tx, key, body.store))
        try:
            account = await model.account(tx, seal, account_id)
        except NotFound:
            raise Refusal("conflict", "This store takes its money through an acquirer itself: ask that one.") from None
        try:
            check_address("return_url", body.return_url, account.environment)
            url = authorization_url(account, settings.public_url.rstrip("/") + _BACK, state)
        except Invalid as error:
            raise Refusal("invalid", str(error), [("return_url", str(error))]) from None
        given = {"hash": _hash(state), "merchant_id": key.merchant_id, "account_id": account_id, "now": now}
        given |= {"return_url": body.return_url, "state": body.state, "ends_at": now + _TAKES}
        await tx.run(_BEGIN, given)
    told = AuthorizationAnswer(return_url=body.return_url, state=body.state, url=url, expires_at=now + _TAKES)
    return json(told, 201)


@get(_BACK, opt={"exclude_from_csrf": True, "skip_session": True})
async def passed_on(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    seal: NamedDependency[Seal],
    wallets: NamedDependency[Wallets],
) -> Response[Any]:
    """Alipay sends the phone back: find out whose it is, and send it on with a code, or with none to begin again.

    No session is read or made: the phone is a guest of the partner, and nothing here is for it to keep."""
    state, auth_code = request.query_params.get("state", ""), request.query_params.get("auth_code", "")
    hashed, now = _hash(state), clock.now()
    async with db.transaction() as tx:
        begun = await tx.maybe(_Begun, _ARRIVE, {"hash": hashed, "now": now})
        account = await model.account(tx, seal, begun.account_id) if begun else None
    if begun is None or account is None:
        raise NotFound("This way in was used before or is too old. Scan the code again.")
    code = ""
    if _CODE.fullmatch(auth_code):
        try:
            buyer_id = await wallets.buyer_of(account, auth_code)
            code = await _known(db, hashed, buyer_id if _USER_ID.fullmatch(buyer_id) else "", clock.now())
        except SaomaError as error:
            log.warning("passed_on.no_buyer", account=begun.account_id, why=type(error).__name__, error=str(error))
            if getattr(error, "code", "") == "no_user_id":
                code = await _known(db, hashed, "", clock.now())
    query = {"state": begun.state} | ({"auth_code": code} if code else {})
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return Redirect(f"{begun.return_url}?{urlencode(query)}", status_code=302, headers=headers)


async def _known(db: Database, hashed: str, buyer_id: str, now: datetime) -> str:
    """A code for what Alipay said; an empty id is what it says of a phone that payments can't use."""
    code = secrets.token_urlsafe(24)
    given = {"hash": hashed, "code": _hash(code), "buyer_id": buyer_id, "ends_at": now + _CODE_LIVES}
    async with db.reading() as rows:
        await rows.run(_KNOW, given)
    return code


@post("/authorizations/exchange", guards=[allows(Scope.PAYMENTS_WRITE)], status_code=200)
async def exchange(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]
) -> Response[bytes]:
    """The buyer behind a code, once and for three minutes."""
    key = key_of(request)
    idempotency_key(request)
    body = await body_of(request, NewExchange)
    given = {"code": _hash(body.code), "merchant_id": key.merchant_id, "now": clock.now()}
    async with db.reading() as rows:
        found = await rows.value(_SPEND, given)
    if found is None:
        raise NotFound("There is no such code, or it was used before. Begin again.")
    return json(BuyerAnswer(buyer_id=found))


handlers: list[Any] = [begin_authorization, exchange]
pages: list[Any] = [passed_on]
