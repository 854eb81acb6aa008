"""The console's first page: processes and their heartbeats, queues and their ages, what the watch and the audit said.

Everything here is read from the database, so it says the same whichever process answers."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.console import words
from saoma.console.scope import OPERATES, SEES, AnyRequest, shell
from saoma.identity.guards import May, staff_of
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.payments.watch import LATE_AFTER, SILENT_AFTER, Watch, beats, chores, due_queues
from saoma.web.page import page


@get("/console", guards=[SEES], summary="Health")
async def show(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], watch: NamedDependency[Watch]
) -> Response[Any]:
    """How this deployment is. A merchant's managers go on to their own cases."""
    if not staff_of(request).may(May.SEE_EVERY_MERCHANT):
        return Redirect("/console/cases", status_code=HTTP_303_SEE_OTHER)
    now = clock.now()
    async with db.reading() as rows:
        processes = await beats(rows)
        queues = await due_queues(rows, watch.tables, now)
        done = await chores(rows)
        waiting = await rows.value("SELECT count(*) FROM cases WHERE status <> 'closed'")
        ringing = await rows.value("SELECT count(*) FROM alarms WHERE over_at IS NULL AND acknowledged_at IS NULL")
    return page(
        request,
        "console/console_health.html",
        **shell(request),
        processes=[(beat, now - beat.at <= SILENT_AFTER) for beat in processes],
        workers=sum(1 for beat in processes if beat.kind == "worker" and now - beat.at <= SILENT_AFTER),
        queues=[(queue, queue.oldest is not None and now - queue.oldest > LATE_AFTER) for queue in queues],
        chores=done,
        waiting=waiting,
        ringing=ringing,
        words=words,
    )


@post("/console/audit", guards=[OPERATES], summary="Audit now")
async def audit_now(watch: NamedDependency[Watch]) -> Response[Any]:
    """Ask every rule of the books now instead of tonight."""
    await watch.do("audit")
    return Redirect("/console", status_code=HTTP_303_SEE_OTHER)


router = Router(path="/", route_handlers=[show, audit_now])
