"""Calls to a gateway, bounded: whatever goes wrong on the way comes back as `Unclear`, never as an exception.

A call that was cut off may still be carried out: only `not_sent` says that nothing happened."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

import structlog

from saoma.gateway import Evidence, Unclear
from saoma.kit.errors import NotSent
from saoma.payments.happenings import NOT_SENT
from saoma.payments.settling import CALL_LIMIT

log = structlog.get_logger(__name__)

T = TypeVar("T")


def _unclear(source: str, code: str) -> Unclear:
    return Unclear(code, Evidence(source=source, code=code, signed=None, raw=""))


async def asked(call: Awaitable[T], source: str) -> T | Unclear:
    """The answer to `call`, or why there is none: `silence`, `not_sent`, `fault` (a gateway that broke its promise)."""
    try:
        async with asyncio.timeout(CALL_LIMIT.total_seconds()):
            return await call
    except TimeoutError:
        return _unclear(source, "silence")
    except NotSent:
        return _unclear(source, NOT_SENT)
    except Exception:
        log.exception("gateway.fault", source=source)
        return _unclear(source, "fault")
