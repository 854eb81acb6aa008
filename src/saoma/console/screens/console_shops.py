"""The console's stores: how each stands in Alipay's register of sub-merchants, and asking for it to be registered.

Asking is a wish that a worker carries out; what the page shows is the row, as it stands."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.console.scope import SEES, AnyRequest, asked_merchant, check_mine, shell
from saoma.identity import audit
from saoma.identity.guards import May, Role, staff_of
from saoma.identity.model import Staff
from saoma.identity.registrations import Registration, RegistrationStatus, ask_to_register, registrations
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows
from saoma.kit.errors import NOTHING_HERE, Conflict, Invalid, NotAllowed, NotFound, Refused
from saoma.web.page import page

#: What the states are called, and in which colour.
STANDS: Final = {
    RegistrationStatus.WANTED: ("Being told to Alipay", "waiting"),
    RegistrationStatus.IN_REVIEW: ("In review at Alipay", "waiting"),
    RegistrationStatus.REGISTERED: ("Registered", "paid"),
    RegistrationStatus.REFUSED: ("Refused", "failed"),
}


class _Shop(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    name_zh: str
    address: str
    address_zh: str
    zone: str
    merchant_id: str
    merchant: str
    merchant_zh: str
    industry: str
    channel: str


_SHOPS: Final = """
SELECT s.id, s.name, s.name_zh, s.address, s.address_zh, s.zone, s.merchant_id, m.name AS merchant,
    m.name_zh AS merchant_zh, m.industry, a.channel
FROM stores AS s JOIN merchants AS m ON m.id = s.merchant_id JOIN accounts AS a ON a.id = m.account_id
WHERE m.practice_of IS NULL AND %(merchant_id)s IN ('', s.merchant_id) AND %(id)s IN ('', s.id)
ORDER BY m.name, s.name, s.id LIMIT 500
"""
#: The country where a store of this zone most likely is; a person confirms it.
_COUNTRIES: Final = {
    "Asia/Singapore": "SG", "Asia/Hong_Kong": "HK", "Asia/Macau": "MO", "Asia/Tokyo": "JP", "Asia/Seoul": "KR",
    "Asia/Bangkok": "TH", "Asia/Kuala_Lumpur": "MY", "Asia/Manila": "PH", "Asia/Taipei": "TW", "Asia/Dubai": "AE",
    "Europe/London": "GB", "Europe/Paris": "FR", "Europe/Berlin": "DE", "Europe/Rome": "IT", "Europe/Madrid": "ES",
    "America/New_York": "US", "America/Los_Angeles": "US", "America/Chicago": "US", "America/Toronto": "CA",
    "Australia/Sydney": "AU", "Pacific/Auckland": "NZ",
}  # fmt: skip


def _may(staff: Staff) -> bool:
    return staff.may(May.SEE_EVERY_MERCHANT) or Role.OWNER in staff.roles


async def _shops(rows: Rows, merchant_id: str, store_id: str = "") -> list[_Shop]:
    return await rows.rows(_Shop, _SHOPS, {"merchant_id": merchant_id, "id": store_id})


async def _page(request: AnyRequest, db: Database, refusal: Refused | None = None) -> Response[Any]:
    staff = staff_of(request)
    async with db.reading() as rows:
        shops = await _shops(rows, asked_merchant(request, staff))
        known: dict[str, Registration] = await registrations(rows, [shop.id for shop in shops])
    return page(
        request,
        "console/console_shops.html",
        status_code=refusal.status if refusal else 200,
        **shell(request),
        shops=shops,
        known=known,
        stands=STANDS,
        countries=_COUNTRIES,
        may_ask=_may(staff),
        refusal=refusal,
    )


@get("/console/shops", guards=[SEES], summary="Stores at Alipay")
async def show(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """Every store and how it stands in Alipay's register."""
    return await _page(request, db)


@post("/console/shops/{store_id:str}", guards=[SEES], summary="Register a store with Alipay")
async def ask(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], store_id: FromPath[str]
) -> Response[Any]:
    """Want a store registered, or told anew."""
    staff = staff_of(request)
    if not _may(staff):
        raise NotAllowed("Your role doesn't include this. Ask a manager, or sign in as someone else.")
    form = await request.form()
    async with db.reading() as rows:
        found = await _shops(rows, "", store_id)
    if not found:
        raise NotFound(NOTHING_HERE)
    (shop,) = found
    check_mine(staff, shop.merchant_id)
    try:
        async with db.transaction() as tx:
            country = str(form.get("country", ""))[:8]
            at_acquirer = shop.channel == "acquirer"
            await ask_to_register(tx, clock, shop.id, country, staff.id, at_acquirer=at_acquirer)
            about = {"who": staff.id, "what": "store_registration_asked", "subject": shop.id}
            await audit.note(tx, clock, **about, merchant_id=shop.merchant_id, detail={"country": country})
    except (Invalid, Conflict) as refusal:
        return await _page(request, db, refusal)
    return Redirect("/console/shops", status_code=HTTP_303_SEE_OTHER)


router = Router("/", route_handlers=[show, ask])
