"""Going live: merchants move from a sandbox account to a production account that was prepared beside it.

An account is never turned into another one: payments, refunds and notifications of the sandbox stay with the keys they
were begun with, however long they take, and only what begins after the switch is real."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import msgspec

from saoma.alipay.account import Account
from saoma.alipay.key_texts import key_name
from saoma.identity import audit, model
from saoma.identity.accounts import KEYS, AccountView, account_view, add_direct, lock
from saoma.kit.clock import Clock
from saoma.kit.db import Rows, Transaction
from saoma.kit.errors import Conflict, Invalid, NotAllowed, NotFound
from saoma.kit.seal import Seal

#: Alipay's production addresses (https://docs.antom.com/ac/gr/globalgs, https://docs.antom.com/ac/global/oauth_token).
PRODUCTION: Final = {
    "gateway_url": "https://globalmapi.alipay.com/gateway.do",
    "openapi_url": "https://globalopenapi.alipay.com/gateway.do",
    "auth_url": "https://openauth.alipay.com/oauth2/publicAppAuthorize.htm",
}
#: Alipay's own sandbox (https://docs.antom.com/ac/common/sandbox).
SANDBOX: Final = {
    "gateway_url": "https://mapi.alipaydev.com/gateway.do",
    "openapi_url": "https://openapi-sandbox.dl.alipaydev.com/gateway.do",
    "auth_url": "https://openauth-sandbox.dl.alipaydev.com/oauth2/publicAppAuthorize.htm",
}
#: What going live may change of an account; all the rest is taken over.
CHANGES: Final = frozenset(
    {
        *("environment", "gateway_url", "openapi_url", "auth_url", "partner", "app_id"),
        *KEYS,
    }
)


class Tick(msgspec.Struct, frozen=True):
    """A point of the list that a person has seen to."""

    point: str
    note: str
    by: str
    at: datetime


class Wish(msgspec.Struct, frozen=True):
    """Somebody asked for the switch."""

    by: str
    at: datetime


def production_twin(sandbox: Account, **given: str) -> Account:
    """The production account that takes over from a sandbox account: other addresses, PID, APPID and keys, no more.

    Raises `Invalid` for what is not one of these, for anything that could not work, and for the sandbox's own keys."""
    other = set(given) - CHANGES
    if other:
        raise Invalid("Going live changes addresses, PID, APPID and keys only.")
    changed: dict[str, Any] = {**given, "environment": "production"}
    twin = replace(sandbox, **changed, former_sign_type="", former_key="", former_until=None)
    if twin.partner == sandbox.partner:
        raise Invalid("Production has another PID than the sandbox.")
    if keys_shared(sandbox, twin):
        raise Invalid("Production needs keys of its own: the sandbox's have been seen by too many people.")
    return twin


def keys_shared(one: Account, other: Account) -> list[str]:
    """Which keys two accounts have in common, whatever shape they are written in."""
    pairs = [(name, getattr(one, name).strip(), getattr(other, name).strip()) for name in KEYS]
    return [name for name, ours, theirs in pairs if ours and key_name(ours) == key_name(theirs)]


async def prepare(tx: Transaction, seal: Seal, clock: Clock, sandbox_id: str, twin: Account, *, by: str) -> str:
    """Add the production account beside its sandbox account and tell its id; nobody pays through it yet.

    Raises `Conflict` where one was prepared already."""
    view = await lock(tx, sandbox_id)
    if view.environment != "sandbox" or view.channel != "direct":
        raise Conflict("Only a sandbox account at Alipay itself goes live.")
    if await tx.value("SELECT id FROM accounts WHERE goes_live_for = %(id)s", {"id": sandbox_id}) is not None:
        raise Conflict("Production was prepared for this account already.")
    production_id = await add_direct(tx, seal, clock, twin, name=view.name, by=by)
    await tx.run(
        "UPDATE accounts SET goes_live_for = %(sandbox)s WHERE id = %(id)s",
        {"id": production_id, "sandbox": sandbox_id},
    )
    await audit.note(
        tx, clock, who=by, what="going_live_prepared", subject=production_id, detail={"sandbox": sandbox_id}
    )
    return production_id


async def production_of(rows: Rows, sandbox_id: str) -> str:
    """The id of the production account prepared for a sandbox account; empty when there is none."""
    return str(await rows.value("SELECT id FROM accounts WHERE goes_live_for = %(id)s", {"id": sandbox_id}) or "")


async def tick(tx: Transaction, clock: Clock, account_id: str, point: str, *, note: str, by: str) -> None:
    """Somebody has seen to a point, and says how. Raises `Invalid` without that."""
    if len(note.strip()) < 3:
        raise Invalid("Say what you saw: a name, a date or a number.")
    await lock(tx, account_id)
    await tx.run(
        """INSERT INTO go_live_ticks (account_id, point, note, by, at)
           VALUES (%(id)s, %(point)s, %(note)s, %(by)s, %(at)s)
           ON CONFLICT (account_id, point) DO UPDATE SET note = excluded.note, by = excluded.by, at = excluded.at""",
        {"id": account_id, "point": point, "note": note.strip()[:200], "by": by, "at": clock.now()},
    )
    detail = {"point": point, "note": note.strip()[:200]}
    await audit.note(tx, clock, who=by, what="go_live_point_ticked", subject=account_id, detail=detail)


async def untick(tx: Transaction, clock: Clock, account_id: str, point: str, *, by: str) -> None:
    """Take a point back."""
    await lock(tx, account_id)
    gone = await tx.run(
        "DELETE FROM go_live_ticks WHERE account_id = %(id)s AND point = %(point)s", {"id": account_id, "point": point}
    )
    if gone:
        await audit.note(tx, clock, who=by, what="go_live_point_unticked", subject=account_id, detail={"point": point})


async def ticks(rows: Rows, account_id: str) -> dict[str, Tick]:
    """The points people have seen to."""
    found = await rows.rows(
        Tick, "SELECT point, note, by, at FROM go_live_ticks WHERE account_id = %(id)s", {"id": account_id}
    )
    return {each.point: each for each in found}


async def wish_of(rows: Rows, account_id: str) -> Wish | None:
    """Who asked for the switch and waits for a second person."""
    return await rows.maybe(Wish, "SELECT by, at FROM go_live_wishes WHERE account_id = %(id)s", {"id": account_id})


async def go_live(
    tx: Transaction, seal: Seal, clock: Clock, production_id: str, *, by: str, open_points: list[str], two: bool
) -> bool:
    """Move the sandbox account's merchants to production; whether it was done, or now waits for a second person.

    `open_points` are those of the list that are not seen to; any of them refuses the switch. With `two`, somebody else
    than who asked must agree. Raises `Conflict`, `NotAllowed`, `NotFound`."""
    if open_points:
        raise Conflict("The list for going live has {count} open points.", count=len(open_points))
    view = await _pair(tx, production_id)
    wish = await wish_of(tx, production_id)
    if two and wish is None:
        await tx.run(
            "INSERT INTO go_live_wishes (account_id, by, at) VALUES (%(id)s, %(by)s, %(at)s)",
            {"id": production_id, "by": by, "at": clock.now()},
        )
        await audit.note(tx, clock, who=by, what="going_live_asked", subject=production_id)
        return False
    if two and wish is not None and wish.by == by:
        raise NotAllowed("A second person must agree: not the one who asked.")
    sandbox = await model.account(tx, seal, view.goes_live_for)
    if keys_shared(sandbox, await model.account(tx, seal, production_id)):
        raise Conflict("Production needs keys of its own: the sandbox's have been seen by too many people.")
    await _move(tx, clock, view.goes_live_for, production_id, by=by, what="went_live", asked=wish.by if wish else "")
    return True


async def go_back(tx: Transaction, clock: Clock, production_id: str, *, by: str, reason: str) -> None:
    """Move the merchants back to their sandbox account; what was paid in production is finished in production."""
    if not reason.strip():
        raise Invalid("Say why: the next person wants to know.")
    view = await _pair(tx, production_id)
    await _move(
        tx, clock, production_id, view.goes_live_for, by=by, what="went_back", subject=production_id, reason=reason
    )


async def _pair(tx: Transaction, production_id: str) -> AccountView:
    view = await lock(tx, production_id)
    if not view.goes_live_for:
        raise NotFound("This account was not prepared for going live.")
    await account_view(tx, view.goes_live_for)
    return view


async def _move(
    tx: Transaction,
    clock: Clock,
    from_id: str,
    to_id: str,
    *,
    by: str,
    what: str,
    asked: str = "",
    subject: str = "",
    reason: str = "",
) -> None:
    moved = await tx.run(
        "UPDATE merchants SET account_id = %(to)s WHERE account_id = %(from)s", {"from": from_id, "to": to_id}
    )
    await tx.run("DELETE FROM go_live_wishes WHERE account_id IN (%(from)s, %(to)s)", {"from": from_id, "to": to_id})
    detail = {"from": from_id, "to": to_id, "merchants": moved, "asked_by": asked, "reason": reason.strip()[:200]}
    await audit.note(tx, clock, who=by, what=what, subject=subject or to_id, detail=detail)
