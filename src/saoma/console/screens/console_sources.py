"""The console's sources of daily files: where each account's come from, what came of it last, and trying it now.

A secret that is typed here is sealed and never shown again; a host key counts only once a person accepted it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from litestar import Response, Router, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.alipay.sftp_look import fingerprint
from saoma.console import source_words
from saoma.console.account_forms import Typed, typed
from saoma.console.scope import OPERATES, AnyRequest, names_of, shell, who
from saoma.identity import accounts, audit
from saoma.identity.accounts import AccountView
from saoma.identity.guards import staff_of
from saoma.kit.clock import Clock, beijing_day
from saoma.kit.db import Database
from saoma.kit.errors import Invalid, Refused
from saoma.kit.seal import Seal
from saoma.kit.storage import Storage
from saoma.statements import brought, keeping
from saoma.statements.daily import source_of
from saoma.statements.looks import Look, last_files, last_looks, try_source
from saoma.statements.sources import Source, sources
from saoma.web.page import page

_HERE = "/console/reconciliation/sources"
_WRONG = "Look at what you entered and try again. Nothing was changed."
#: What a form may show again after a refusal: never a secret.
_SHOWN = ("host", "port", "username", "folder", "since", "fee", "refund_fee", "grace_days")


def _sentence(source: Source, look: Look) -> tuple[str, str, dict[str, str]]:
    """What is wrong, what to do, and the values of both."""
    what, todo = source_words.trouble(source.kind, look.trouble)
    host = (urlsplit(source.url).hostname or "") if source.kind == "acquirer" else source.host
    about = {"host": host, "port": str(source.port), "username": source.username, "folder": source.folder or "/"}
    return what, todo, about


@get(_HERE, guards=[OPERATES], summary="Where daily files come from")
async def show(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """Every account with its source, the last file and the last trouble."""
    async with db.reading() as rows:
        found = await accounts.account_views(rows)
        known = {each.account_id: each for each in await sources(rows)}
        looks, files = await last_looks(rows), await last_files(rows)
    return page(
        request,
        "console/console_sources.html",
        **shell(request),
        found=found,
        known=known,
        looks=looks,
        files=files,
        sentence=_sentence,
        kinds=source_words.KIND,
    )


@get(_HERE + "/{account_id:str}", guards=[OPERATES], summary="The source of an account's daily files")
async def look(request: AnyRequest, db: NamedDependency[Database], account_id: FromPath[str]) -> Response[Any]:
    """One source: what it is, what came of the last look, its host key, and who changed what."""
    return await _source_page(request, db, account_id)


async def _source_page(
    request: AnyRequest, db: Database, account_id: str, refusal: Refused | None = None
) -> Response[Any]:
    async with db.reading() as rows:
        view = await accounts.account_view(rows, account_id)
        source = await keeping.source(rows, account_id)
        looks, files = await last_looks(rows, account_id), await last_files(rows, account_id)
        trail = [each for each in await audit.trail(rows, account_id, 60) if each.what in source_words.TRAIL]
        last = looks.get(account_id)
        names = await names_of(rows, [*(each.who for each in trail), *([last.said_by] if last else [])])
    if source is None:
        return Redirect(f"{_HERE}/{account_id}/edit", status_code=HTTP_303_SEE_OTHER)
    return page(
        request,
        "console/console_source.html",
        status_code=refusal.status if refusal else 200,
        headers={"Cache-Control": "no-store"},
        **shell(request),
        view=view,
        source=source,
        look=last,
        file=files.get(account_id),
        trail=trail,
        what=source_words.TRAIL,
        who=lambda said: who(said, names),
        refusal=refusal,
        sentence=_sentence,
        kinds=source_words.KIND,
        known_print=fingerprint(source.host_key),
        offered_print=fingerprint(source.offered_key),
    )


# --- trying -----------------------------------------------------------------------------------------------------------


@post(_HERE + "/{account_id:str}/try", guards=[OPERATES], summary="Try a source")
async def try_it(
    request: AnyRequest,
    db: NamedDependency[Database],
    seal: NamedDependency[Seal],
    clock: NamedDependency[Clock],
    account_id: FromPath[str],
) -> Response[Any]:
    """Connect and list; the page says what came of it. No file is fetched and nothing is compared."""
    by = staff_of(request).id
    source = await source_of(db, account_id)
    async with db.transaction() as tx:
        await audit.note(tx, clock, who=by, what="source_tried", subject=account_id)
    await try_source(db, clock, seal, source, by=by)
    return _to(account_id)


@post(_HERE + "/{account_id:str}/host-key", guards=[OPERATES], summary="Accept a host key")
async def accept(
    request: AnyRequest,
    db: NamedDependency[Database],
    seal: NamedDependency[Seal],
    clock: NamedDependency[Clock],
    account_id: FromPath[str],
) -> Response[Any]:
    """Accept the host key whose fingerprint was looked at, then try at once whether the server lets us in."""
    form, by = await request.form(), staff_of(request).id
    try:
        if form.get("compared") != "on":
            raise Invalid("Compare the fingerprint first, and say that you did.")
        async with db.transaction() as tx:
            await keeping.accept_host_key(tx, clock, account_id, str(form.get("fingerprint", "")), by=by)
    except Refused as refusal:
        return await _source_page(request, db, account_id, refusal)
    await try_source(db, clock, seal, await source_of(db, account_id), by=by)
    return _to(account_id)


# --- by hand ----------------------------------------------------------------------------------------------------------


@post(
    _HERE + "/{account_id:str}/file",
    guards=[OPERATES],
    request_max_body_size=brought.MOST_BYTES + 100_000,
    summary="Bring a daily file by hand",
)
async def bring(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    storage: NamedDependency[Storage],
    account_id: FromPath[str],
) -> Response[Any]:
    """Keep the file for a worker and show its day; a file that is none, or another account's, is refused at once."""
    form, by = await request.form(), staff_of(request).id
    file, typed_day = form.get("file"), str(form.get("day", ""))
    try:
        if not isinstance(file, UploadFile) or not file.filename:
            raise Invalid("Choose a file first.")
        day = date.fromisoformat(typed_day) if typed_day else None
        source = await source_of(db, account_id)
        run_id = await brought.bring(db, clock, storage, source, file.filename, await file.read(), day, by=by)
    except ValueError:
        return await _source_page(request, db, account_id, Invalid(_WRONG))
    except Refused as refusal:
        return await _source_page(request, db, account_id, refusal)
    return Redirect(f"/console/reconciliation/{run_id}", status_code=HTTP_303_SEE_OTHER)


# --- keeping ----------------------------------------------------------------------------------------------------------


@get(_HERE + "/{account_id:str}/edit", guards=[OPERATES], summary="Say where daily files come from")
async def edit(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], account_id: FromPath[str]
) -> Response[Any]:
    """The form, with all that may be seen; `?kind=` chooses another way."""
    async with db.reading() as rows:
        view = await accounts.account_view(rows, account_id)
        source = await keeping.source(rows, account_id)
    asked = request.query_params.get("kind", source.kind if source else "")
    return _form(request, view, source, asked, _values(source, beijing_day(clock.now())))


def _values(source: Source | None, today: date) -> dict[str, str]:
    if source is None:
        return {"port": "22", "since": today.isoformat(), "grace_days": "4", "refund_fee": "returned"}
    fee = "" if source.fee_rate is None else f"{(source.fee_rate * 100).normalize():f}"
    return {name: str(getattr(source, name)) for name in _SHOWN if name not in ("fee",)} | {"fee": fee}


def _form(
    request: AnyRequest,
    view: AccountView,
    source: Source | None,
    kind: str,
    values: dict[str, str],
    refusal: Refused | None = None,
) -> Response[Any]:
    kinds = keeping.KINDS[view.channel]
    return page(
        request,
        "console/console_source_form.html",
        status_code=refusal.status if refusal else 200,
        headers={"Cache-Control": "no-store"},
        **shell(request),
        view=view,
        source=source,
        kind=kind if kind in kinds else kinds[0],
        choices=[(each, source_words.KIND[each]) for each in kinds],
        values=values,
        refusal=refusal,
    )


@post(_HERE + "/{account_id:str}/edit", guards=[OPERATES], summary="Keep where daily files come from")
async def keep(
    request: AnyRequest,
    db: NamedDependency[Database],
    seal: NamedDependency[Seal],
    clock: NamedDependency[Clock],
    account_id: FromPath[str],
) -> Response[Any]:
    """Keep it, secrets sealed; then look at once, which also brings the host key to be accepted."""
    said, by = await _said(request), staff_of(request).id
    async with db.reading() as rows:
        view = await accounts.account_view(rows, account_id)
        source = await keeping.source(rows, account_id)
    try:
        async with db.transaction() as tx:
            await keeping.keep_source(tx, seal, clock, account_id, view.channel, _wish(said), by=by)
    except Refused as refusal:
        shown = {name: said[name] for name in _SHOWN if name in said.fields}
        before = _values(source, beijing_day(clock.now()))
        return _form(request, view, source, said["kind"], before | shown, refusal)
    await try_source(db, clock, seal, await source_of(db, account_id), by=by)
    return _to(account_id)


async def _said(request: AnyRequest) -> Typed:
    form = await request.form()
    return typed({name: value for name, value in form.items() if name != "_csrf_token"})


def _wish(said: Typed) -> keeping.Wish:
    try:
        fee = said["fee"].strip().rstrip("%").replace(",", ".").strip()
        if fee and not Decimal(fee).is_finite():
            raise Invalid(_WRONG)
        return keeping.Wish(
            kind=said["kind"],
            since=date.fromisoformat(said["since"]),
            folder=said["folder"],
            host=said["host"],
            port=int(said["port"] or "22"),
            username=said["username"],
            password=said["password"],
            private_key=said["private_key"],
            drop_password=said["drop_password"] == "on",
            drop_private_key=said["drop_private_key"] == "on",
            fee_rate=(Decimal(fee) / 100).quantize(Decimal("0.000001")) if fee else None,
            refund_fee=said["refund_fee"] or "returned",
            grace_days=int(said["grace_days"] or "4"),
        )
    except (ValueError, InvalidOperation):
        raise Invalid(_WRONG) from None


@post(_HERE + "/{account_id:str}/stop", guards=[OPERATES], summary="Stop fetching daily files")
async def stop(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], account_id: FromPath[str]
) -> Response[Any]:
    """Nothing is fetched any more; days that were read stay."""
    form = await request.form()
    try:
        async with db.transaction() as tx:
            reason = str(form.get("reason", ""))
            await keeping.stop_source(tx, clock, account_id, by=staff_of(request).id, reason=reason)
    except Refused as refusal:
        return await _source_page(request, db, account_id, refusal)
    return _to(account_id)


@post(_HERE + "/{account_id:str}/resume", guards=[OPERATES], summary="Fetch daily files again")
async def resume(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], account_id: FromPath[str]
) -> Response[Any]:
    """They are fetched again."""
    async with db.transaction() as tx:
        await keeping.resume_source(tx, clock, account_id, by=staff_of(request).id)
    return _to(account_id)


def _to(account_id: str) -> Response[Any]:
    return Redirect(f"{_HERE}/{account_id}", status_code=HTTP_303_SEE_OTHER)


router = Router(path="/", route_handlers=[show, look, try_it, accept, bring, edit, keep, stop, resume])
