"""The console's messages: what Alipay told us by itself, taken or refused; a refused one can be played again.

Playing again runs every check anew: a message that is still forged is refused once more."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from saoma.console import searching, words
from saoma.console.scope import OPERATES, AnyRequest, shell
from saoma.identity import audit
from saoma.identity.guards import staff_of
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.payments.payments import Payments
from saoma.web.page import page


async def _page(request: AnyRequest, db: Database, **more: Any) -> Response[Any]:
    asked = str(request.query_params.get("after", ""))
    async with db.reading() as rows:
        refused = await searching.refused_notices(rows, int(asked) if asked.isdecimal() else 0)
        seen = await searching.seen_notices(rows)
    return page(
        request,
        "console/console_notices.html",
        **{**shell(request), "played": None, "refused": refused, "seen": seen, "words": words, **more},
    )


@get("/console/notices", guards=[OPERATES], summary="Messages from Alipay")
async def show(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """Refused messages, and those that were acted upon."""
    return await _page(request, db)


@post("/console/notices/{notice_id:int}/replay", guards=[OPERATES], summary="Play a message again")
async def replay(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    payments: NamedDependency[Payments],
    notice_id: FromPath[int],
) -> Response[Any]:
    """Check and apply a refused message once more: after keys were mended, or its payment appeared."""
    async with db.reading() as rows:
        notice = await searching.refused_notice(rows, notice_id)
    try:
        fields = msgspec.json.decode(notice.raw, type=dict[str, str])
    except msgspec.MsgspecError:
        # What was too long to be kept whole can't be played again.
        fields = {}
    answer = await payments.notified(notice.account_id, fields)
    async with db.transaction() as tx:
        detail = {"why": answer.why, "accepted": answer.accepted}
        who = staff_of(request).id
        await audit.note(tx, clock, who=who, what="replayed_notice", subject=str(notice_id), detail=detail)
    return await _page(request, db, played=answer)


router = Router(path="/", route_handlers=[show, replay])
