"""`alipay.system.oauth.token`: turns a silent authorization into a buyer's number.

Its parameters stand beside the common ones and not in `biz_content`, success has no `code`, and every failure is an
`error_response` (https://docs.antom.com/ac/global/oauth_token)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from saoma.sandbox.authorizing import Authorizations, NoGrant
from saoma.sandbox.lifetimes import wire_date_time
from saoma.sandbox.model import Partner
from saoma.sandbox.openapi_codes import Refusal
from saoma.sandbox.openapi_trade import open_id
from saoma.sandbox.trades import Book

OAUTH_TOKEN: Final = "alipay.system.oauth.token"
#: As observed for silent authorizations; a client reads the fields and relies on neither.
TOKEN_LIFETIME: Final = timedelta(days=15)
REFRESH_LIFETIME: Final = timedelta(days=30)


def granted(book: Book, authorizations: Authorizations, partner: Partner, fields: Mapping[str, str]) -> dict[str, Any]:
    """The node of a granted token. Raises `Refusal`."""
    try:
        match fields.get("grant_type"):
            case "authorization_code":
                buyer_id = authorizations.spend(fields.get("code", ""), partner.app_id)
            case "refresh_token":
                buyer_id = authorizations.refresh(fields.get("refresh_token", ""), partner.app_id)
            case _:
                raise Refusal("40002", "isv.grant-type-invalid")
    except NoGrant as no:
        raise Refusal("40002", no.sub_code) from None
    buyer = book.buyer(buyer_id)
    now = book.clock.now()
    refresh = authorizations.new_refresh_token(partner.app_id, buyer.id, now + REFRESH_LIFETIME)
    who = {"open_id": open_id(partner.app_id, buyer)} if partner.open_id_only else {"user_id": buyer.user_id}
    return {
        "access_token": authorizations.new_token_text(),
        "alipay_user_id": f"2088{refresh.token[-28:]}",
        "auth_start": wire_date_time(now),
        "expires_in": int(TOKEN_LIFETIME.total_seconds()),
        "re_expires_in": int(REFRESH_LIFETIME.total_seconds()),
        "refresh_token": refresh.token,
        **who,
    }
