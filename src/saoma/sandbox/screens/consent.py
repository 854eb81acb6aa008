"""What a buyer is asked when a page wants more than the user ID (scope `auth_user`): a plain question, yes or no.

Nobody publishes what the page hears of a no: by default nothing at all, its buyer is back in the wallet
(https://global.alipay.com/docs/ac/common/obtain_uid)."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body

from saoma.kit.errors import Invalid
from saoma.sandbox.authorizing import Authorizations, asks, callback, request_fault
from saoma.sandbox.book.model import Partner
from saoma.sandbox.book.partners import Partners
from saoma.sandbox.book.trades import Book
from saoma.sandbox.screens.phone import from_this_phone, phone_of, shown, the_buyer, to
from saoma.sandbox.wallet.addresses import inside, read_origin
from saoma.sandbox.wallet.browser import Browser

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
_CARRIED = ("app_id", "scope", "redirect_uri", "state")


def _checked(partners: Partners, asked: dict[str, str]) -> Partner:
    partner = partners.of_app(asked.get("app_id", ""))
    fault = request_fault(partner, asked.get("scope", ""), asked.get("redirect_uri", ""), asked.get("state", ""))
    if partner is None or fault or not asks(asked["scope"]):
        raise Invalid("This page asks in a way that the wallet does not understand.")
    return partner


@get("/wallet/consent", sync_to_thread=False)
def consent(
    request: Request[Any, Any, Any], book: NamedDependency[Book], partners: NamedDependency[Partners]
) -> Response[str]:
    """The question. Raises `Invalid` for a request that Alipay would refuse."""
    phone = phone_of(request)
    buyer = the_buyer(phone, book)
    asked = {name: value for name, value in request.query_params.items() if name in _CARRIED}
    partner = _checked(partners, asked)
    host = read_origin(asked["redirect_uri"])[0].authority
    return shown(phone, "consent.html", buyer=buyer, partner=partner, asked=asked, host=host)


@post("/wallet/consent", guards=[from_this_phone], sync_to_thread=False)
def answer(
    request: Request[Any, Any, Any],
    book: NamedDependency[Book],
    partners: NamedDependency[Partners],
    authorizations: NamedDependency[Authorizations],
    browser: NamedDependency[Browser],
    data: Form,
) -> Response[Any]:
    """Yes: back to the page with a code. No: back to the wallet, or to the page without one."""
    phone = phone_of(request)
    buyer = the_buyer(phone, book)
    partner = _checked(partners, data)
    agreed = data.get("answer") == "yes"
    asked = {name: data[name] for name in _CARRIED if name in data}
    said = "granted" if agreed else "refused"
    at = book.clock.now().isoformat()
    with book.store.writing():
        code = authorizations.new_code(partner.app_id, buyer, data["scope"]) if agreed else ""
        why = "" if agreed else "The buyer said no."
        book.store.log(at, "publicAppAuthorize.htm", partner.partner, "", asked, said, why)
    if not agreed and book.choices.refused_consent == "nothing":
        return shown(phone, "consent_refused.html", buyer=buyer, partner=partner)
    target = callback(
        data["redirect_uri"],
        partner.app_id,
        data["scope"],
        code,
        data.get("state"),
        more=authorizations.choices.extra_callback_parameters,
    )
    if not agreed:
        target = target.replace("&auth_code=", "", 1)
    remembered = request.cookies.get("wallet_partner")
    return to(inside(target, read_origin(remembered)[0] if remembered else None, phone.port, browser.allowed))


handlers = [consent, answer]
