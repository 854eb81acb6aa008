"""The console's daily files: each day of each account, what differs in it, down to the case; and the same as CSV.

It only shows: a day is run by a worker, or by `saoma reconcile`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

from litestar import Response, Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream

from saoma.console import words
from saoma.console.scope import OPERATES, AnyRequest, shell
from saoma.kit.db import Database
from saoma.payments import findings
from saoma.web.page import page

_PAGE = 100


@get("/console/reconciliation", guards=[OPERATES], summary="Daily files")
async def show(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """The latest days first."""
    try:
        before = date.fromisoformat(request.query_params.get("after", ""))
    except ValueError:
        before = None
    async with db.reading() as rows:
        found = await findings.runs(rows, before=before, limit=30)
    more = found[-1].day.isoformat() if len(found) == 30 else ""
    return page(request, "console/console_runs.html", **shell(request), found=found, more=more, words=words)


@get("/console/reconciliation/{run_id:str}", guards=[OPERATES], summary="A day of an account")
async def show_run(request: AnyRequest, db: NamedDependency[Database], run_id: FromPath[str]) -> Response[Any]:
    """One day: how many differences of each class, and each of them with its case."""
    asked = request.query_params
    kind = asked.get("kind", "")
    kind = kind if kind in words.KIND else ""
    cursor = asked.get("after", "")
    async with db.reading() as rows:
        run = await findings.run(rows, run_id)
        counts = await findings.counts(rows, run_id)
        found = await findings.lines(rows, run_id, kind, int(cursor) if cursor.isdecimal() else 0, _PAGE)
    return page(
        request,
        "console/console_run.html",
        **shell(request),
        run=run,
        counts=counts,
        found=found,
        kind=kind,
        more=str(found[-1].id) if len(found) == _PAGE else "",
        words=words,
    )


@get("/console/reconciliation/{run_id:str}/export", guards=[OPERATES], summary="Differences as CSV")
async def export(request: AnyRequest, db: NamedDependency[Database], run_id: FromPath[str]) -> Stream:
    """Every difference of a day, for a spreadsheet; however many there are."""
    kind = request.query_params.get("kind", "")
    async with db.reading() as rows:
        run = await findings.run(rows, run_id)

    async def parts() -> AsyncIterator[str]:
        async with db.reading() as rows:
            async for part in findings.export_csv(rows, run_id, kind if kind in words.KIND else ""):
                yield part

    name = f"differences-{run.day.isoformat()}.csv"
    return Stream(
        parts(), media_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


router = Router(path="/", route_handlers=[show, show_run, export])
