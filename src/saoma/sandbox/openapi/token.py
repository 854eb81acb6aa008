"""`alipay.system.oauth.token`: turns an authorization into a buyer's number; and what a token lets one know.

Its parameters stand beside the common ones and not in `biz_content`, success has no `code`, and every failure is an
`error_response` (https://docs.antom.com/ac/global/oauth_token)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from saoma.sandbox.authorizing import ASKING, Authorizations, NoGrant
from saoma.sandbox.book.model import Buyer, Partner
from saoma.sandbox.book.trades import Book
from saoma.sandbox.lifetimes import wire_date_time
from saoma.sandbox.openapi.codes import SUCCESS, Refusal
from saoma.sandbox.openapi.trade import Call, open_id

OAUTH_TOKEN: Final = "alipay.system.oauth.token"
INFO_SHARE: Final = "alipay.user.info.share"


def granted(book: Book, authorizations: Authorizations, partner: Partner, fields: Mapping[str, str]) -> dict[str, Any]:
    """The node of a granted token. Raises `Refusal`."""
    try:
        match fields.get("grant_type"):
            case "authorization_code":
                grant = authorizations.spend(fields.get("code", ""), partner.app_id)
            case "refresh_token":
                grant = authorizations.refresh(fields.get("refresh_token", ""), partner.app_id)
            case _:
                raise Refusal("40002", "isv.grant-type-invalid")
    except NoGrant as no:
        raise Refusal("40002", no.sub_code) from None
    buyer = book.buyer(grant.buyer_id)
    tokens = authorizations.new_pair(partner.app_id, grant)
    begun = {"auth_start": wire_date_time(book.clock.now())} if authorizations.choices.auth_start else {}
    return {
        "access_token": tokens.access,
        # the older number of 32 digits, which nobody needs any more
        "alipay_user_id": f"2088{buyer.user_id[4:]:0>28}",
        "expires_in": int(tokens.access_lives.total_seconds()),
        "re_expires_in": int(tokens.refresh_lives.total_seconds()),
        "refresh_token": tokens.refresh,
        **begun,
        **_who(partner, buyer),
    }


def shared(call: Call, authorizations: Authorizations) -> dict[str, Any]:
    """`alipay.user.info.share`: what a buyer who was asked lets an application know. Raises `Refusal`."""
    if not call.auth_token:
        raise Refusal("40001", "isv.missing-session", "auth_token is missing: it stands beside biz_content")
    try:
        grant = authorizations.read(call.auth_token, call.partner.app_id)
    except NoGrant as no:
        raise Refusal("20001", no.sub_code) from None
    if ASKING not in grant.scope.split(","):
        raise Refusal("40006", "isv.insufficient-user-permissions", f"this token is for {grant.scope} only")
    buyer = call.book.buyer(grant.buyer_id)
    return SUCCESS | {"nick_name": buyer.name, **_who(call.partner, buyer)}


def _who(partner: Partner, buyer: Buyer) -> dict[str, str]:
    return {"open_id": open_id(partner.app_id, buyer)} if partner.open_id_only else {"user_id": buyer.user_id}
