"""The routers of the partner API: `/api/v1` behind keys, its OpenAPI document and the meaning of its problems.

Machines come without sessions or cookies, so none is read here, and no form token is asked for."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, Router, get
from litestar.exceptions import HTTPException
from litestar.params import FromPath

from saoma.api import authorizations, hooks, merchants, payments, places, refunds, statements, withdrawing
from saoma.api.door import LARGEST_BODY
from saoma.api.openapi import document
from saoma.api.problems import KINDS, problem
from saoma.kit.errors import NotFound, NotSent, OutcomeUnknown, Refused

_OPEN: dict[str, Any] = {"exclude_from_csrf": True, "skip_session": True}


@get("/api/openapi.json", opt=_OPEN, sync_to_thread=False)
def show_document() -> Response[bytes]:
    """The OpenAPI document."""
    return Response(msgspec.json.encode(document()), media_type="application/json")


@get("/api/problems/{kind:str}", opt=_OPEN, sync_to_thread=False)
def show_problem(kind: FromPath[str]) -> Response[str]:
    """What a problem's `type` leads to: what it means, and what the program should do."""
    found = KINDS.get(kind)
    if found is None:
        raise NotFound("There is no such kind of problem.")
    text = f"{kind} ({found.status})\n\n{found.title}.\n\n{found.advice}\n\nTold to the cashier: {found.cashier}\n"
    return Response(text, media_type="text/plain; charset=utf-8")


def _answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    return problem(request, error)


v1 = Router(
    "/api/v1",
    route_handlers=[
        *payments.handlers,
        *withdrawing.handlers,
        *authorizations.handlers,
        *refunds.handlers,
        *statements.handlers,
        *merchants.handlers,
        *places.handlers,
        *hooks.handlers,
    ],
    # By each name that the house's own handlers have: the nearest name of an error wins, not the nearest handler.
    exception_handlers=dict.fromkeys((Refused, NotSent, OutcomeUnknown, HTTPException, Exception), _answer),
    opt=_OPEN,
    request_max_body_size=LARGEST_BODY,
)
routers: list[Any] = [v1, show_document, show_problem, *authorizations.pages]
