"""Doors that only a test's server has: any page at all, and a sign-in without a password.

Passwords are hashed for real, which takes longer than most tests: whoever isn't about them comes in by these."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath


@get("/hello")
async def hello() -> str:
    """Any page: it brings the CSRF cookie."""
    return "hello"


@get("/staff-is/{staff_id:str}")
async def become_staff(request: Request[Any, Any, Any], staff_id: FromPath[str]) -> Response[str]:
    """Stands for the sign-in."""
    request.session["staff_id"] = staff_id
    return Response("signed in")
