"""The console's forms for accounts: adding one, changing it, other keys, and preparing production beside a sandbox.

New keys of an account in use are examined before they are kept: what the doctor refuses is kept only if one insists."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from saoma.alipay.account import Account
from saoma.alipay.examining import Draft
from saoma.alipay.findings import Finding, Mark, words_of
from saoma.console.account_forms import (
    CURRENCIES,
    SIGN_TYPES,
    Typed,
    account_of,
    acquirer_of,
    draft_of,
    typed,
    use_pair,
)
from saoma.console.scope import OPERATES, AnyRequest, shell
from saoma.console.screens.console_accounts import to_account
from saoma.identity import accounts, going_live
from saoma.identity.account_check import Doctor
from saoma.identity.accounts import AccountView
from saoma.identity.acquirers import acquirer
from saoma.identity.guards import staff_of
from saoma.identity.model import account
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.errors import Refused
from saoma.kit.seal import Seal
from saoma.web.page import page

#: The forms by the end of their address: title and what the button says.
FORMS = {
    "direct": ("Add an account at Alipay", "Add account"),
    "acquirer": ("Add an account at an acquirer", "Add account"),
    "edit": ("Change the account", "Save"),
    "keys": ("Other keys", "Examine and save"),
    "production": ("Prepare production", "Prepare production"),
}


async def _page(
    request: AnyRequest,
    db: Database,
    form: str,
    values: dict[str, str],
    *,
    view: AccountView | None = None,
    refusal: Refused | None = None,
    found: list[Finding] | None = None,
) -> Response[Any]:
    async with db.reading() as rows:
        pairs = await accounts.spare_pairs(rows)
    title, button = FORMS[form]
    return page(
        request,
        "console/console_account_form.html",
        status_code=refusal.status if refusal else 422 if found else 200,
        headers={"Cache-Control": "no-store"},
        **shell(request),
        form=form,
        title=title,
        button=button,
        values=values,
        view=view,
        pairs=pairs,
        refusal=refusal,
        findings=[(each, *words_of(each)) for each in found or []],
        pair_choices=[(pair.id, f"{pair.fingerprint[:24]}… {pair.made_at:%Y-%m-%d %H:%M} UTC") for pair in pairs],
        sign_type_choices=[(each, each) for each in SIGN_TYPES],
        currency_choices=[(each, each) for each in CURRENCIES],
    )


async def _view(db: Database, account_id: str) -> AccountView:
    async with db.reading() as rows:
        return await accounts.account_view(rows, account_id)


async def _said(request: AnyRequest) -> Typed:
    form = await request.form()
    return typed({name: value for name, value in form.items() if name != "_csrf_token"})


@get("/console/accounts/new", guards=[OPERATES], summary="Add an account")
async def new(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """An empty form: at Alipay itself, or with `?channel=acquirer` at an acquirer."""
    if request.query_params.get("channel") == "acquirer":
        return await _page(request, db, "acquirer", {"environment": "sandbox", "currency": "USD"})
    start = {"environment": "sandbox", "currency": "USD", "charset": "UTF-8", "sign_type": "RSA2"}
    return await _page(request, db, "direct", start | going_live.SANDBOX)


@post("/console/accounts/new", guards=[OPERATES], summary="Keep a new account")
async def add(
    request: AnyRequest, db: NamedDependency[Database], seal: NamedDependency[Seal], clock: NamedDependency[Clock]
) -> Response[Any]:
    """Keep it, its secrets sealed; the account's page offers to examine it."""
    said = await _said(request)
    kind = "acquirer" if said["channel"] == "acquirer" else "direct"
    by = staff_of(request).id
    try:
        async with db.transaction() as tx:
            if kind == "acquirer":
                at = acquirer_of(said)
                account_id = await accounts.add_at_acquirer(
                    tx, seal, clock, at, name=said["name"], currency=said["currency"], by=by
                )
            else:
                made = account_of(await draft_of(tx, seal, said))
                account_id = await accounts.add_direct(tx, seal, clock, made, name=said["name"], by=by)
                await use_pair(tx, clock, said, account_id)
    except Refused as refusal:
        return await _page(request, db, kind, said.shown(), refusal=refusal)
    return to_account(account_id)


# --- changing ---------------------------------------------------------------------------------------------------------


@get("/console/accounts/{account_id:str}/edit", guards=[OPERATES], summary="Change an account")
async def edit(request: AnyRequest, db: NamedDependency[Database], account_id: FromPath[str]) -> Response[Any]:
    """The form with all that may be seen."""
    view = await _view(db, account_id)
    return await _page(request, db, "edit", _shown(view), view=view)


def _shown(view: AccountView) -> dict[str, str]:
    names = ("name", "partner", "app_id", "sign_type", "currency", "charset", "environment", "store")
    urls = ("gateway_url", "openapi_url", "auth_url")
    return {name: str(getattr(view, name)) for name in (*names, *urls)} | {"url": view.gateway_url}


@post("/console/accounts/{account_id:str}/edit", guards=[OPERATES], summary="Keep the changes")
async def change(
    request: AnyRequest,
    db: NamedDependency[Database],
    seal: NamedDependency[Seal],
    clock: NamedDependency[Clock],
    account_id: FromPath[str],
) -> Response[Any]:
    """Keep them."""
    said, by = await _said(request), staff_of(request).id
    view = await _view(db, account_id)
    try:
        async with db.transaction() as tx:
            if view.channel == "acquirer":
                before = await acquirer(tx, seal, account_id)
                at = acquirer_of(said, before, view.environment)
                await accounts.change_at_acquirer(tx, seal, clock, account_id, at, name=said["name"], by=by)
            else:
                kept = said.only("partner", "app_id", "charset", "gateway_url", "openapi_url", "auth_url")
                made = account_of(await draft_of(tx, seal, kept, await account(tx, seal, account_id)))
                await accounts.change_direct(tx, seal, clock, account_id, made, name=said["name"], by=by)
    except Refused as refusal:
        return await _page(request, db, "edit", _shown(view) | said.shown(), view=view, refusal=refusal)
    return to_account(account_id)


@get("/console/accounts/{account_id:str}/keys", guards=[OPERATES], summary="Other keys")
async def keys(request: AnyRequest, db: NamedDependency[Database], account_id: FromPath[str]) -> Response[Any]:
    """An empty form for keys."""
    view = await _view(db, account_id)
    return await _page(request, db, "keys", {"sign_type": view.sign_type}, view=view)


@post("/console/accounts/{account_id:str}/keys", guards=[OPERATES], summary="Put other keys in place")
async def replace_keys(
    request: AnyRequest,
    db: NamedDependency[Database],
    seal: NamedDependency[Seal],
    clock: NamedDependency[Clock],
    doctor: NamedDependency[Doctor],
    account_id: FromPath[str],
) -> Response[Any]:
    """Examine the account as it would be, then put the keys in place; not, if something is wrong and nobody insists."""
    said, by = await _said(request), staff_of(request).id
    view = await _view(db, account_id)
    try:
        async with db.reading() as rows:
            before = await account(rows, seal, account_id)
            draft = await draft_of(rows, seal, said.only("sign_type", "pair", *accounts.KEYS), before)
        made = account_of(draft)
        if not said["insist"]:
            found = [each async for each in doctor.look_at_draft(draft.mended(), besides=account_id)]
            if any(each.mark is Mark.WRONG for each in found):
                return await _page(request, db, "keys", said.shown(), view=view, found=found)
        async with db.transaction() as tx:
            await accounts.replace_keys(tx, seal, clock, account_id, made, by=by, believe_former=said["leaked"] == "")
            await use_pair(tx, clock, said, account_id)
    except Refused as refusal:
        return await _page(request, db, "keys", said.shown(), view=view, refusal=refusal)
    return to_account(account_id)


# --- production beside a sandbox --------------------------------------------------------------------------------------


@get("/console/accounts/{account_id:str}/production", guards=[OPERATES], summary="Prepare production")
async def production(request: AnyRequest, db: NamedDependency[Database], account_id: FromPath[str]) -> Response[Any]:
    """The form: addresses, PID, APPID and keys; all else is taken over."""
    view = await _view(db, account_id)
    return await _page(request, db, "production", dict(going_live.PRODUCTION), view=view)


@post("/console/accounts/{account_id:str}/production", guards=[OPERATES], summary="Keep the production account")
async def prepare(
    request: AnyRequest,
    db: NamedDependency[Database],
    seal: NamedDependency[Seal],
    clock: NamedDependency[Clock],
    account_id: FromPath[str],
) -> Response[Any]:
    """Keep the production account beside the sandbox's; nobody pays through it yet."""
    said, by = await _said(request), staff_of(request).id
    view = await _view(db, account_id)
    try:
        async with db.transaction() as tx:
            sandbox = await account(tx, seal, account_id)
            made = going_live.production_twin(sandbox, **_given(await draft_of(tx, seal, said), sandbox))
            production_id = await going_live.prepare(tx, seal, clock, account_id, made, by=by)
            await use_pair(tx, clock, said, production_id)
    except Refused as refusal:
        return await _page(request, db, "production", said.shown(), view=view, refusal=refusal)
    return to_account(production_id)


def _given(draft: Draft, sandbox: Account) -> dict[str, str]:
    """What going live changes, as it was typed; keys that were left empty are missing, never the sandbox's."""
    mended = draft.mended()
    names = sorted(going_live.CHANGES - {"environment"})
    given = {name: getattr(mended, name) for name in names}
    return {name: value for name, value in given.items() if value or getattr(sandbox, name)}


router = Router(path="/", route_handlers=[new, add, edit, change, keys, replace_keys, production, prepare])
