"""The wallet's way in: who is this phone's buyer?

Only the mainland Alipay app is sent to the authorization; every other agent gets a page that says what to do. Steps 2
and 3 of https://global.alipay.com/docs/ac/restaurant/restaurantintegration."""

from __future__ import annotations

from typing import Any, assert_never

import structlog
from litestar import Request, Response, Router, get
from litestar.di import NamedDependency
from litestar.response import Redirect

from saoma.alipay.acquirer_client import AcquirerClient
from saoma.alipay.wallet import Wallet, which_wallet
from saoma.identity.paths import safe_path
from saoma.identity.sessions import renew
from saoma.identity.wallet_sign_in import (
    Known,
    NoUserId,
    Stale,
    TryAgain,
    Wallets,
    WalletSignIn,
    authorize_path,
    remember_buyer,
)
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.errors import NotSent, OutcomeUnknown
from saoma.kit.seal import Seal
from saoma.settings import Settings
from saoma.web.page import page

AnyRequest = Request[Any, Any, Any]
log = structlog.get_logger(__name__)


def _callback_url(request: AnyRequest, settings: Settings) -> str:
    """Where Alipay sends the phone back to; its host must be the one configured in the app."""
    origin = settings.public_url or f"{request.url.scheme}://{request.headers.get('host', '')}"
    return origin.rstrip("/") + "/alipay/callback"


@get("/alipay/authorize")
async def authorize(
    request: AnyRequest,
    db: NamedDependency[Database],
    seal: NamedDependency[Seal],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
    wallets: NamedDependency[Wallets],
    acquirers: NamedDependency[AcquirerClient],
) -> Response[Any]:
    """Send the phone to Alipay's authorization, or say how to get there."""
    next_path = safe_path(request.query_params.get("next"))
    wallet = which_wallet(request.headers.get("user-agent", ""))
    if wallet is not Wallet.ALIPAY:
        return page(request, "identity/wallet_hint.html", wallet=wallet.value, next=next_path)
    signing_in = WalletSignIn(db, seal, clock, wallets, acquirers)
    account_id = await signing_in.account_id(request.query_params.get("account", ""))
    try:
        url = await signing_in.begin(request.session, account_id, next_path, _callback_url(request, settings))
    except (NotSent, OutcomeUnknown) as error:
        log.warning("wallet_sign_in.no_address", account=account_id, error=str(error))
        again = authorize_path(next_path, account_id)
        return page(request, "identity/wallet_failed.html", why="try_again", again=again, status_code=502)
    response = Redirect(url, status_code=302)
    response.headers["Cache-Control"] = "no-store"
    return response


@get("/alipay/callback")
async def callback(
    request: AnyRequest,
    db: NamedDependency[Database],
    seal: NamedDependency[Seal],
    clock: NamedDependency[Clock],
    wallets: NamedDependency[Wallets],
    acquirers: NamedDependency[AcquirerClient],
) -> Response[Any]:
    """Take what Alipay sends back; parameters nobody asked for are ignored."""
    query = request.query_params
    outcome = await WalletSignIn(db, seal, clock, wallets, acquirers).end(
        request.session, query.get("state", ""), query.get("auth_code", "")
    )
    match outcome:
        case Known(account_id=account_id, buyer_id=buyer_id, next_path=next_path):
            await renew(request, keep=None)
            remember_buyer(request.session, account_id, buyer_id)
            return Redirect(next_path, status_code=303)
        case TryAgain(account_id=account_id, next_path=next_path):
            again = authorize_path(next_path, account_id)
            return page(request, "identity/wallet_failed.html", why="try_again", again=again, status_code=502)
        case NoUserId(account_id=account_id, next_path=next_path):
            again = authorize_path(next_path, account_id)
            return page(request, "identity/wallet_failed.html", why="no_user_id", again=again, status_code=502)
        case Stale():
            return page(request, "identity/wallet_failed.html", why="stale", again="", status_code=400)
        case _:
            assert_never(outcome)


router = Router("/", route_handlers=[authorize, callback])
