"""The console's accounts: which there are, whether they work (by trying), and what is still missing before going live.

Keys are never shown, not even in part; to change one, it is entered again."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec
from litestar import Response, Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from saoma.alipay.account import Account
from saoma.console.scope import OPERATES, AnyRequest, shell
from saoma.identity.account_check import Tried, try_account
from saoma.identity.model import account, accounts
from saoma.kit.db import Database, Rows
from saoma.kit.seal import Seal
from saoma.payments.payments import Payments
from saoma.settings import Settings
from saoma.web.page import page


class _Facts(msgspec.Struct, frozen=True):
    """What the database knows that going live asks for."""

    paid: bool
    cancelled: bool
    part_refunded: bool
    wholly_refunded: bool
    noticed: bool
    targets: int
    tested: bool
    file: bool


_FACTS = """
SELECT
    EXISTS (SELECT FROM payments WHERE account_id = %(id)s AND status = 'succeeded') AS paid,
    EXISTS (SELECT FROM payments WHERE account_id = %(id)s AND status = 'cancelled') AS cancelled,
    EXISTS (SELECT FROM payments WHERE account_id = %(id)s AND refunded > 0 AND refunded < amount) AS part_refunded,
    EXISTS (SELECT FROM payments WHERE account_id = %(id)s AND refunded = amount) AS wholly_refunded,
    EXISTS (SELECT FROM notices_seen WHERE account_id = %(id)s) AS noticed,
    (SELECT count(*) FROM alarm_targets WHERE active) AS targets,
    EXISTS (SELECT FROM alarm_deliveries WHERE sent_at IS NOT NULL) AS tested,
    EXISTS (SELECT FROM recon_runs WHERE account_id = %(id)s AND status = 'done') AS file
"""


@get("/console/accounts", guards=[OPERATES], summary="Accounts")
async def show(request: AnyRequest, db: NamedDependency[Database], seal: NamedDependency[Seal]) -> Response[Any]:
    """Every gateway account."""
    async with db.reading() as rows:
        found = await accounts(rows, seal)
    return page(request, "console/console_accounts.html", **shell(request), found=found)


@get("/console/accounts/{account_id:str}", guards=[OPERATES], summary="An account, tried")
async def examine(
    request: AnyRequest,
    db: NamedDependency[Database],
    seal: NamedDependency[Seal],
    settings: NamedDependency[Settings],
    payments: NamedDependency[Payments],
    account_id: FromPath[str],
) -> Response[Any]:
    """One account: the doctor's question asked now, and the list for going live with what is proven of it."""
    async with db.reading() as rows:
        found = await account(rows, seal, account_id)
        facts = await _facts(rows, account_id)
    gateway = payments.gateways.get(account_id)
    tried = None if gateway is None else await try_account(gateway, found.currency)
    return page(
        request,
        "console/console_account.html",
        **shell(request),
        account_id=account_id,
        account=found,
        tried=tried,
        checks=going_live(found, facts, tried, settings.public_url),
    )


async def _facts(rows: Rows, account_id: str) -> _Facts:
    return await rows.one(_Facts, _FACTS, {"id": account_id})


def going_live(account: Account, facts: _Facts, tried: Tried | None, public_url: str) -> list[tuple[str, bool | None]]:
    """The list for going live: each point (a key of the texts) with what is proven; None is for a person to see to."""
    works = tried is not None and tried.well
    address = urlsplit(public_url)
    return [
        ("The account is for production, with production's addresses", account.environment == "production"),
        ("Our keys and Alipay's public key hold", works),
        ("Alipay reaches us over HTTPS", address.scheme == "https"),
        ("A notification of Alipay's has arrived and was applied", facts.noticed),
        ("A daily file was fetched and compared", facts.file),
        ("Alipay's acceptance cases have been passed", None),
        ("The secondary merchants are registered where the solution needs it", None),
        ("The cashiers have been trained", None),
        ("Somebody is told by alarms, and a message has arrived", facts.targets > 0 and facts.tested),
        ("This machine's clock is right", works),
        ("A first small payment was made", facts.paid),
        ("One was cancelled", facts.cancelled),
        ("One was refunded in part, and one wholly", facts.part_refunded and facts.wholly_refunded),
    ]


router = Router(path="/", route_handlers=[show, examine])
